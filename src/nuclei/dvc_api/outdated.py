"""Which configurations have to be run, and how DVC is told of those that have been."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from dvc.repo import Repo, lock_repo
from dvc.repo.reproduce import get_active_graph, plan_repro
from dvc.stage import PipelineStage
from dvc.stage.cache import RunCacheNotFoundError
from dvc.stage.serialize import to_single_stage_lockfile
from dvc.utils.serialize import load_yaml, modify_yaml

from nuclei.core import paths
from nuclei.core.errors import InputError
from nuclei.dvc_api.files import check_inputs, locked


class Outdated:
    """The configurations that have to be run, in a repository that is locked meanwhile.

    `configurations` has the names of their stages, in DVC's order, each with that of the stage it
    waits for, or None.
    """

    def __init__(self, repo: Repo, pull: bool) -> None:
        """Find them, and restore those that the run cache holds."""
        plan = plan_repro(get_active_graph(repo.index.graph), repo.stage.collect("dvc.yaml"))
        stages = [stage for stage in plan if stage.addressing.startswith(("augment@", "train@"))]
        self.configurations: dict[str, str | None] = {}
        self._stages = {stage.addressing: stage for stage in stages}
        self._code = _hash_of_code()
        restored = {}
        for name, stage in self._stages.items():
            needed = _makers_of_inputs(stage, stages) & self.configurations.keys()
            if not needed and not stage.changed():
                continue
            if not needed and _restore(stage, pull):
                restored[name] = to_single_stage_lockfile(stage)
            else:
                self.configurations[name] = next(iter(needed), None)
        lock = load_yaml(paths.LOCK) if paths.LOCK.exists() else {}
        self._new = [name for name in self._stages if name not in (lock.get("stages") or {})]
        write_entries(restored, self._new)
        if self.configurations:
            check_inputs(repo, [self._stages[name] for name in self.configurations])

    def record(self, names: list[str]) -> None:
        """Tell DVC that configurations have been run in this folder, as it would record it itself.

        Raises:
            InputError: code or params have changed since, so their inputs are unknown.
        """
        if names and _hash_of_code() != self._code:
            raise InputError(
                "src, params.yaml or dvc.yaml changed while the configurations ran: "
                f"{names[0]} and {len(names) - 1} more are not recorded"
            )
        done = [name for name in self.configurations if name in names]
        write_entries({name: _save(self._stages[name]) for name in done}, self._new)


@contextmanager
def outdated(pull: bool) -> Iterator[Outdated]:
    """Find the configurations that have to be run; restore those that the run cache holds.

    With `pull`, the remote's run cache counts, too.

    Raises:
        InputError: another DVC process runs here, or an input is not what DVC recorded.
    """
    with locked() as repo:
        yield Outdated(repo, pull)


def _hash_of_code() -> str:
    """Hash everything that decides a configuration's output, except its data."""
    digest = hashlib.sha256()
    for path in [Path("dvc.yaml"), paths.PARAMS, *sorted(Path("src").rglob("*.py"))]:
        digest.update(path.as_posix().encode() + path.read_bytes())
    return digest.hexdigest()


def _makers_of_inputs(stage: PipelineStage, others: list[PipelineStage]) -> set[str]:
    """Name the stages whose output, or a file of it, `stage` reads."""
    return {
        other.addressing
        for other in others
        for out in other.outs
        for dep in stage.deps
        if dep.fs.isin_or_eq(dep.fs_path, out.fs_path)
    }


def _restore(stage: PipelineStage, pull: bool) -> bool:
    """Restore a stage that has been run anywhere with these very inputs; say whether it was."""
    try:
        stage.repo.stage_cache.restore(stage, pull=pull)
    except RunCacheNotFoundError:
        return False
    stage.save()
    return True


def run_shared(name: str, run: Callable[[], None]) -> None:
    """Pull what the stage `name` reads into this clone, call `run`, and push its outputs.

    Raises:
        DvcException: the remote lacks an input, or does not take the outputs.
    """
    with Repo() as repo, lock_repo(repo):
        stage = repo.stage.get_target(name)
        if missing := [dep.def_path for dep in stage.deps if not dep.exists]:
            repo.pull(missing)
        check_inputs(repo, [stage])
        run()
        # Not DVC's own run of the stage: it would fetch the whole run cache, which the driver has
        # asked already.
        write_entries({name: _save(stage)})
        repo.push([name], run_cache=True)


def _save(stage: PipelineStage) -> dict:
    """Put the outputs of a stage that was run into the cache; return its entry of dvc.lock."""
    stage.save()
    stage.commit()
    return to_single_stage_lockfile(stage)


def write_entries(entries: dict[str, dict], order: Sequence[str] = ()) -> None:
    """Write entries of stages, by name, into dvc.lock, which the caller has locked.

    `order` has all stages that dvc.lock lacked before the run: configurations end in any order, and
    the file must be that of a plain `dvc repro`.
    """
    # All at once: DVC rewrites the whole of dvc.lock for each stage, seconds where it is long.
    if entries:
        with modify_yaml(paths.LOCK) as lock:
            lock["stages"] |= entries
            for name in order:
                if name in lock["stages"]:
                    lock["stages"][name] = lock["stages"].pop(name)
