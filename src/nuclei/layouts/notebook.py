"""The crops of the 2022 course notebook: one PNG per nucleus, label and patient in its name."""

import re
from collections import Counter
from collections.abc import Mapping

from nuclei.classes import CLASSES
from nuclei.errors import InputError
from nuclei.layouts.fields import PATIENT, FieldOfView, Nucleus, names_in, site

NAME = "crops of the notebook"
FOLDERS = ("classification", "classification_test")
TABLES = ()
PRECEDENCE = ("test", "train")  # a patient in both folders: the test set stays whole
DROPPED = "unknown"
CROP = re.compile(rf"([^./]+)\.[^./]*\.[^./]*\.({PATIENT})(?![A-Z0-9])[^/]*")


def fields(names: list[str], tables: Mapping[str, bytes]) -> list[FieldOfView]:
    """List the crops; each is a field of view that holds one nucleus.

    Args:
        names: POSIX names of all files, relative to the raw folder.
        tables: none; names say all.

    Returns:
        One FieldOfView per crop, by name, without label file and scale.

    Raises:
        InputError: a crop is not named LABEL.a.b.BARCODE.
    """
    return [
        _field(folder, name)
        for folder in FOLDERS
        for name in sorted(names_in(names, folder, ".png"))
    ]


def _field(folder: str, name: str) -> FieldOfView:
    match = CROP.fullmatch(name)
    if not match:
        raise InputError(
            f"{folder}/{name}.png: not the name of a crop, such as tumor.1.2.TCGA-A2-A04T-DX1.png"
        )
    patient = match[2]
    return FieldOfView(
        f"{folder}/{name}", f"{folder}/{name}.png", None, patient, site(patient), None
    )


def nuclei(field: FieldOfView, content: bytes) -> tuple[list[Nucleus], Counter[str]]:
    """Read the one label that a crop's name begins with.

    Args:
        field: the crop.
        content: not read, a crop has no label file.

    Returns:
        The nucleus, without centre and box, or else a count of one dropped as "unknown".

    Raises:
        InputError: the label is not one of the three classes or "unknown".
    """
    label = field.name.partition("/")[2].partition(".")[0]
    if label == DROPPED:
        return [], Counter([DROPPED])
    if label not in CLASSES:
        valid = ", ".join([*CLASSES, DROPPED])
        raise InputError(f"{field.image}: unknown label {label!r}; valid: {valid}")
    return [Nucleus(field.name, label)], Counter()


def lists(folds: bool) -> list[str]:
    """No file lists the splits: the folders are the splits; there are no folds."""
    return []


def released_folds(fields: list[FieldOfView], lists: Mapping[str, bytes]) -> None:
    """Return None: the notebook had no folds."""


def released_splits(fields: list[FieldOfView], lists: Mapping[str, bytes]) -> dict[str, str]:
    """Tell train and test crops by their folder; returns "train" or "test" by field name."""
    splits = dict(zip(FOLDERS, ("train", "test"), strict=True))
    return {field.name: splits[field.name.partition("/")[0]] for field in fields}
