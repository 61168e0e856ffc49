"""A table of nuclei, nuclei.csv: any names, one hospital or several, crops or centres in fields."""

from collections import Counter, defaultdict
from collections.abc import Mapping

from nuclei.core.errors import InputError
from nuclei.core.folds import SPLITS
from nuclei.data.layouts import labels, tables
from nuclei.data.layouts.fields import BY_THE_IMAGE, FieldOfView, Nucleus

NAME = "table of nuclei"
FOLDERS = ()
TABLES = ("nuclei.csv",)
PRECEDENCE = SPLITS  # of no use: a patient in two splits is an error
COLUMNS = ("path", "label", "patient")
FILE = TABLES[0]


def fields(names: list[str], content: Mapping[str, bytes]) -> list[FieldOfView]:
    """List the images that the table names, each with its nuclei.

    Columns are `path,label,patient`, and optionally `site`, `x` and `y` with `microns_per_pixel`,
    and `split`; others are not read. A path is relative to the raw folder. With x and y, an image
    is a field of view, and its scale may be left out where the image says it; without them, every
    image is one nucleus.

    Args:
        names: POSIX names of all files, relative to the raw folder.
        content: of nuclei.csv.

    Returns:
        One FieldOfView per image, in the order of the table.

    Raises:
        InputError: naming the row: a path is no file or comes twice as a crop, a cell is empty, a
            number is none, some rows have what others lack, or an image has two patients or scales,
            a patient two sites.
    """
    rows = tables.rows(content[FILE], FILE, COLUMNS)
    site_of, files = tables.sites(rows, FILE), set(names)
    centred = tables.filled(rows, "x", FILE)
    if centred != tables.filled(rows, "y", FILE):
        raise InputError(f"{FILE}: x without y, or y without x; valid: both, or none of them")
    first: dict[str, int] = {}
    found: dict[str, FieldOfView] = {}
    nuclei_of: dict[str, list[Nucleus]] = defaultdict(list)
    for number, row in enumerate(rows):
        where, path = f"{FILE}: row {number}", row["path"]
        if path not in files:
            raise InputError(f"{where}: path {path!r} is no file beside {FILE}")
        if path not in found:
            first[path] = number
            patient, scale = row["patient"], tables.scale(row, where) or BY_THE_IMAGE
            microns_per_pixel = scale if centred else None
            found[path] = FieldOfView(
                path, path, None, patient, site_of[patient], microns_per_pixel
            )
        elif not centred:
            raise InputError(f"{where}: path {path!r} comes before, in row {first[path]}")
        before, nucleus = rows[first[path]], _nucleus(row, number, where, centred)
        for column in ("patient", "microns_per_pixel"):
            if row.get(column) != before.get(column):
                raise InputError(
                    f"{where}: {column} {row[column]!r}, but {before[column]!r} in row "
                    f"{first[path]} of the same image"
                )
        nuclei_of[path].append(nucleus)
    return [field._replace(nuclei=tuple(nuclei_of[path])) for path, field in found.items()]


def _nucleus(row: tables.Row, number: int, where: str, centred: bool) -> Nucleus:
    if not centred:
        return Nucleus(row["path"], row["label"])
    x, y = (labels.pixels(row[axis], f"{where}: {axis}") for axis in "xy")
    return Nucleus(f"{row['path']}/{number}", row["label"], x, y)


def nuclei(field: FieldOfView, content: bytes) -> tuple[list[Nucleus], Counter[str]]:
    """Return the nuclei that the table has listed; no file of the field's own is read."""
    return list(field.nuclei), Counter()


def lists(folds: bool) -> list[str]:
    """The table lists the splits, too; it has no folds."""
    return [] if folds else [FILE]


def released_folds(fields: list[FieldOfView], lists: Mapping[str, bytes]) -> None:
    """Return None: the table has no folds."""


def released_splits(fields: list[FieldOfView], lists: Mapping[str, bytes]) -> dict[str, str]:
    """Tell the split of every image by the column `split`.

    Raises:
        InputError: there is no such column, a split is none, or a patient is in two of them.
    """
    split_of = tables.splits(tables.rows(lists[FILE], FILE, COLUMNS), FILE)
    return {field.name: split_of[field.patient] for field in fields}
