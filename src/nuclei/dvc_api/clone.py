"""A configuration in a worker's clone: its inputs are pulled, its outputs pushed."""

from collections.abc import Callable

from dvc.repo import Repo, lock_repo
from dvc.stage.serialize import to_single_stage_lockfile

from nuclei.dvc_api.files import check_inputs
from nuclei.dvc_api.outdated import write_entries


def run_shared(name: str, run: Callable[[], None]) -> None:
    """Pull what the stage `name` reads, call `run`, and share its outputs and that it was run.

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
        stage.save()
        stage.commit()
        write_entries({name: to_single_stage_lockfile(stage)})
        repo.push([name], run_cache=True)
