"""What a worker does: it has a process run one cell after another, with TensorFlow loaded once.

See study.py. This file is sent to workers that have no copy of the project.
"""

import hashlib
import io
import json
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

UPDATES = "updates"  # the topic of progress
GPUS = Path("/proc/driver/nvidia/gpus")  # where Linux lists them

DASKS_OWN = (
    *("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"),
    "MALLOC_TRIM_THRESHOLD_",
)

_warm: dict[tuple[int, Path], subprocess.Popen] = {}  # by this worker's thread, and its folder


class Done(NamedTuple):
    """A cell that has been run."""

    entry: dict[str, dict]  # the stage's entry of dvc.lock, by its name
    seconds: float
    worker: str


def in_this_folder(name: str, tree: None, needed: Done | None) -> Done:
    """Run one cell where this worker was started; DVC is not told.

    Args:
        name: of the stage, such as train@flip-0.5.
        tree: there is none.
        needed: what this function returned for the cell that this one reads, if that was run.

    Raises:
        RuntimeError: the cell failed; its last lines.
    """
    start = time.perf_counter()
    _run(name, Path.cwd(), shared=False)
    return Done({name: {}}, time.perf_counter() - start, str(get_worker().name))


def _run(name: str, folder: Path, shared: bool) -> None:
    """Have the warm process of a folder run a cell, and tell the driver of its updates."""
    key = get_ident(), folder
    if key not in _warm or _warm[key].poll() is not None:
        _warm[key] = _start(folder)
    process = _warm[key]
    assert process.stdin and process.stdout
    try:
        process.stdin.write(json.dumps({"name": name, "shared": shared}) + "\n")
        process.stdin.flush()
        for line in process.stdout:
            told = json.loads(line)
            if "done" in told:
                return
            if "failed" in told:
                raise RuntimeError(told["failed"])
            own = {"worker": str(get_worker().name), "name": name}
            get_worker().log_event(UPDATES, own | told)
    except BrokenPipeError:
        pass
    raise RuntimeError(f"its process ended with {process.wait()}")


def _start(folder: Path) -> subprocess.Popen:
    """Start a process on this worker's own core or GPU: TensorFlow looks once at what there is."""
    # On this machine workers are numbered; those of a cluster are placed by whoever starts them.
    number = str(get_worker().name)
    environment, words = dict(os.environ), [sys.executable, "-m", "nuclei.study.warm"]
    # Two workers on one machine would share DVC's own.
    environment["DVC_SITE_CACHE_DIR"] = str(folder / ".dvc/tmp/site")
    if number.isdecimal() and (gpus := sorted(GPUS.glob("*"))):
        environment.setdefault("CUDA_VISIBLE_DEVICES", str(int(number) % len(gpus)))
    elif number.isdecimal() and hasattr(os, "sched_getaffinity"):
        cores = sorted(os.sched_getaffinity(0))
        words.append(str(cores[int(number) % len(cores)]))
    # Dask has limited the threads of its own workers, and has them give freed memory back at once:
    # a training would fetch it anew in every update, which halves its speed.
    for name in DASKS_OWN:
        environment.pop(name, None)
    pipe = subprocess.PIPE
    return subprocess.Popen(words, cwd=folder, env=environment, stdin=pipe, stdout=pipe, text=True)


def in_a_clone(name: str, tree: bytes, needed: Done | None) -> Done:
    """Run one cell in this worker thread's own clone.

    Args:
        name: of the stage, such as train@flip-0.5.
        tree: a tar of the pipeline, its code, its params, and where the data is.
        needed: what this function returned for the cell that this one reads, if that was run.

    Raises:
        RuntimeError: the cell failed; its last lines.
    """
    start, home = time.perf_counter(), Path(get_worker().local_directory, f"study-{get_ident()}")
    folder = home / hashlib.sha256(tree).hexdigest()
    lock, yaml = folder / "dvc.lock", YAML(typ="safe", pure=True)
    try:
        if not folder.exists():
            _end(home)  # of an earlier tree
            with tarfile.open(fileobj=io.BytesIO(tree)) as archive:
                archive.extractall(folder, filter="data")
        if needed:
            known = yaml.load(lock)
            known["stages"] |= needed.entry
            yaml.dump(known, lock)
        _run(name, folder, shared=True)
    except BaseException:
        _end(home)  # it may hold half a file
        raise
    # Else every push sends all of them again.
    shutil.rmtree(folder / ".dvc/cache/runs", ignore_errors=True)
    entry = {name: yaml.load(lock)["stages"][name]}
    return Done(entry, time.perf_counter() - start, str(get_worker().name))


def _end(home: Path) -> None:
    """Take a clone away, and the process that runs in it."""
    for key in [key for key in _warm if key[1].is_relative_to(home)]:
        process = _warm.pop(key)
        process.kill()
        process.wait()
    shutil.rmtree(home, ignore_errors=True)
