"""Run the study's configurations side by side: on this machine's cores or GPUs, or on a cluster.

On a cluster no disk is shared: each worker has a clone that pulls a configuration's inputs and
pushes its outputs. In both cases dvc.lock has the same bytes as after a plain `dvc repro`.
"""

import subprocess
import sys
from math import ceil, inf

from nuclei.pipeline.params import StudyParams

from nuclei.augmentation import recipes
from nuclei.core import files
from nuclei.core.errors import InputError
from nuclei.dvc_api import config
from nuclei.dvc_api.configurations import configurations
from nuclei.dvc_api.files import locked
from nuclei.dvc_api.outdated import outdated, write_entries
from nuclei.study import local


def study(jobs: int | None, scheduler: str | None) -> None:
    """Run every outdated configuration here or on a Dask scheduler, then the stages that read them.

    InputError if a knob of any stage, or a recipe or volume of dvc.yaml, is wrong; another DVC
    process runs in this folder; a cluster has no remote, or does not answer.
    """
    remote = config.default_remote() if scheduler else None
    if scheduler and not remote:
        raise InputError(f"{scheduler} needs a DVC remote, none is set: docs/sharing.md says how")
    _check_knobs()
    pull = ["--pull"] if remote else []
    _dvc("repro", *pull, "prepare")
    with outdated(pull=bool(remote)) as plan:
        planned, done = plan.configurations, set[str]()
        if planned and not remote:
            done = local.run(planned, jobs, plan.record)
    if planned and scheduler and remote:
        done = _on_cluster(scheduler, remote, planned)
    if missing := len(planned) - len(done):
        sys.exit(f"error: {missing} of {len(planned)} configurations are not done, see above")
    _dvc("repro", *pull)


def _check_knobs() -> None:
    """Check what all stages read, since a training should not wait for evaluate to refuse it."""
    copies = files.read_params(StudyParams).augment.copies
    for aug, volume, _ in configurations():
        try:
            recipes.parse(aug)
        except InputError as error:
            raise InputError(f"dvc.yaml: {error}") from None
        if volume != inf and ceil(volume) > copies:
            raise InputError(
                f"dvc.yaml: volume {volume:g} reads {ceil(volume)} copies, augment.copies of "
                f"params.yaml is {copies}; raise it to {ceil(volume)}"
            )


def _dvc(*words: str) -> None:
    if code := subprocess.run([sys.executable, "-m", "dvc", *words], check=False).returncode:
        sys.exit(code)


def _on_cluster(scheduler: str, remote: str, planned: dict[str, str | None]) -> set[str]:
    from nuclei.study import cluster  # an extra of the package, and slow to import

    _dvc("push", "--run-cache")
    entries = cluster.run(scheduler, planned, cluster.pack(remote))
    done = [name for name in planned if name in entries]
    if done:
        with locked():
            write_entries({name: entries[name] for name in done})
        _dvc("fetch", *done)
        _dvc("checkout", "--quiet", *done)
    return {*done}
