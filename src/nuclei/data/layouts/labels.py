"""How label files and people's own tables are read, each mistake with its file and row."""

import csv
import io
import re

from nuclei.core.errors import InputError
from nuclei.core.folds import SPLITS
from nuclei.data.layouts.fields import FieldOfView, Layout, Lists
from nuclei.data.slides import COARSEST, FINEST

Row = dict[str, str]


class TableLayout(Layout):
    """A layout whose one table gives each image its patient, and may give it a site and a split."""

    columns: tuple[str, ...]  # that the table must have

    def rows(self, content: bytes) -> list[Row]:
        """Read the table without spaces around its cells; those of `columns` must be filled."""
        rows = [
            {column: cell.strip() for column, cell in row.items()}
            for row in table(content, self.table, self.columns)
        ]
        for number, row in enumerate(rows):
            for column in self.columns:
                if not row[column]:
                    raise InputError(f"{self.table}: row {number}: {column} is empty")
        return rows

    def filled(self, rows: list[Row], column: str) -> bool:
        """Return whether a column is there and filled, which is so for all rows or for none."""
        empty = [number for number, row in enumerate(rows) if not row.get(column)]
        if 0 < len(empty) < len(rows):
            raise InputError(
                f"{self.table}: row {empty[0]}: {column} is empty, in {len(empty)} of {len(rows)} "
                "rows; valid: all rows have it, or none"
            )
        return bool(rows) and not empty

    def one_of_each(self, rows: list[Row], key: str, column: str) -> dict[str, str]:
        """Return the one value of a column in all rows of a key, such as a patient's site."""
        value_of: dict[str, str] = {}
        for number, row in enumerate(rows):
            value = row.get(column, "")
            if (before := value_of.setdefault(row[key], value)) != value:
                raise InputError(
                    f"{self.table}: row {number}: {key} {row[key]} has {column} {value!r}, and "
                    f"{before!r} before; valid: one of them"
                )
        return value_of

    def sites(self, rows: list[Row]) -> dict[str, str]:
        """Return every patient's site, by the column `site`; without it, patients are sites."""
        column = "site" if self.filled(rows, "site") else "patient"
        return self.one_of_each(rows, "patient", column)

    def released_splits(self, fields: list[FieldOfView], lists: Lists) -> dict[str, str]:
        """Return the split of every image, by the column `split`; a patient must be in one."""
        rows = self.rows(lists[self.table])
        if not self.filled(rows, "split"):
            raise InputError(f"{self.table}: no column split; prepare.folds: released needs it")
        for number, row in enumerate(rows):
            if (split := row["split"]) not in SPLITS:
                valid = ", ".join(SPLITS)
                raise InputError(f"{self.table}: row {number}: split {split!r}; valid: {valid}")
        split_of = self.one_of_each(rows, "patient", "split")
        return {field.name: split_of[field.patient] for field in fields}


def text(content: bytes, file: str) -> str:
    """Decode a label file; raise InputError if it is not UTF-8."""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{file}: byte {error.start} is not UTF-8 text") from None


def table(content: bytes, file: str, columns: tuple[str, ...]) -> list[Row]:
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
    if missing := [column for column in columns if column not in header]:
        raise InputError(f"{file}: header lacks {', '.join(missing)}; got {','.join(header)!r}")
    if any(header.count(column) > 1 for column in columns):
        raise InputError(f"{file}: header names a column twice; got {','.join(header)!r}")
    for number, row in enumerate(rows):
        if None in row or None in row.values():
            raise InputError(f"{file}: row {number}: must have {len(header)} cells as the header")
    return rows


def pixels(cell: str, where: str) -> float:
    """Read a coordinate; raise InputError, beginning with `where`, if it is not a number."""
    # Not all white space: a number behind a separator such as 0x1c is none to float.
    if not re.fullmatch(r"[ \t]*[+-]?[0-9]+(\.[0-9]*)?[ \t]*", cell):
        raise InputError(f"{where} must be a number of pixels; got {cell!r}")
    return float(cell)


def centre(row: Row, where: str) -> tuple[float, float]:
    """Read the columns x and y; raise InputError, beginning with `where`, if one is no number."""
    return pixels(row["x"], f"{where}: x"), pixels(row["y"], f"{where}: y")


def mpp(cell: str, where: str) -> float | None:
    """Read microns per pixel, None of an empty cell; raise InputError if no microscope has so."""
    if not cell:
        return None
    if re.fullmatch(r"[0-9]+(\.[0-9]+)?", cell) and FINEST <= float(cell) <= COARSEST:
        return float(cell)
    raise InputError(f"{where} {cell!r}; valid: {FINEST} to {COARSEST}, such as 0.25 at 40x")
