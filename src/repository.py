"""This folder as DVC's repository: all that uses DVC's own Python code, tried with DVC 3.67."""

import json
import os
from collections.abc import Iterator
from contextlib import suppress
from itertools import chain, count
from pathlib import Path
from typing import NamedTuple

from dvc.config import Config
from dvc.dvcfile import Lockfile
from dvc.exceptions import DvcException, NotDvcRepoError
from dvc.output import Output
from dvc.repo import Repo
from dvc.repo.reproduce import get_active_graph, plan_repro
from dvc.stage import PipelineStage
from dvc.stage.cache import RunCacheNotFoundError
from dvc.stage.serialize import to_single_stage_lockfile
from dvc.utils.serialize import modify_yaml
from dvc_data.hashfile.hash import file_md5
from dvc_data.hashfile.hash_info import HashInfo
from dvc_data.hashfile.meta import Meta
from dvc_data.hashfile.tree import Tree

import paths
from nuclei.errors import InputError

LOCK = Path("dvc.lock")


class Cell(NamedTuple):
    """One cell of the study's matrix; its files lie at AUG/xVOLUME of their folders."""

    aug: str
    volume: float
    name: str  # AUG/xVOLUME


def cells() -> list[Cell]:
    """Return the cells of the train stage, in the order of dvc.yaml's matrix."""
    with Repo() as repo:
        outs = [Path(out.def_path) for cell in repo.stage.collect("train") for out in cell.outs]
    predictions = [out for out in outs if out.is_relative_to(paths.PREDICTIONS)]
    named = [(out.parent.name, out.name[1:].removesuffix(".csv")) for out in predictions]
    return [Cell(aug, float(volume), f"{aug}/x{volume}") for aug, volume in named]


def leftovers() -> list[Path]:
    """List what lies in the folders that evaluate reads, and is of no cell of dvc.yaml."""
    found = {
        *paths.AUGMENTED.glob("[!.]*"),
        *paths.PREDICTIONS.glob("*/[!.]*"),
        *paths.TRAINING.glob("*/[!.]*"),
    }
    for cell in cells():
        found -= {paths.AUGMENTED / cell.aug}
        found -= {paths.PREDICTIONS / f"{cell.name}.csv", paths.TRAINING / f"{cell.name}.json"}
    return sorted(found)


def cache_folder() -> Path | None:
    """Return the folder of DVC's cache, or None outside of a repository."""
    try:
        with Repo() as repo:
            return Path(repo.cache.local.path).resolve()
    except NotDvcRepoError:
        return None


def check_inputs(name: str) -> None:
    """Make sure that what the stage `name` reads is what DVC recorded for it.

    DVC takes a corrupt object of its cache for whole, and so what it checks out from there.

    Raises:
        InputError: naming a file that has other bytes, or what is missing and who makes it.
    """
    missing, made_by = [], []
    with Repo() as repo:
        # Not repo.stage.collect, which would read all of dvc.lock once more.
        (this,) = (stage for stage in repo.index.stages if stage.addressing == name)
        deps = [dep.fs_path for dep in this.deps]
        for out in repo.index.outs:
            if any(out.fs.isin_or_eq(out.fs_path, dep) for dep in deps):
                for path in changed_files(out):
                    if path.exists():
                        raise InputError(
                            f"{out.fs.relpath(str(path))}: not the bytes that its stage wrote; "
                            "`make verify` finds what is corrupt, `dvc repro` then makes it anew"
                        )
                    missing.append(out.fs.relpath(str(path)))
                    made_by.append(out.stage.addressing.partition("@")[0])
    if missing:
        stages = " ".join(dict.fromkeys(made_by))
        raise InputError(
            f"{missing[0]} is missing, {len(missing) - 1} more; `dvc pull {stages}` fetches what "
            f"a remote has, `dvc repro {stages}` makes it"
        )


def dependencies(name: str) -> set[str]:
    """Return the paths that the stage `name` depends on, from the project's root."""
    with Repo() as repo:
        return {dep.def_path for dep in repo.stage.get_target(name).deps}


def changed_files(out: Output) -> Iterator[Path]:
    """Yield the files of an output whose bytes are not those that DVC recorded for it."""
    path = Path(out.fs_path)
    md5s = {path: out.hash_info.value} if out.hash_info else {}
    if out.hash_info.isdir and path.is_dir():
        listed = out.get_obj()
        if listed is None:  # the cache has lost the list of the folder's files: it is hashed anew
            if _hash_of_folder(path, out) != out.hash_info.value:
                yield path
            return
        md5s = {path.joinpath(*name): found.value for name, _, found in listed}
    for path, md5 in md5s.items():
        if not path.is_file() or file_md5(str(path), out.fs) != md5:
            yield path


def _hash_of_folder(folder: Path, out: Output) -> str | None:
    files = Tree()
    for path in folder.rglob("*"):
        if path.is_file():
            md5 = HashInfo("md5", file_md5(str(path), out.fs))
            files.add(path.relative_to(folder).parts, Meta(), md5)
    files.digest()
    return files.hash_info.value if files.hash_info else None


