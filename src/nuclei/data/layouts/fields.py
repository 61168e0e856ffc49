"""Fields of view and the nuclei labelled on them: what every raw layout is read into."""

import math
import re
from collections.abc import Collection
from pathlib import PurePosixPath
from typing import NamedTuple

from nuclei.core.errors import InputError
from nuclei.data import images

PATIENT = r"TCGA-[A-Z0-9]{2}-[A-Z0-9]{4}"
BY_THE_IMAGE = math.nan  # microns per pixel, where the image itself says how many


class Nucleus(NamedTuple):
    """One labelled nucleus; `x`, `y` in pixels of its field, `longest` box side in microns.

    The id is the field's name and, where a label file has rows, the row counted from 0.
    """

    id: str
    label: str
    x: float = math.nan
    y: float = math.nan
    longest: float = math.nan


class FieldOfView(NamedTuple):
    """One image and the file that labels its nuclei, both named relative to the raw folder.

    `labels` is None where the image's own name is the label, or a table has listed the `nuclei`;
    `microns_per_pixel` is None where the whole image is one nucleus, of unknown scale, and
    BY_THE_IMAGE where the image says it.
    """

    name: str
    image: str
    labels: str | None
    patient: str
    site: str  # the patient where no site is known: whole patients are then dealt to folds
    microns_per_pixel: float | None
    nuclei: tuple[Nucleus, ...] = ()


# Whether they are read or not: other files, such as a README, nobody takes for data.
PICTURES = frozenset((*images.ENDINGS, ".bmp", ".gif", ".webp", ".jp2", ".czi", ".dcm"))


def site(patient: str) -> str:
    """Tissue source site of a TCGA patient, "A2" of "TCGA-A2-A04T"."""
    return patient.split("-")[1]


def names_in(names: list[str], folder: str, ending: str) -> set[str]:
    """Names directly or deeper in `folder` that end in `ending`, without folder and ending."""
    pattern = re.compile(re.escape(folder) + "/(.+)" + re.escape(ending))
    return {match[1] for match in map(pattern.fullmatch, names) if match}


def ending(name: str) -> str:
    """The ending of a file's name in lower case, such as ".png"; empty without one."""
    return PurePosixPath(name).suffix.lower()


def not_read(names: list[str], read: Collection[str]) -> dict[str, list[str]]:
    """Return the pictures among all files that nothing reads, by ending."""
    found: dict[str, list[str]] = {}
    for name in sorted({*names} - {*read}):
        if ending(name) in PICTURES:
            found.setdefault(ending(name), []).append(name)
    return found


def check_frame(
    field: FieldOfView, nuclei: list[Nucleus], file: str, height: int, width: int
) -> None:
    """Make sure that coordinates and image share one frame.

    A box may overhang the image by less than half (8 of 5,273 real NuCLS boxes do, by one pixel);
    a centre outside means that the two are of different scale or of different fields.

    Args:
        field: the image.
        nuclei: its nuclei.
        file: that lists them.
        height: of the image, in pixels.
        width: likewise.

    Raises:
        InputError: naming the file, its row or feature, and the image of the first centre outside.
    """
    for nucleus in nuclei:
        if not (0 <= nucleus.x < width and 0 <= nucleus.y < height):
            kind = "feature" if file.lower().endswith((".geojson", ".geojson.gz")) else "row"
            own = nucleus.id.removeprefix(f"{field.name}/")
            raise InputError(
                f"{file}: {kind} {own}: centre x {nucleus.x:g}, y {nucleus.y:g} lies outside "
                f"{field.image} of {width} × {height} pixels; coordinates and image must share one "
                "frame"
            )
