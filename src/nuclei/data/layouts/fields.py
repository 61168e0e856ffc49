"""What every raw layout is read into, fields of view and their nuclei; and what a layout is."""

import math
import re
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Collection, Mapping
from pathlib import PurePosixPath
from typing import NamedTuple

from nuclei.core.errors import InputError
from nuclei.data import images

PATIENT = r"TCGA-[A-Z0-9]{2}-[A-Z0-9]{4}"
# All of them, whether they are read or not. Nobody takes other files, such as a README, for data.
PICTURES = frozenset((*images.ENDINGS, ".bmp", ".gif", ".webp", ".jp2", ".czi", ".dcm"))

Lists = Mapping[str, bytes]  # content of files that list folds or splits, by name


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


class Layout(ABC):
    """How a raw data set is laid out on disk. Each kind is a subclass, in a module beside this one.

    Every method raises InputError, which names the file or row that is not as the layout has it.
    """

    name: str  # what messages and the summary call it
    folders: tuple[str, ...] = ()  # by which it is recognised
    table: str = ""  # the file by which it is recognised, too, and which lists its fields of view
    maps_names: bool = False  # it turns its own names of classes into those of this project
    fold_lists: tuple[str, ...] = ()  # files that list the released folds
    split_lists: tuple[str, ...] = ()  # files that list the released splits

    @abstractmethod
    def fields(self, names: list[str], table: bytes) -> list[FieldOfView]:
        """List the fields of view, by the POSIX names of all files and the content of `table`."""

    def nuclei(self, field: FieldOfView, content: bytes) -> tuple[list[Nucleus], Counter[str]]:
        """Read the nuclei of a field, named as in the data, and count the rows dropped, by reason.

        The field has its microns per pixel unless it is one nucleus; `content` is its label file's.
        """
        return list(field.nuclei), Counter()

    def released_folds(self, fields: list[FieldOfView], lists: Lists) -> dict[str, int] | None:
        """Return the fold that tests each field, by its name; None if no folds are released."""
        return None

    @abstractmethod
    def released_splits(self, fields: list[FieldOfView], lists: Lists) -> dict[str, str]:
        """Return the released split of each field, by its name."""


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
    """Check that the coordinates in `file` and the image, of so many pixels, share one frame.

    A box may overhang the image by less than half (8 of 5,273 real NuCLS boxes do, by one pixel).
    A centre outside means that the two have different resolutions or show different fields.

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
