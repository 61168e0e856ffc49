"""The cells of the study as DVC knows them: which there are, which are outdated."""

from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from dvc.repo import Repo
from dvc.repo.reproduce import get_active_graph, plan_repro
from dvc.stage import PipelineStage
from dvc.stage.cache import RunCacheNotFoundError
from dvc.stage.serialize import to_single_stage_lockfile
from dvc.utils.serialize import modify_yaml

import paths


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
    with modify_yaml(paths.LOCK) as lock:
        lock["stages"] |= made