def mend() -> list[str]:
    """Move aside what is corrupt, so that DVC makes it anew; return a line for each finding."""
    with Repo() as repo, repo.lock:
        found = [*_torn_records(repo), *_corrupt_objects(repo)]
        # With a conflict in dvc.lock, nobody knows what the outputs should be.
        return found if _in_conflict(LOCK) else [*found, *_changed_outputs(repo)]


def _torn_records(repo: Repo) -> Iterator[str]:
    # DVC writes both in place: killed at that moment, it leaves half a file and then refuses it.
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
            yield f"{LOCK}: torn, now {aside}; DVC's run cache still knows what it held"
    try:
        json.loads(rwlock.read_bytes() if rwlock.exists() else b"{}")
    except ValueError:
        yield f"{rwlock}: torn, now {_move_aside(rwlock, rwlock.with_name('rwlock.torn'))}"


def _in_conflict(path: Path) -> bool:
    lines = path.read_bytes().splitlines() if path.exists() else []
    return all(any(line.startswith(mark) for line in lines) for mark in (b"<<<<<<< ", b">>>>>>> "))


def _move_aside(path: Path, aside: Path) -> Path:
    """Give a file another name, one that no earlier file has; return it."""
    aside.parent.mkdir(parents=True, exist_ok=True)
    names = chain([aside], (aside.with_name(f"{aside.name}-{n}") for n in count(2)))
    free = next(name for name in names if not name.exists())
    path.rename(free)
    return free


def _corrupt_objects(repo: Repo) -> Iterator[str]:
    cache = repo.cache.local
    corrupt = Path(os.path.relpath(repo.tmp_dir), "corrupt")
    for path in sorted(Path(cache.path).glob("??/*")):
        if path.name.startswith("."):  # of a copy that was cut off; DVC itself never removes it
            path.unlink()
            continue
        named = path.parent.name + path.name.removesuffix(".dir")
        if file_md5(str(path), cache.fs) != named:
            aside = _move_aside(path, corrupt / named)
            yield f"{os.path.relpath(path)}: not the bytes of its name, now {aside}"


def _changed_outputs(repo: Repo) -> Iterator[str]:
    for out in repo.index.outs:
        for path in changed_files(out):
            if path.exists():
                path.touch()  # DVC hashes a file again when its time has changed
                yield f"{os.path.relpath(path)}: not the bytes that its stage wrote"


def set_page_template(path: Path) -> None:
    """Have `dvc plots show` fill the page at `path`, in this clone alone."""
    with Config.from_cwd().edit("local") as config:
        config["plots"]["html_template"] = path.relative_to(".dvc").as_posix()


def default_remote() -> str | None:
    """Return the name of the default remote, None where there is none."""
    with Repo() as repo:
        return repo.config["core"].get("remote")


def remote_options(remote: str | None) -> dict[str, str]:
    """Return a remote's options, its keys among them; without a remote, the cache stands in."""
    with Repo() as repo:  # the cache's folder has the layout of a remote's
        return repo.config["remote"][remote] if remote else {"url": repo.cache.local_cache_dir}


def outdated_cells(pull: bool) -> dict[str, str | None]:
    """Return the cells to run in DVC's order, each with the cell that it waits for.

    Cells that the run cache knows, that of the remote included where `pull`, are restored instead.
    """
    with Repo() as repo, repo.lock:
        plan = plan_repro(get_active_graph(repo.index.graph), repo.stage.collect("dvc.yaml"))
        planned = [cell for cell in plan if cell.addressing.startswith(("augment@", "train@"))]
        outdated: dict[str, str | None] = {}
        known = {}
        for cell in planned:
            needed = _makers(cell, planned) & outdated.keys()
            if needed or cell.changed():
                if not needed and _restored(cell, pull):
                    known[cell.addressing] = to_single_stage_lockfile(cell)
                else:
                    outdated[cell.addressing] = next(iter(needed), None)
        if known:
            _record(known)
        return outdated


def _makers(cell: PipelineStage, cells: list[PipelineStage]) -> set[str]:
    """The cells whose output, or a file of it, `cell` reads."""
    outs = [(out, other.addressing) for other in cells for out in other.outs]
    return {
        maker
        for dep in cell.deps
        for out, maker in outs
        if dep.fs.isin_or_eq(dep.fs_path, out.fs_path)
    }


def _restored(cell: PipelineStage, pull: bool) -> bool:
    # The run cache knows it if it has been run anywhere with these very inputs.
    with suppress(RunCacheNotFoundError):
        cell.repo.stage_cache.restore(cell, pull=pull)
        cell.save()
        return True
    return False


def record(made: dict[str, dict]) -> None:
    """Take the entries of cells that were run elsewhere into dvc.lock."""
    with Repo() as repo, repo.lock:
        _record(made)


def _record(made: dict[str, dict]) -> None:
    # All at once: DVC rewrites the whole of dvc.lock for each cell, seconds where it is long.
    with modify_yaml(LOCK) as lock:
        lock["stages"] |= made
