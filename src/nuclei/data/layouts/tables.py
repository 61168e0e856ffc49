"""Tables that people write of their own data: cells that must be there, scales, sites, splits."""

import re

from nuclei.core.errors import InputError
from nuclei.core.folds import SPLITS
from nuclei.data.layouts import labels
from nuclei.data.slides import COARSEST, FINEST

Row = dict[str, str]


def rows(content: bytes, file: str, columns: tuple[str, ...]) -> list[Row]:
    """Read a table, without spaces around its cells.

    Raises:
        InputError: the file is no such table, or a cell of `columns` is empty.
    """
    found = [
        {column: cell.strip() for column, cell in row.items()}
        for row in labels.table(content, file, columns)
    ]
    for number, row in enumerate(found):
        for column in columns:
            if not row[column]:
                raise InputError(f"{file}: row {number}: {column} is empty")
    return found


def filled(rows: list[Row], column: str, file: str) -> bool:
    """Tell whether a column is there and filled; raises InputError where only in some rows."""
    empty = [number for number, row in enumerate(rows) if not row.get(column)]
    if not empty or len(empty) == len(rows):
        return not empty and bool(rows)
    raise InputError(
        f"{file}: row {empty[0]}: {column} is empty, in {len(empty)} of {len(rows)} rows; valid: "
        "all rows have it, or none"
    )


def sites(rows: list[Row], file: str) -> dict[str, str]:
    """Tell every patient's site by the column `site`; without it, the patient is the site.

    Raises:
        InputError: only some rows have a site, or a patient has two.
    """
    column = "site" if filled(rows, "site", file) else "patient"
    return _of_patients(rows, column, file)


def splits(rows: list[Row], file: str) -> dict[str, str]:
    """Tell every patient's split by the column `split`.

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
    found: dict[str, str] = {}
    for number, row in enumerate(rows):
        patient, value = row["patient"], row[column]
        if (before := found.setdefault(patient, value)) != value:
            raise InputError(
                f"{file}: row {number}: patient {patient} has {column} {value}, and {before} "
                "before; valid: one of them"
            )
    return found


def scale(row: Row, where: str) -> float | None:
    """Read the column `microns_per_pixel`; None where it is empty or missing.

    Raises:
        InputError: beginning with `where`, it is no such number.
    """
    value = row.get("microns_per_pixel", "")
    return microns_per_pixel(value, f"{where}: microns_per_pixel") if value else None


def microns_per_pixel(text: str, where: str) -> float:
    """Read a scale; raises InputError, beginning with `where`, if it is none of a microscope."""
    if re.fullmatch(r"[0-9]+(\.[0-9]+)?", text) and FINEST <= float(text) <= COARSEST:
        return float(text)
    raise InputError(f"{where} {text!r}; valid: {FINEST} to {COARSEST}, such as 0.25 at 40x")
