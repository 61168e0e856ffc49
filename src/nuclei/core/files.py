"""Read and write params, JSON, tables and arrays of crops; nothing is pickled or unpickled."""

import csv
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from nuclei.core.classes import CLASSES, codes
from nuclei.core.draws import hash_ids
from nuclei.core.errors import InputError
from nuclei.core.nuclei import Nuclei
from nuclei.core.params import Checked, parse

if TYPE_CHECKING:  # half a second to import, and not every stage needs it
    import pandas as pd

TEXT = {"id": str, "label": str, "patient": str, "site": str, "source": str}


def read_params(schema: type[Checked], path: Path = Path("params.yaml")) -> Checked:
    """Read the part of params.yaml that `schema` names; raises InputError with file and key."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        # DVC reads and writes the file with this parser, which takes 1e-05 for a number.
        values = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError, YAMLError) as error:
        raise InputError(f"{path}: {' '.join(str(error).split())}") from None
    return parse(schema, values, str(path))


def read_json(path: Path) -> Any:
    """Read a JSON file; raises InputError if it is not one."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{path}: {error}") from None


def write_json(path: Path, content: Any, digits: int | None = None) -> None:
    """Write a JSON file, with its numbers rounded to `digits` decimals if that is given."""
    path.parent.mkdir(parents=True, exist_ok=True)
    content = content if digits is None else rounded(content, digits)
    text = json.dumps(content, indent=2, ensure_ascii=False)
    path.write_text(text + "\n", encoding="utf-8")


def rounded(content: Any, digits: int) -> Any:
    """Round the numbers of nested dicts, lists and tuples."""
    if isinstance(content, dict):
        return {key: rounded(value, digits) for key, value in content.items()}
    if isinstance(content, (list, tuple)):
        return [rounded(value, digits) for value in content]
    # The + 0.0 turns a number that rounds to -0.0 into 0.0.
    return round(content, digits) + 0.0 if isinstance(content, float) else content


def read_csv(path: Path) -> "pd.DataFrame":
    """Read a table, its ids, labels, patients, sites and sources as text; InputError if none."""
    import pandas as pd

    try:
        return pd.read_csv(path, dtype=TEXT, keep_default_na=False)
    except ValueError as error:  # every way in which pandas cannot parse a file
        raise InputError(f"{path}: {' '.join(str(error).split())}") from None


def write_csv(path: Path, table: "pd.DataFrame", digits: int | None = None) -> None:
    """Write a table without its index, its numbers rounded to `digits` decimals if given."""
    form = None if digits is None else "%g"
    if digits is not None:
        table = table.assign(**table.select_dtypes("float").round(digits) + 0.0)  # as in `rounded`
    table.to_csv(path, index=False, float_format=form, lineterminator="\n", encoding="utf-8")


def read_nuclei(folder: Path) -> Nuclei:
    """Read the nuclei of data/prepared: crops, mapped read-only, with their ids and labels.

    Raises InputError if nuclei.csv does not describe the crops: no ids, an unknown label, a row too
    many.
    """
    crops, path = read_crops(folder / "nuclei.npy"), folder / "nuclei.csv"
    try:
        # Without pandas, which takes half a second to import.
        with path.open(encoding="utf-8", newline="") as table:
            rows = [(row["id"], row["label"]) for row in csv.DictReader(table)]
    except (KeyError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: not a table with the columns id and label: {error}") from None
    if len(rows) != len(crops):
        raise InputError(f"{path}: {len(rows)} rows; nuclei.npy holds {len(crops)} crops")
    ids, labels = zip(*rows, strict=True)
    if unknown := set(labels) - set(CLASSES):
        raise InputError(f"{path}: label {unknown.pop()!r}; valid: {', '.join(CLASSES)}")
    return Nuclei(crops, hash_ids(ids), codes(labels))


def read_crops(path: Path) -> np.ndarray:
    """Map crops, read-only: uint8 RGB (N, S, S, 3); InputError if the file holds others."""
    crops = read_array(path)
    square = crops.ndim == 4 and crops.shape[1:] == (crops.shape[1], crops.shape[1], 3)
    if not square or not crops.size or crops.dtype != np.uint8 or not crops.flags.c_contiguous:
        got = f"{crops.dtype} {crops.shape}" if crops.flags.c_contiguous else "in Fortran order"
        valid = "uint8 (N, S, S, 3) in C order, N and S above 0"
        raise InputError(f"{path}: not an array of crops: {got}; valid: {valid}")
    return crops


def read_array(path: Path) -> np.ndarray:
    """Map an array, read-only; raises InputError if the file holds none, or is cut off."""
    try:
        with np.errstate(over="ignore"):  # a shape that no file can hold
            return np.lib.format.open_memmap(path, mode="r")
    except (ValueError, SyntaxError, OverflowError) as error:
        raise InputError(f"{path}: not an array: {' '.join(str(error).split())}") from None


def begin_crops(path: Path, count: int, side: int) -> int:
    """Write the header of an array of `count` crops; return the byte where the first one begins."""
    header = {"descr": "|u1", "fortran_order": False, "shape": (count, side, side, 3)}
    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, header)
        return file.tell()


def write_crops(file: BinaryIO, start: int, places: np.ndarray, crops: np.ndarray) -> None:
    """Write crops, uint8 (n, S, S, 3), to their places, int (n,), after `start` of `begin_crops`.

    On a full disk, writing to a file is an error; writing to a memory map would be a crash.
    """
    for place, crop in zip(places.tolist(), crops, strict=True):
        file.seek(start + place * crop.nbytes)
        file.write(crop.tobytes())
