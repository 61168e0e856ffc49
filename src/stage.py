"""What every stage script shares: where things lie, how params are read, how a stage ends."""

import fcntl
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from inspect import signature
from pathlib import Path

import yaml

from nuclei import params
from nuclei.errors import InputError

RAW = Path("data/raw")
PREPARED = Path("data/prepared")
AUGMENTED = Path("data/augmented")
TRAINING = Path("data/training")
PREDICTIONS = Path("data/predictions")
MODELS = Path("models")
METRICS = Path("metrics")
PLOTS = Path("plots")
UNFINISHED = Path("data/.unfinished")


def read_params(path: Path = Path("params.yaml")) -> params.Params:
    """Read and check params.yaml; raises InputError with the file and the key."""
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise InputError(f"{path}: {' '.join(str(error).split())}") from None
    return params.parse(values)


@contextmanager
def output(path: Path) -> Iterator[Path]:
    """Yield a place to write to; only what was written without an error comes to lie at `path`."""
    unfinished = UNFINISHED / path
    unfinished.parent.mkdir(parents=True, exist_ok=True)
    # A stage whose `dvc repro` was killed may still be writing: wait until it ends.
    with unfinished.with_name(f"{unfinished.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        _remove(unfinished)
        yield unfinished
        _remove(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished.rename(path)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def run(main: Callable[..., None]) -> None:
    """Call a stage's `main` with the command line's words; a user's mistake ends in one line."""
    script, *words = sys.argv
    try:
        signature(main).bind(*words)
    except TypeError:
        names = " ".join(name.upper() for name in signature(main).parameters)
        sys.exit(f"usage: {Path(script).name} {names}")
    try:
        main(*words)
    except (InputError, OSError) as error:
        sys.exit(f"error: {error}")
