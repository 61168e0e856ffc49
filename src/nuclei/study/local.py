"""Run configurations on this machine, each in a process with a core or a GPU of its own."""

import ctypes
import multiprocessing
import os
import time
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing, suppress
from functools import partial
from itertools import cycle, islice, takewhile
from pathlib import Path
from queue import SimpleQueue
from tempfile import NamedTemporaryFile
from threading import Lock
from typing import NamedTuple

import psutil

from nuclei.study import process, side_by_side
from nuclei.study.side_by_side import Done, Progress
from nuclei.training import start

MEMORY = 1.5 * 2**30  # bytes that a process takes at most: TensorFlow, one network, mapped crops
LINES = 20  # of the output of a configuration that failed
SPAWN = multiprocessing.get_context("spawn")  # TensorFlow's threads do not survive a fork


class Place(NamedTuple):
    """What a process has to itself; by default nothing."""

    core: int | None = None
    gpu: str | None = None  # as CUDA_VISIBLE_DEVICES names it


def places(jobs: int | None = None) -> list[Place]:
    """Return the places of `jobs` processes, by default one per GPU or core that memory holds."""
    everywhere = [Place(gpu=gpu) for gpu in _gpus()]
    if not everywhere and hasattr(os, "sched_getaffinity"):
        everywhere = [Place(core=core) for core in sorted(os.sched_getaffinity(0))]
    everywhere = everywhere or [Place()] * (os.cpu_count() or 1)  # macOS binds no process to a core
    if jobs is None:
        room = int(psutil.virtual_memory().available // MEMORY)
        jobs = max(1, min(len(everywhere), room))
    return list(islice(cycle(everywhere), jobs))


def _gpus() -> list[str]:
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is None:
        return [str(number) for number in range(len(list(start.GPUS.glob("*"))))]
    # CUDA stops at the first name that is none, such as -1.
    names = (name.strip() for name in visible.split(","))
    return list(takewhile(lambda name: name and not name.startswith("-"), names))


class Lane:
    """A process that runs one configuration after another, and is replaced when it dies."""

    def __init__(self, place: Place) -> None:
        """Prepare a lane; its process starts with the first configuration."""
        self._place = place
        self._log = NamedTemporaryFile()  # noqa: SIM115, open as long as the lane
        self._updates = SPAWN.RawValue(ctypes.c_uint64)
        self._pool: ProcessPoolExecutor | None = None
        self._open, self._turn = True, Lock()

    def run(self, name: str, advance: Callable[[int], object]) -> None:
        """Run a configuration in the current folder; if its process dies, once more in a new one.

        `advance` is called twice a second with the number of new updates. RuntimeError has
        the last lines of the output of one that failed, and the error.
        """
        error = self._run(name, advance)
        if error is None:
            error = self._run(name, advance)
        if error is None:
            error = "error: its process was killed, and so was the one that repeated it"
        if error:
            lines = Path(self._log.name).read_text(encoding="utf-8", errors="replace").splitlines()
            raise RuntimeError("\n".join([*lines[-LINES:], error]))

    def _run(self, name: str, advance: Callable[[int], object]) -> str | None:
        """Run a configuration; return its error, empty if there is none, None if it was killed."""
        self._log.truncate(0)
        counted = self._updates.value
        try:
            with self._turn:
                if not self._open:
                    raise RuntimeError("stopped")
                if self._pool is None:
                    given = (*self._place, self._log.name, self._updates)
                    self._pool = ProcessPoolExecutor(1, SPAWN, process.begin, given)
                future = self._pool.submit(process.run, name)
            while not wait([future], timeout=0.5).done:
                advance(self._updates.value - counted)
                counted = self._updates.value
            return future.result()
        except BrokenProcessPool:
            self._pool = None
            return None

    def close(self) -> None:
        """Start no further process in this lane."""
        with self._turn:
            self._open = False


def close(lanes: list[Lane]) -> None:
    """Kill the processes of all lanes at once, and what they have started."""
    for lane in lanes:
        lane.close()
    for child in multiprocessing.active_children():
        with suppress(psutil.NoSuchProcess):
            for descendant in psutil.Process(child.pid).children(recursive=True):
                descendant.kill()
        child.kill()


def run(
    configurations: dict[str, str | None], jobs: int | None, record: Callable[[list[str]], object]
) -> set[str]:
    """Run configurations in this folder, in `places(jobs)`; return the names of those done.

    `configurations` and `record` are as in `side_by_side.run`.
    """
    lanes = [Lane(place) for place in places(jobs)[: len(configurations)]]
    free: SimpleQueue[tuple[str, Lane]] = SimpleQueue()
    for number, lane in enumerate(lanes):
        free.put((str(number), lane))

    def run_in_a_free_lane(name: str) -> Done:
        worker, lane = free.get()
        begun = time.perf_counter()
        try:
            lane.run(name, partial(progress.advance, worker, name))
        finally:
            free.put((worker, lane))
        return {name: {}}, time.perf_counter() - begun, worker

    def submit(name: str, _: dict[str, dict]) -> Future[Done]:
        return threads.submit(run_in_a_free_lane, name)

    print(f"{len(configurations)} configurations on {len(lanes)} workers", flush=True)
    with (
        closing(Progress(len(configurations))) as progress,
        ThreadPoolExecutor(len(lanes)) as threads,
    ):
        try:
            return {*side_by_side.run(configurations, submit, progress, record)}
        finally:
            threads.shutdown(wait=False, cancel_futures=True)
            close(lanes)
