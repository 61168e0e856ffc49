"""The crops of the 2022 course notebook: a picture per nucleus, label and patient in its name."""

import re
from collections import Counter
from collections.abc import Mapping

from nuclei.core.classes import CLASSES
from nuclei.core.errors import InputError
from nuclei.data import crops
from nuclei.data.layouts.fields import PATIENT, FieldOfView, Nucleus, ending, site

NAME = "crops of the notebook"
FOLDERS = ("classification", "classification_test")
TABLES = ()
PRECEDENCE = ("test", "train")  # a patient in both folders: the test set stays whole
DROPPED = "unknown"
CROP = re.compile(rf"([^./]+)\.[^./]*\.[^./]*\.({PATIENT})(?![A-Z0-9])[^/]*")


def fields(names: list[str], content: Mapping[str, bytes]) -> list[FieldOfView]:
    """List the crops; each is a field of view that holds one nucleus.

    Args:
        names: POSIX names of all files, relative to the raw folder.
        content: of no table; names say all.

    Returns:
        One FieldOfView per crop, by name, without label file and scale.

    Raises:
        InputError: a crop is not named LABEL.a.b.BARCODE.
    """
    found = [
        _field(name)
        for folder in FOLDERS
        for name in sorted(name for name in names if name.startswith(f"{folder}/"))
        if ending(name) in crops.ENDINGS
    ]
    image_of: dict[str, str] = {}
    for field in found:
        if (other := image_of.setdefault(field.name, field.image)) != field.image:
            raise InputError(f"{field.image}: of the same name as {other}; valid: one of them")
    return found


def _field(image: str) -> FieldOfView:
    name = image[: -len(ending(image))]
    match = CROP.fullmatch(name.partition("/")[2])
    if not match:
        raise InputError(
            f"{image}: not the name of a crop, such as tumor.1.2.TCGA-A2-A04T-DX1.png: a label, "
            "two parts of your own, TCGA, a hospital of 2 and a patient of 4 capitals and digits"
        )
    patient = match[2]
    return FieldOfView(name, image, None, patient, site(patient), None)


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
