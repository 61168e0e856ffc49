"""DVC's lock of this folder."""

from collections.abc import Iterator
from contextlib import contextmanager

from dvc.lock import LockError
from dvc.repo import Repo

from nuclei.core.errors import InputError


@contextmanager
def locked() -> Iterator[Repo]:
    """Open the repository of this folder and lock it; raises InputError if it is locked already."""
    with Repo() as repo:
        try:
            repo.lock.lock()
        except LockError:
            raise InputError(
                "another `make study` or `dvc` runs in this folder; wait until it has ended"
            ) from None
        try:
            yield repo
        finally:
            repo.lock.unlock()
