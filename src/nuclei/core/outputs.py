"""When an output counts: one process writes it beside its path, and moves it when it is whole."""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


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
