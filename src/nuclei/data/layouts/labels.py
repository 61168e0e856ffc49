"""How label files are read: text, tables and numbers, each mistake with its file and row."""

import csv
import io
import re

from nuclei.core.errors import InputError
from nuclei.data.slides import COARSEST, FINEST


def text(content: bytes, file: str) -> str:
    """Decode a label file; raise InputError if it is not UTF-8."""
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


def pixels(cell: str, where: str) -> float:
    """Read a coordinate; raise InputError, beginning with `where`, if it is not a number."""
    # Not all white space: a number behind a separator such as 0x1c is none to float.
    if not re.fullmatch(r"[ \t]*[+-]?[0-9]+(\.[0-9]*)?[ \t]*", cell):
        raise InputError(f"{where} must be a number of pixels; got {cell!r}")
    return float(cell)


def centre(row: dict[str, str], where: str) -> tuple[float, float]:
    """Read the columns x and y; raise InputError, beginning with `where`, if one is no number."""
    return pixels(row["x"], f"{where}: x"), pixels(row["y"], f"{where}: y")


def mpp(cell: str, where: str) -> float:
    """Read microns per pixel; raise InputError, beginning with `where`, if no microscope has so."""
    if re.fullmatch(r"[0-9]+(\.[0-9]+)?", cell) and FINEST <= float(cell) <= COARSEST:
        return float(cell)
    raise InputError(f"{where} {cell!r}; valid: {FINEST} to {COARSEST}, such as 0.25 at 40x")
