"""Whether files have the bytes that DVC recorded for them, and what mends those that have not."""

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain, count
from pathlib import Path

from dvc.dvcfile import Lockfile
from dvc.exceptions import DvcException
from dvc.lock import LockError
from dvc.output import Output
from dvc.repo import Repo
from dvc.stage import PipelineStage
from dvc_data.hashfile.hash import file_md5
from dvc_data.hashfile.hash_info import HashInfo
from dvc_data.hashfile.meta import Meta
from dvc_data.hashfile.tree import Tree

from nuclei.core.errors import InputError
from nuclei.core.paths import LOCK


@contextmanager
def opened() -> Iterator[Repo]:
    """Open the repository of this folder; raise InputError for any error of DVC's own."""
    try:
        with Repo() as repo:
            yield repo
    except DvcException as error:
        raise InputError(str(error)) from None


@contextmanager
def locked() -> Iterator[Repo]:
    """Lock what `opened` opens; raise InputError if another DVC process runs here."""
    with opened() as repo:
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


def check_inputs_of(name: str) -> None:
    """Check that the inputs of the stage `name` are what DVC recorded; see `check_inputs`."""
    with opened() as repo:
        # Not repo.stage.collect, which would read all of dvc.lock once more.
        check_inputs(repo, [stage for stage in repo.index.stages if stage.addressing == name])


def check_inputs(repo: Repo, stages: list[PipelineStage]) -> None:
    """Check that what these stages read, and do not write themselves, is what DVC recorded.

    DVC trusts a corrupt object of its cache, and so what it checks out from there.

    Raises:
        InputError: naming a file that has other bytes, or a missing file and what makes it.
    """
    missing = []
    deps = {dep.fs_path for stage in stages for dep in stage.deps}
    for out in repo.index.outs:
        if out.stage in stages or not any(_overlap(out, out.fs_path, dep) for dep in deps):
            continue
        for path in changed_files(out):
            if not any(_overlap(out, str(path), dep) for dep in deps):
                continue  # the stages read other files of this folder
            name = out.fs.relpath(str(path))
            if path.exists():
                raise InputError(
                    f"{name}: not the bytes that its stage wrote; `nuclei verify` finds what is "
                    "corrupt, `dvc repro` then makes it anew"
                )
            missing.append((name, out.stage.addressing.partition("@")[0]))
    if missing:
        makers = " ".join(dict.fromkeys(maker for _, maker in missing))
        raise InputError(
            f"{missing[0][0]} is missing, {len(missing) - 1} more; `dvc pull {makers}` fetches "
            f"what a remote has, `dvc repro {makers}` makes it"
        )


def _overlap(out: Output, path: str, dep: str) -> bool:
    """Whether the output, or the file of it at `path`, is what a dependency reads, or holds it."""
    return out.fs.isin_or_eq(path, dep) or out.fs.isin_or_eq(dep, path)


def changed_files(out: Output) -> Iterator[Path]:
    """Yield the files of an output whose bytes are not those that DVC recorded."""
    path = Path(out.fs_path)
    md5s = {path: out.hash_info.value} if out.hash_info else {}
    if out.hash_info.isdir and path.is_dir():
        tree = out.get_obj()
        if tree is None:  # the cache has no list of the folder's files, or lost it: hash the folder
            tree = Tree()
            for file in map(Path, out.repo.dvcignore.find(out.fs, out.fs_path)):
                md5 = HashInfo("md5", file_md5(str(file), out.fs))
                tree.add(file.relative_to(path).parts, Meta(), md5)
            tree.digest()
            if tree.hash_info != out.hash_info:
                yield path
            return
        md5s = {path.joinpath(*name): md5.value for name, _, md5 in tree}
    for path, md5 in md5s.items():
        if not path.is_file() or file_md5(str(path), out.fs) != md5:
            yield path


def mend() -> list[str]:
    """Move aside what is corrupt, so that DVC makes it anew; return a line for each such file."""
    with locked() as repo:
        lines = [*_torn_records(repo), *_corrupt_objects(repo)]
        # With a conflict in dvc.lock, nobody knows what the outputs should be.
        return lines if _in_conflict(LOCK) else [*lines, *_changed_outputs(repo)]


def _torn_records(repo: Repo) -> Iterator[str]:
    # DVC writes both in place. Killed at that moment, it leaves half a file and then refuses it.
    rwlock = Path(os.path.relpath(repo.tmp_dir), "rwlock")
    try:
        Lockfile(repo, str(LOCK)).load()
        if LOCK.exists() and not LOCK.read_bytes().endswith(b"\n"):
            raise DvcException("cut off")
    except DvcException:
        if _in_conflict(LOCK):
            yield (
                f"{LOCK}: holds a git merge conflict, left as it is; take either side, by "
                f"`git checkout --ours {LOCK}` or --theirs: `dvc repro` then runs what it lacks"
            )
        else:
            aside = _move_aside(LOCK, LOCK.with_name(f"{LOCK.name}.torn"))
            yield f"{LOCK}: torn, now {aside}; DVC's run cache still holds its entries"
    try:
        json.loads(rwlock.read_bytes() if rwlock.exists() else b"{}")
    except ValueError:
        yield f"{rwlock}: torn, now {_move_aside(rwlock, rwlock.with_name('rwlock.torn'))}"


def _in_conflict(path: Path) -> bool:
    lines = path.read_bytes().splitlines() if path.exists() else []
    return all(any(line.startswith(mark) for line in lines) for mark in (b"<<<<<<< ", b">>>>>>> "))


def _move_aside(path: Path, aside: Path) -> Path:
    """Give a file a name that no earlier file has; return it."""
    aside.parent.mkdir(parents=True, exist_ok=True)
    names = chain([aside], (aside.with_name(f"{aside.name}-{n}") for n in count(2)))
    free = next(name for name in names if not name.exists())
    shutil.move(path, free)  # the cache may lie on another disk
    return free


def _corrupt_objects(repo: Repo) -> Iterator[str]:
    cache = repo.cache.local
    corrupt = Path(os.path.relpath(repo.tmp_dir), "corrupt")
    for path in sorted(Path(cache.path).glob("??/*")):
        if path.name.startswith("."):  # of a copy that was cut off; DVC itself never removes it
            path.unlink()
            continue
        md5 = path.parent.name + path.name.removesuffix(".dir")
        if file_md5(str(path), cache.fs) != md5:
            aside = _move_aside(path, corrupt / md5)
            yield f"{os.path.relpath(path)}: not the bytes of its name, now {aside}"


def _changed_outputs(repo: Repo) -> Iterator[str]:
    for out in repo.index.outs:
        for path in changed_files(out):
            if path.exists():
                path.touch()  # DVC hashes a file again when its time has changed
                yield f"{os.path.relpath(path)}: not the bytes that its stage wrote"
