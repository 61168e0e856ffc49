"""What a worker of a cluster does: it runs one cell in a clone of its own. See cluster.py."""

import hashlib
import io
import os
import shutil
import subprocess
import sys
import tarfile
import time
from pathlib import Path
from threading import get_ident
from typing import NamedTuple

from distributed import get_worker
from ruamel.yaml import YAML


class Done(NamedTuple):
    """A cell that has been run."""

    entry: dict[str, dict]  # the stage's entry of dvc.lock, by its name
    seconds: float
    worker: str


def run_cell(name: str, tree: bytes, needed: Done | None) -> Done:
    """Run one cell in this worker thread's own clone.

    Args:
        name: of the stage, such as train@flip-0.5.
        tree: a tar of the pipeline, its code, its params, and where the data is.
        needed: what this function returned for the cell that this one reads, if that was run.

    Raises:
        RuntimeError: DVC failed; its last lines.
    """
    start, home = time.perf_counter(), Path(get_worker().local_directory, f"study-{get_ident()}")
    folder = home / hashlib.sha256(tree).hexdigest()
    lock, yaml = folder / "dvc.lock", YAML(typ="safe", pure=True)
    try:
        if not folder.exists():
            shutil.rmtree(home, ignore_errors=True)  # of an earlier tree
            with tarfile.open(fileobj=io.BytesIO(tree)) as archive:
                archive.extractall(folder, filter="data")
        if needed:
            known = yaml.load(lock)
            known["stages"] |= needed.entry
            yaml.dump(known, lock)
        # Not the run cache, which --pull would fetch whole for every cell: the driver has asked it.
        _dvc(folder, "repro", "--single-item", "--pull", "--no-run-cache", name)
        _dvc(folder, "push", "--run-cache", name)
    except BaseException:
        shutil.rmtree(home, ignore_errors=True)  # it may hold half a file
        raise
    # Else every push sends all of them again.
    shutil.rmtree(folder / ".dvc/cache/runs", ignore_errors=True)
    entry = {name: yaml.load(lock)["stages"][name]}
    return Done(entry, time.perf_counter() - start, str(get_worker().name))


def _dvc(folder: Path, *words: str) -> None:
    # The stages call plain `python`: it has to be the worker's own.
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    own = {"PATH": path, "DVC_SITE_CACHE_DIR": str(folder / ".dvc/site")}
    done = subprocess.run(
        [sys.executable, "-m", "dvc", *words],
        cwd=folder,
        env=os.environ | own,
        check=False,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if done.returncode:
        said = [*done.stdout.splitlines()[-20:], f"dvc {words[0]} ended with {done.returncode}"]
        raise RuntimeError("\n".join(said))
