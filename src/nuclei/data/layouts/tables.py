"""Tables that people write of their own data: rows, sites, splits, microns per pixel."""

from collections.abc import Mapping

from nuclei.core.errors import InputError
from nuclei.core.folds import SPLITS
from nuclei.data.layouts import labels
from nuclei.data.layouts.fields import FieldOfView
from nuclei.data.layouts.layout import Layout

Row = dict[str, str]


class TableLayout(Layout):
    """A layout whose one table gives each image its patient, and may give it a site and a split."""

    columns: tuple[str, ...]  # that the table must have

    def released_splits(
        self, fields: list[FieldOfView], lists: Mapping[str, bytes]
    ) -> dict[str, str]:
        """Return the split of every image, by the column `split`.

        Raises:
            InputError: there is no such column, a split is none, or a patient is in two of them.
        """
        split_of = splits(rows(lists[self.table], self.table, self.columns), self.table)
        return {field.name: split_of[field.patient] for field in fields}


def rows(content: bytes, file: str, columns: tuple[str, ...]) -> list[Row]:
    """Read a table, without spaces around its cells.

    Raises:
        InputError: the file is no such table, or a cell of `columns` is empty.
    """
    rows = [
        {column: cell.strip() for column, cell in row.items()}
        for row in labels.table(content, file, columns)
    ]
    for number, row in enumerate(rows):
        for column in columns:
            if not row[column]:
                raise InputError(f"{file}: row {number}: {column} is empty")
    return rows


def filled(rows: list[Row], column: str, file: str) -> bool:
    """Return whether a column is there and filled; raise InputError if only some rows have it."""
    empty = [number for number, row in enumerate(rows) if not row.get(column)]
    if not empty or len(empty) == len(rows):
        return not empty and bool(rows)
    raise InputError(
        f"{file}: row {empty[0]}: {column} is empty, in {len(empty)} of {len(rows)} rows; valid: "
        "all rows have it, or none"
    )


def sites(rows: list[Row], file: str) -> dict[str, str]:
    """Return every patient's site, by the column `site`; without it, the patient is the site.

    Raises:
        InputError: only some rows have a site, or a patient has two.
    """
    column = "site" if filled(rows, "site", file) else "patient"
    return _of_patients(rows, column, file)


def splits(rows: list[Row], file: str) -> dict[str, str]:
    """Return every patient's split, by the column `split`.

    Raises:
        InputError: the column is missing, a split is none, or a patient is in two of them.
    """
    if not filled(rows, "split", file):
        raise InputError(f"{file}: no column split; prepare.folds: released needs it")
    for number, row in enumerate(rows):
        if row["split"] not in SPLITS:
            raise InputError(
                f"{file}: row {number}: split {row['split']!r}; valid: {', '.join(SPLITS)}"
            )
    return _of_patients(rows, "split", file)


def _of_patients(rows: list[Row], column: str, file: str) -> dict[str, str]:
    value_of: dict[str, str] = {}
    for number, row in enumerate(rows):
        patient, value = row["patient"], row[column]
        if (before := value_of.setdefault(patient, value)) != value:
            raise InputError(
                f"{file}: row {number}: patient {patient} has {column} {value}, and {before} "
                "before; valid: one of them"
            )
    return value_of


def mpp(row: Row, where: str) -> float | None:
    """Return what the column `microns_per_pixel` says; None if it is empty or missing.

    Raises:
        InputError: beginning with `where`, no microscope has such a resolution.
    """
    cell = row.get("microns_per_pixel", "")
    return labels.mpp(cell, f"{where}: microns_per_pixel") if cell else None
