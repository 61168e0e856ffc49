"""Rehash DVC's cache and all outputs; take away what is corrupt, so that DVC makes it anew."""

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from dvc.dvcfile import Lockfile
from dvc.exceptions import DvcException
from dvc.repo import Repo
from dvc_data.hashfile.hash import file_md5

import stage


def main() -> None:
    """Name every corrupt object, changed output and torn record; exit 1 if there is any."""
    with Repo() as repo, repo.lock:
        found = [*_torn_records(repo), *_corrupt_objects(repo), *_changed_outputs(repo)]
    for line in found:
        print(line)
    if found:
        sys.exit("error: not all was whole; say `dvc repro`, with --pull if a remote has the data")
    print("whole: every object of the cache and every output")


def _torn_records(repo: Repo) -> Iterator[str]:
    # DVC writes both in place: killed at that moment, it leaves half a file and then refuses it.
    lock, rwlock = Path("dvc.lock"), Path(os.path.relpath(repo.tmp_dir), "rwlock")
    try:
        Lockfile(repo, str(lock)).load()
        if lock.exists() and not lock.read_bytes().endswith(b"\n"):
            raise DvcException("cut off")
    except DvcException:
        lock.unlink()
        yield f"{lock}: torn, removed; DVC's run cache still knows what it held"
    try:
        json.loads(rwlock.read_bytes() if rwlock.exists() else b"{}")
    except ValueError:
        rwlock.unlink()
        yield f"{rwlock}: torn, removed"


def _corrupt_objects(repo: Repo) -> Iterator[str]:
    cache = repo.cache.local
    for path in sorted(Path(cache.path).glob("??/*")):
        if path.name.startswith("."):  # of a copy that was cut off; DVC itself never removes it
            path.unlink()
            continue
        named = path.parent.name + path.name.removesuffix(".dir")
        if file_md5(str(path), cache.fs) != named:
            path.unlink()
            yield f"{os.path.relpath(path)}: not the bytes of its name, removed"


def _changed_outputs(repo: Repo) -> Iterator[str]:
    for out in repo.index.outs:
        for path in stage.changed_files(out):
            if path.exists():
                path.touch()  # DVC hashes a file again when its time has changed
                yield f"{os.path.relpath(path)}: not the bytes that its stage wrote"


if __name__ == "__main__":
    stage.run(main)
