"""Which cells have to be run, and how DVC is told of those that have been."""

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from dvc.repo import Repo
from dvc.repo.reproduce import get_active_graph, plan_repro
from dvc.stage import PipelineStage
from dvc.stage.cache import RunCacheNotFoundError
from dvc.stage.serialize import to_single_stage_lockfile
from dvc.utils.serialize import load_yaml, modify_yaml

from nuclei.core import paths
from nuclei.core.errors import InputError
from nuclei.dvc_api.files import check_inputs
from nuclei.dvc_api.locked import locked


class Outdated:
    """The cells that have to be run, in a repository that is locked meanwhile.

    `cells` are their names in DVC's order, each with that of the cell it waits for.
    """

    def __init__(self, repo: Repo, pull: bool) -> None:
        """Find them, and restore those that the run cache knows."""
        stages = repo.stage.collect("dvc.yaml")
        plan = plan_repro(get_active_graph(repo.index.graph), stages)
        planned = [cell for cell in plan if cell.addressing.startswith(("augment@", "train@"))]
        self.configurations: dict[str, str | None] = {}
        self._stages = {cell.addressing: cell for cell in planned}
        self._code = _code()
        known = {}
        for cell in planned:
            needed = _makers(cell, planned) & self.configurations.keys()
            if needed or cell.changed():
                if not needed and _restored(cell, pull):
                    known[cell.addressing] = to_single_stage_lockfile(cell)
                else:
                    self.configurations[cell.addressing] = next(iter(needed), None)
        self._new = [name for name in self._stages if name not in _recorded()]
        write_entries(known, self._new)
        if self.configurations:
            check_inputs(repo, [self._stages[name] for name in self.configurations])

    def record(self, names: list[str]) -> None:
        """Tell DVC that these cells have been run in this folder, as it would record it itself.

        Raises:
            InputError: code or params have changed since: nobody knows what the cells were made of.
        """
        if names and _code() != self._code:
            raise InputError(
                "src, params.yaml or dvc.yaml changed while the cells ran: "
                f"{names[0]} and {len(names) - 1} more are not recorded"
            )
        made = {}
        for name in (name for name in self.configurations if name in names):
            cell = self._stages[name]
            cell.save()
            cell.commit()
            made[name] = to_single_stage_lockfile(cell)
        write_entries(made, self._new)


@contextmanager
def outdated(pull: bool) -> Iterator[Outdated]:
    """Find the cells that have to be run.

    Cells that the run cache knows, that of the remote included where `pull`, are restored instead.

    Raises:
        InputError: another DVC process runs here, or an input is not what DVC recorded.
    """
    with locked() as repo:
        yield Outdated(repo, pull)


def _code() -> str:
    """A hash of what decides what a cell is made of, but for its data."""
    digest = hashlib.sha256()
    for path in [Path("dvc.yaml"), paths.PARAMS, *sorted(Path("src").rglob("*.py"))]:
        digest.update(path.as_posix().encode() + path.read_bytes())
    return digest.hexdigest()


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
    """Take the entries of cells that were run elsewhere into dvc.lock.

    Raises:
        InputError: another DVC process runs here.
    """
    with locked():
        write_entries(made)


def _recorded() -> set[str]:
    return {*(load_yaml(paths.LOCK).get("stages") or {})} if paths.LOCK.exists() else set()


def write_entries(made: dict[str, dict], order: Sequence[str] = ()) -> None:
    """Write entries of stages into dvc.lock, which is locked.

    Args:
        made: the entries by name.
        order: of those that were not there before the run: cells end in any order, and the file
            is to be that of a plain `dvc repro`.
    """
    # All at once: DVC rewrites the whole of dvc.lock for each cell, seconds where it is long.
    if made:
        with modify_yaml(paths.LOCK) as lock:
            lock["stages"] |= made
            for name in order:
                if name in lock["stages"]:
                    lock["stages"][name] = lock["stages"].pop(name)
