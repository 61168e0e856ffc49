"""Fields of view and the nuclei labelled on them: what every raw layout is read into."""

import math
import re
from collections.abc import Collection
from pathlib import PurePosixPath
from typing import NamedTuple

from nuclei.core.errors import InputError
from nuclei.data import images

PATIENT = r"TCGA-[A-Z0-9]{2}-[A-Z0-9]{4}"


class Nucleus(NamedTuple):
    """One labelled nucleus; `x`, `y` in pixels of its field, `longest` box side in microns.

    The id is the field's name and, if a label file has rows, the row counted from 0.
    """

    id: str
    label: str
    x: float = math.nan
    y: float = math.nan
    longest: float = math.nan


class FieldOfView(NamedTuple):
    """One image and the file that labels its nuclei, both named relative to the raw folder."""

    name: str
    image: str
    labels: str | None  # None if the image's name is the label, or a table has listed `nuclei`
    patient: str
    site: str  # the patient if no site is known: whole patients are then dealt to folds
    mpp: float | None = None  # microns per pixel; None: the image says it, or it is `one_nucleus`
    nuclei: tuple[Nucleus, ...] = ()
    one_nucleus: bool = False  # the whole image shows one nucleus, at no known resolution


# All of them, whether they are read or not. Nobody takes other files, such as a README, for data.
PICTURES = frozenset((*images.ENDINGS, ".bmp", ".gif", ".webp", ".jp2", ".czi", ".dcm"))


def site(patient: str) -> str:
    """Return the tissue source site of a TCGA patient, "A2" of "TCGA-A2-A04T"."""
    return patient.split("-")[1]


def names_in(names: list[str], folder: str, ending: str) -> set[str]:
    """Return the names in `folder`, at any depth, that end in `ending`, without both of these."""
    pattern = re.compile(re.escape(folder) + "/(.+)" + re.escape(ending))
    return {match[1] for match in map(pattern.fullmatch, names) if match}


def ending(name: str) -> str:
    """Return the ending of a file's name in lower case, such as ".png"; empty without one."""
    return PurePosixPath(name).suffix.lower()


def not_read(names: list[str], read: Collection[str]) -> dict[str, list[str]]:
    """Return the pictures among all files that nothing reads, by ending."""
    by_ending: dict[str, list[str]] = {}
    for name in sorted({*names} - {*read}):
        if ending(name) in PICTURES:
            by_ending.setdefault(ending(name), []).append(name)
    return by_ending


def check_frame(
    field: FieldOfView, nuclei: list[Nucleus], file: str, height: int, width: int
) -> None:
    """Check that coordinates and image share one frame.

    A box may overhang the image by less than half (8 of 5,273 real NuCLS boxes do, by one pixel).
    A centre outside means that the two have different resolutions or show different fields.

    Args:
        field: the image.
        nuclei: its nuclei.
        file: the file that lists them.
        height: of the image, in pixels.
        width: of the image, in pixels.

    Raises:
        InputError: naming the file, the row or feature of the first centre outside, and the image.
    """
    for nucleus in nuclei:
        if not (0 <= nucleus.x < width and 0 <= nucleus.y < height):
            kind = "feature" if file.lower().endswith((".geojson", ".geojson.gz")) else "row"
            number = nucleus.id.removeprefix(f"{field.name}/")
            raise InputError(
                f"{file}: {kind} {number}: centre x {nucleus.x:g}, y {nucleus.y:g} lies outside "
                f"{field.image} of {width} × {height} pixels; coordinates and image must share one "
                "frame"
            )
