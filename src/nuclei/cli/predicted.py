"""The record of what `nuclei predict` wrote: the only files that it replaces.

It lies in the folder of an answer in GeoJSON, or beside a table, with a hash of every file. What is
not recorded, or was changed since, is the user's and stays.
"""

from hashlib import sha256
from pathlib import Path

from nuclei.core import files
from nuclei.core.errors import InputError
from nuclei.core.params import Section, parse

RECORD = "predicted-by.json"


class Record(Section):
    """The folder of the model that predicted, and the SHA-256 of each file, by its name."""

    model: str
    files: dict[str, str]


def write(target: Path, model: str) -> None:
    """Record that a model's folder predicted what lies at `target`, a table or a folder."""
    record = Record(model=model, files={file.name: _hash(file) for file in _files(target)})
    files.write_json(_path(target), record.model_dump())


def check(target: Path, names: set[str]) -> None:
    """Check that no file is lost if an answer of files `names` takes the place of `target`.

    Raises:
        InputError: a file there was not written by this command, was changed since, or will not
            be written again.
    """
    path = _path(target)
    hashes = parse(Record, files.read_json(path), str(path)).files if path.is_file() else {}
    for file in _files(target):
        if file.name not in hashes or not file.is_file():
            why = "was not written by this command"
        elif hashes[file.name] != _hash(file):
            why = "was changed since it was written"
        elif file.name not in names:
            why = "is of no image given now"
        else:
            continue
        raise InputError(f"--out {target}: {file.name} {why}; valid: another place, or remove it")


def _path(target: Path) -> Path:
    return target / RECORD if target.is_dir() else target.with_name(f"{target.name}.{RECORD}")


def _files(target: Path) -> list[Path]:
    if target.is_dir():
        return sorted({*target.iterdir()} - {_path(target)})
    return [target] if target.exists() else []


def _hash(file: Path) -> str:
    return sha256(file.read_bytes()).hexdigest()
