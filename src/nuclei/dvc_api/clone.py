"""A cell in a worker's clone: its inputs are pulled, its outputs pushed, its run recorded."""

from collections.abc import Callable

from dvc.repo import Repo, lock_repo
from dvc.stage.serialize import to_single_stage_lockfile

from nuclei.dvc_api.files import check_inputs
from nuclei.dvc_api.outdated import write_entries


def run_shared(name: str, run: Callable[[], None]) -> None:
    """Fetch what the stage `name` reads, have it run, and share what it made.

    Raises:
        DvcException: the remote has not all of its inputs, or does not take its outputs.
    """
    with Repo() as repo, lock_repo(repo):
        stage = repo.stage.get_target(name)
        if missing := [dep.def_path for dep in stage.deps if not dep.exists]:
            repo.pull(missing)
        check_inputs(repo, [stage])
        run()
        # Not the driver's run cache, which would be fetched whole: it has been asked already.
        stage.save()
        stage.commit()
        write_entries({name: to_single_stage_lockfile(stage)})
        repo.push([name], run_cache=True)
