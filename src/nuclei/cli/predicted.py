"""What `nuclei predict` wrote earlier: the only files that it replaces.

It leaves a record of each answer, with a hash of every file: in the folder of an answer in GeoJSON,
and beside a table. What is not recorded, or was changed since, is the user's and stays.
"""

from hashlib import sha256
from pathlib import Path

from nuclei.core import files
from nuclei.core.errors import InputError
from nuclei.core.params import Section, parse

RECORD = "predicted-by.json"


class Record(Section):
    """Who wrote some files, and what they held."""

    model: str
    files: dict[str, str]  # SHA-256 of each, by name


def record(target: Path) -> Path:
    """Return where the record of an answer lies: in its folder, or beside its table."""
    return target / RECORD if target.is_dir() else target.with_name(f"{target.name}.{RECORD}")


def write(path: Path, model: str, answers: list[Path]) -> None:
    """Write the record of the files of an answer.

    Args:
        path: of the record.
        model: the folder of the model that predicted.
        answers: the files, as they lie now.
    """
    hashes = {answer.name: _hash(answer) for answer in answers}
    files.write_json(path, Record(model=model, files=hashes).model_dump())


def check(target: Path, names: set[str]) -> None:
    """Check that nothing is lost if an answer takes the place of what lies there.

    Args:
        target: a table, or a folder of files.
        names: of the files that will be written.

    Raises:
        InputError: a file there was not written by this command, was changed since, or will not
            be written again.
    """
    existing = sorted(target.iterdir()) if target.is_dir() else [target] if target.exists() else []
    path = record(target)
    hashes = parse(Record, files.read_json(path), str(path)).files if path.is_file() else {}
    for file in existing:
        if file == path:
            continue
        if file.name not in hashes or not file.is_file():
            why = "was not written by this command"
        elif hashes[file.name] != _hash(file):
            why = "was changed since it was written"
        elif file.name not in names:
            why = "is of no image given now"
        else:
            continue
        raise InputError(f"--out {target}: {file.name} {why}; valid: another place, or remove it")


def _hash(file: Path) -> str:
    return sha256(file.read_bytes()).hexdigest()
