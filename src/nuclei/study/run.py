"""Run the study's cells side by side: on this machine's cores or GPUs, or on a cluster.

Each augment@ and train@ cell is a Dask task of its own; order, retries and the loss of a worker are
Dask's. On this machine workers run the cells in this folder, and DVC is told what they made. On a
cluster, where no disk is shared, a worker has a clone, pulls a cell's inputs, pushes its outputs.
Either way `dvc repro` finds every cell done, and dvc.lock is that of a plain `dvc repro`.
"""

from nuclei.pipeline import environment  # noqa: F401, first: it needs no package

# isort: split
import io
import os
import subprocess
import sys
import tarfile
from pathlib import Path

from configobj import ConfigObj

from nuclei.core.errors import InputError
from nuclei.dvc_api import config
from nuclei.dvc_api import outdated as known
from nuclei.pipeline import stage
from nuclei.study import tasks as study_tasks


def study(jobs: int | None, scheduler: str | None) -> None:
    """Run every outdated cell on so many processes here, or on the cluster at `scheduler`."""
    if jobs:
        os.environ["JOBS"] = str(jobs)
    main(scheduler or "")


def main(scheduler: str = "") -> None:
    """Run every outdated cell here, or on the cluster at `scheduler`; then what is left."""
    remote = config.default_remote() if scheduler else None
    if scheduler and not remote:
        raise InputError(f"{scheduler} needs a DVC remote, none is set: docs/sharing.md says how")
    pull = ["--pull"] if remote else []
    _dvc("repro", *pull, "prepare")
    lost = _on_cluster(scheduler, remote) if remote else _here()
    if lost:
        sys.exit(f"error: {lost}, see above")
    _dvc("repro", *pull)


def _dvc(*words: str) -> None:
    if code := subprocess.run([sys.executable, "-m", "dvc", *words], check=False).returncode:
        sys.exit(code)


def _here() -> str:
    """Run the outdated cells in this folder; return how many are not done, if any."""
    with known.outdated(pull=False) as outdated:
        if not outdated.configurations:
            return ""
        with study_tasks.here(len(outdated.configurations)) as client:
            done = study_tasks.run(client, outdated.configurations, None, outdated.record)
    return _missing(len(outdated.configurations) - len(done), len(outdated.configurations))


def _on_cluster(scheduler: str, remote: str) -> str:
    """Run the outdated cells on a cluster; return how many are not done, if any."""
    with known.outdated(pull=True) as outdated:
        cells = outdated.configurations
    if not cells:
        return ""
    _dvc("push", "--run-cache")
    with study_tasks.connect(scheduler) as client:
        made = study_tasks.run(client, cells, _packed(remote))
    if made:
        known.record({name: made[name] for name in cells if name in made})
        _dvc("fetch", *made)
        _dvc("checkout", "--quiet", *made)
    return _missing(len(cells) - len(made), len(cells))


def _missing(lost: int, cells: int) -> str:
    return f"{lost} of {cells} cells are not done" if lost else ""


def _packed(remote: str) -> bytes:
    """Pack the pipeline, its code and params as they are now, and where the data is."""
    core = {"remote": remote, "no_scm": True, "analytics": False}
    own = ConfigObj({"core": core, f'remote "{remote}"': config.remote_options(remote)})
    names = ["dvc.yaml", "dvc.lock", "params.yaml", ".dvcignore"]
    names += sorted(path.as_posix() for path in Path("src").rglob("*.py"))
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for name in names:
            archive.add(name)
        text = "\n".join(own.write()).encode()
        entry = tarfile.TarInfo(".dvc/config")
        entry.size, entry.mode = len(text), 0o600  # it may hold the remote's keys
        archive.addfile(entry, io.BytesIO(text))
    return packed.getvalue()


if __name__ == "__main__":
    stage.command(main)
