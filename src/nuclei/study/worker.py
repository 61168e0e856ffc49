"""What a Dask worker does: keep a clone of the study and have it run configurations.

This module travels to workers by value, since they may have no copy of the project or another
version. So it imports nothing of the project.
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

from distributed import Worker, WorkerPlugin
from ruamel.yaml import YAML

UPDATES = "nuclei-study-updates"  # the topic of Dask's events

# Dask limits the threads of its workers, and has them return freed memory at once. A training would
# fetch that memory again in every update, which halves its speed.
DASKS_OWN = ["OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MALLOC_TRIM_THRESHOLD_"]


class Clones(WorkerPlugin):
    """The clones of one worker, one for each of its threads."""

    def __init__(self, tree: bytes) -> None:
        """Take what `cluster.pack` returns."""
        self.tree = tree
        self.name = f"nuclei-study-{hashlib.sha256(tree).hexdigest()[:16]}"
        self.processes: dict[Path, subprocess.Popen] = {}

    def setup(self, worker: Worker) -> None:
        """Remember the worker that the plugin has reached."""
        self.worker = worker

    def teardown(self, worker: Worker) -> None:
        """Remove all clones, when the study or the worker ends."""
        for folder in [*self.processes]:
            self._remove(folder)

    def run(self, name: str, needed: dict[str, dict]) -> tuple[dict[str, dict], float, str]:
        """Run a configuration in the clone of this thread; return a `side_by_side.Done`.

        `needed` is the entry of dvc.lock, by its name, of the stage whose output it reads; empty if
        that stage was not run in this study. RuntimeError has a failed one's last lines and error.
        """
        start = time.perf_counter()
        folder = Path(self.worker.local_directory, f"{self.name}-{get_ident()}")
        lock, yaml = folder / "dvc.lock", YAML(typ="safe", pure=True)
        try:
            if folder not in self.processes:
                with tarfile.open(fileobj=io.BytesIO(self.tree)) as archive:
                    archive.extractall(folder, filter="data")
                self.processes[folder] = _start(folder)
            if needed:
                content = yaml.load(lock)
                content["stages"] |= needed
                yaml.dump(content, lock)
            self._run(self.processes[folder], name)
        except BaseException:
            self._remove(folder)  # it may hold half a file
            raise
        # Otherwise every push sends all of them again.
        shutil.rmtree(folder / ".dvc/cache/runs", ignore_errors=True)
        entry = {name: yaml.load(lock)["stages"][name]}
        return entry, time.perf_counter() - start, str(self.worker.name)

    def _run(self, process: subprocess.Popen, name: str) -> None:
        assert process.stdin and process.stdout
        try:
            print(name, file=process.stdin, flush=True)
            for line in process.stdout:
                answer = json.loads(line)
                if answer.get("error"):
                    raise RuntimeError(answer["error"])
                if "error" in answer:
                    return
                self.worker.log_event(UPDATES, (str(self.worker.name), name, answer["updates"]))
        except BrokenPipeError:
            pass
        raise RuntimeError(f"the process of its clone ended with {process.wait()}")

    def _remove(self, folder: Path) -> None:
        if process := self.processes.pop(folder, None):
            process.kill()
            process.wait()
        shutil.rmtree(folder, ignore_errors=True)


def _start(folder: Path) -> subprocess.Popen:
    environment = {key: value for key, value in os.environ.items() if key not in DASKS_OWN}
    environment["PYTHONPATH"] = str(folder / "src")
    # Two workers on one machine would share DVC's own.
    environment["DVC_SITE_CACHE_DIR"] = str(folder / ".dvc/tmp/site")
    words, pipe = [sys.executable, "-m", "nuclei.study.clone"], subprocess.PIPE
    return subprocess.Popen(words, cwd=folder, env=environment, stdin=pipe, stdout=pipe, text=True)
