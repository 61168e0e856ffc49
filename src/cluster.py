"""Run the study's cells on a cluster: each augment@ and train@ cell is a Dask task of its own.

Order, retries, the loss of a worker and resources are Dask's. A worker makes its own clone of what
the cells need; there DVC pulls a cell's inputs, runs it, and pushes its outputs and run cache. The
driver takes the cell's entry into its dvc.lock, so `dvc repro` finds every cell done.
"""

import environment  # noqa: F401, first: it needs no package

# isort: split
import io
import subprocess
import sys
import tarfile
from pathlib import Path

from configobj import ConfigObj

import cluster_tasks
import stage
from nuclei.errors import InputError
from repository import cells as known
from repository import config


def main(scheduler: str = "") -> None:
    """Run every outdated cell on the cluster at `scheduler`, else on processes of this machine."""
    remote = config.default_remote()
    if scheduler and not remote:
        raise InputError(f"{scheduler} needs a DVC remote, none is set: docs/sharing.md says how")
    pull = ["--pull"] if remote else []
    _dvc("repro", *pull, "prepare")
    cells = known.outdated_cells(pull=bool(remote))
    if cells:
        if remote:
            _dvc("push", "--run-cache")
        with cluster_tasks.connect(scheduler) as client:
            made = cluster_tasks.run(client, cells, _packed(remote))
        if made:
            known.record({name: made[name] for name in cells if name in made})
            if remote:
                _dvc("fetch", *made)
            _dvc("checkout", "--quiet", *made)
        if lost := len(cells) - len(made):
            sys.exit(f"error: {lost} of {len(cells)} cells are not done, see above")
    _dvc("repro", *pull)


def _dvc(*words: str) -> None:
    if code := subprocess.run([sys.executable, "-m", "dvc", *words], check=False).returncode:
        sys.exit(code)


def _packed(remote: str | None) -> bytes:
    """Pack the pipeline, its code and params as they are now, and where the data is."""
    core = {"remote": remote or "driver", "no_scm": True, "analytics": False}
    options = config.remote_options(remote)
    own = ConfigObj({"core": core, f'remote "{core["remote"]}"': options})
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
