"""Fields of view and the nuclei labelled on them: what the readers of all raw layouts share."""

import csv
import io
import math
import re
from typing import NamedTuple

from nuclei.errors import InputError

PATIENT = r"TCGA-[A-Z0-9]{2}-[A-Z0-9]{4}"


class Field(NamedTuple):
    """One image and the file that labels its nuclei, both named relative to the raw folder.

    `labels` is None where the image's own name is the label; `microns_per_pixel` is None where
    the whole image is one nucleus, of unknown scale.
    """

    name: str
    image: str
    labels: str | None
    patient: str
    site: str
    microns_per_pixel: float | None


class Nucleus(NamedTuple):
    """One labelled nucleus; `x`, `y` in pixels of its field, `longest` box side in microns.

    The id is the field's name and, where a label file has rows, the row counted from 0.
    """

    id: str
    label: str
    x: float = math.nan
    y: float = math.nan
    longest: float = math.nan


def site(patient: str) -> str:
    """Tissue source site of a TCGA patient, "A2" of "TCGA-A2-A04T"."""
    return patient.split("-")[1]


def names_in(names: list[str], folder: str, ending: str) -> set[str]:
    """Names directly or deeper in `folder` that end in `ending`, without folder and ending."""
    pattern = re.compile(re.escape(folder) + "/(.+)" + re.escape(ending))
    return {match[1] for match in map(pattern.fullmatch, names) if match}


def text(content: bytes, file: str) -> str:
    """Decode a label file; raises InputError where it is not UTF-8."""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{file}: byte {error.start} is not UTF-8 text") from None


def table(content: bytes, file: str, columns: tuple[str, ...]) -> list[dict[str, str]]:
    """Read a CSV with a header that names at least `columns`, once each, a dict per row.

    Raises:
        InputError: naming the file, and the line or row that is malformed.
    """
    # strict: a quote that is never closed would else swallow the rows after it.
    reader = csv.DictReader(io.StringIO(text(content, file), newline=""), strict=True)
    try:
        rows = list(reader)
    except csv.Error as error:
        raise InputError(f"{file}: line {reader.reader.line_num}: {error}") from None
    header = reader.fieldnames or []
    missing = [column for column in columns if column not in header]
    if missing:
        raise InputError(f"{file}: header lacks {', '.join(missing)}; got {','.join(header)!r}")
    if any(header.count(column) > 1 for column in columns):
        raise InputError(f"{file}: header names a column twice; got {','.join(header)!r}")
    for number, row in enumerate(rows):
        if None in row or None in row.values():
            raise InputError(f"{file}: row {number}: must have {len(header)} cells as the header")
    return rows


def pixels(value: str, where: str) -> float:
    """Read a coordinate; raises InputError, beginning with `where`, unless it is a number."""
    if not re.fullmatch(r"[+-]?[0-9]+(\.[0-9]*)?", value.strip()):
        raise InputError(f"{where} must be a number of pixels; got {value!r}")
    return float(value)


def check_frame(field: Field, nuclei: list[Nucleus], height: int, width: int) -> None:
    """Make sure that coordinates and image share one frame.

    A box may overhang the image by less than half (8 of 5,273 real NuCLS boxes do, by one pixel);
    a centre outside means that the two are of different scale or of different fields.

    Raises:
        InputError: naming the label file, the row and the image of the first centre outside.
    """
    for nucleus in nuclei:
        if not (0 <= nucleus.x < width and 0 <= nucleus.y < height):
            raise InputError(
                f"{field.labels}: row {nucleus.id.rsplit('/')[-1]}: centre x {nucleus.x:g}, "
                f"y {nucleus.y:g} lies outside {field.image} of {width} × {height} pixels; "
                "coordinates and image must share one frame"
            )
