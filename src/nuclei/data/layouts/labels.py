"""How label files are read: text, tables and coordinates, each mistake with its file and row."""

import csv
import io
import re

from nuclei.core.errors import InputError


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
    # Not all white space: a number behind a separator such as 0x1c is none to float.
    if not re.fullmatch(r"[ \t]*[+-]?[0-9]+(\.[0-9]*)?[ \t]*", value):
        raise InputError(f"{where} must be a number of pixels; got {value!r}")
    return float(value)
