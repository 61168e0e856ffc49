"""How the script of a stage starts and ends: its guards, its errors, and when its output counts.

No stage depends on this module in dvc.yaml: it decides whether a stage runs, not what it writes.
"""

import fcntl
import gc
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from inspect import signature
from pathlib import Path

from nuclei.pipeline import environment  # noqa: F401, before it imports what may be missing
from nuclei.pipeline.params import StudyParams

from nuclei.core import files
from nuclei.core.errors import InputError


def run(main: Callable[..., None]) -> None:
    """Call a stage's `main` with the command line's words, if params.yaml and its inputs are right.

    A user's mistake ends in one line, with exit code 1.
    """
    script, *words = sys.argv
    try:
        _guard()
        try:
            signature(main).bind(*words)
        except TypeError:
            names = " ".join(name.upper() for name in signature(main).parameters)
            sys.exit(f"usage: {Path(script).name} {names}")
        gc.freeze()  # what was imported stays: searched for waste, it takes a stage up to 3 seconds
        main(*words)
    except (InputError, OSError) as error:
        # One line, even where the name of a file or a key holds a line end.
        sys.exit(f"error: {' '.join(str(error).split())}")


def _guard() -> None:
    """Check all of params.yaml; under DVC, also that the inputs are what DVC recorded."""
    name = os.environ.get("DVC_STAGE", "")
    try:
        aug = files.read_params(StudyParams).aug
        if name.startswith("augment@"):
            from nuclei.augmentation import recipes  # this stage imports it anyway

            recipes.parse(aug)
    except InputError as error:
        hint = "; what `-S` has set stays there: `git checkout params.yaml` takes it back"
        raise InputError(f"{error}{hint if name else ''}") from None
    if name:
        from nuclei.dvc_api.files import check_inputs_of  # DVC takes half a second to import

        check_inputs_of(name)


@contextmanager
def output(path: Path) -> Iterator[Path]:
    """Yield a hidden path beside `path`; what is written there without an error is moved to it."""
    # A link to a folder is the user's and stays. A link to a file is DVC's, into its cache.
    path = path.resolve() if path.is_symlink() and path.is_dir() else path
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.unfinished")
    # A stage may still be writing after its `dvc repro` was killed: wait until it ends.
    with locked(unfinished.with_name(f"{unfinished.name}.lock")):
        _remove(unfinished)
        try:
            yield unfinished
        except BaseException:
            _remove(unfinished)  # the disk may be full
            raise
        _remove(path)
        unfinished.rename(path)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock at `path`, as the only process, and leave no file behind."""
    path.parent.mkdir(parents=True, exist_ok=True)
    while True:
        with path.open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not _is_at(path, lock.fileno()):
                continue  # its last holder removed the file, so nobody else sees this lock
            try:
                yield
            finally:
                path.unlink()
            return


def _is_at(path: Path, descriptor: int) -> bool:
    try:
        return path.stat().st_ino == os.fstat(descriptor).st_ino
    except FileNotFoundError:
        return False


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
