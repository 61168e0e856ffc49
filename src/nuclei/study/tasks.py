"""The cells as tasks of a Dask cluster: who runs what, in which order, and what came of it."""

import logging
import os
import sys
import time
from collections.abc import Callable
from multiprocessing import active_children

import dask
import psutil
from distributed import Client, Future, as_completed
from tqdm import tqdm

from nuclei.core.errors import InputError
from nuclei.study import worker as study_worker
from nuclei.study.worker import Done

MEMORY = 1.5 * 2**30  # bytes that a worker takes at most: TensorFlow, one network, mapped crops
RECORD_EVERY = 30  # seconds; what a killed run has recorded need not be run again

dask.config.set(
    {
        # Given up is a cell under which more workers than that have died: by then it is its fault.
        "distributed.scheduler.allowed-failures": 10,
        # Dask watches itself closely; on a machine whose cores all train, that costs a sixth.
        "distributed.worker.profile.enabled": False,
        "distributed.admin.system-monitor.interval": "10s",
        "distributed.admin.tick.interval": "1s",
    }
)
logging.getLogger("distributed.client").setLevel(logging.CRITICAL)


def connect(scheduler: str) -> Client:
    """Return a client of the cluster at `scheduler`; raises InputError where there is none."""
    try:
        client = Client(scheduler, timeout=30)
    except (OSError, ValueError) as error:
        raise InputError(f"{scheduler}: {error}; valid: tcp://HOST:8786") from None
    print(f"waiting for a worker of {scheduler}", flush=True)
    client.wait_for_workers(1)
    # A worker has no copy of this project before its first cell.
    client.upload_file(study_worker.__file__)
    return client


def here(cells: int) -> Client:
    """Start worker processes on this machine, for at most so many cells at once.

    Raises:
        InputError: the environment's JOBS is no count.
    """
    jobs = os.environ.get("JOBS")
    if jobs and (not jobs.isdecimal() or int(jobs) < 1):
        raise InputError(f"JOBS={jobs}: not a count of processes; valid: 1 or more")
    return Client(
        n_workers=min(int(jobs) if jobs else workers(), cells),
        threads_per_worker=1,
        memory_limit=0,  # Dask would pause and kill by what the system counts, mapped files too
        dashboard_address="127.0.0.1:0",  # any port: another study may run beside this one
        local_directory=".dvc/tmp/study",
        silence_logs=logging.CRITICAL,
    )


def workers() -> int:
    """Count the workers that this machine has room for: one per GPU, else one per core."""
    gpus = len(list(study_worker.GPUS.glob("*")))
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    memory = psutil.virtual_memory().available
    return max(1, min(gpus or cores or 1, int(memory // MEMORY)))


def run(
    client: Client,
    cells: dict[str, str | None],
    tree: bytes | None,
    record: Callable[[list[str]], None] = lambda names: None,
) -> dict[str, dict]:
    """Run all cells; tell each as it ends.

    Args:
        client: of `here` or `connect`.
        cells: their names, each with that of the cell it waits for.
        tree: what a clone is made of, on a cluster; None where workers run in this folder.
        record: told of cells that are done, now and then and at the end.

    Returns:
        The entries of dvc.lock, by name, of those that were run; empty ones in this folder.
    """
    print(f"{len(cells)} cells on {len(client.ncores())} workers", flush=True)
    submit = _submitter(client, list(cells), tree)
    futures = as_completed([submit(name) for name, other in cells.items() if other is None])
    made: dict[str, dict] = {}
    new: list[str] = []
    recorded = time.monotonic()
    try:
        with _Progress(client, len(cells)) as progress:
            for future in futures:
                name = future.key[1]
                waiting = [other for other, awaited in cells.items() if awaited == name]
                if future.status == "finished":
                    done: Done = future.result()
                    made |= done.entry
                    new.append(name)
                    progress.ended(f"{name}  {done.seconds:.0f} s  worker {done.worker}")
                    futures.update(submit(other, done) for other in waiting)
                else:
                    progress.ended(f"{name}  {_failure(name, future)}")
                    for other in waiting:
                        progress.ended(f"{other}  not run: {name} failed")
                if time.monotonic() - recorded > RECORD_EVERY:
                    record(new)
                    new, recorded = [], time.monotonic()
    except KeyboardInterrupt:
        for worker in active_children():  # at once, whatever they are doing
            worker.kill()
        record(new)
        sys.exit("error: stopped; what was done is not run again")
    record(new)
    return made


class _Progress:
    """A line per ended cell; on a terminal, below them, how many, how fast, and what runs."""

    def __init__(self, client: Client, cells: int) -> None:
        self.bar = tqdm(total=cells, unit=" cells", disable=None, leave=False)
        self.updates: list[tuple[float, int]] = [(time.monotonic(), 0)]
        self.running: dict[str, str] = {}  # the cell of each worker
        if not self.bar.disable:
            client.subscribe_topic(study_worker.UPDATES, self._updated)

    def __enter__(self) -> "_Progress":
        return self

    def __exit__(self, *_: object) -> None:
        self.bar.close()

    def _updated(self, event: tuple[float, dict]) -> None:
        told = event[1]
        self.running[told["worker"]] = told["name"].removeprefix("train@")
        now, done = time.monotonic(), self.updates[-1][1] + told["updates"]
        self.updates = [point for point in self.updates if now - point[0] < 10]
        self.updates.append((now, done))
        (then, before), passed = self.updates[0], now - self.updates[0][0]
        if passed > 1:
            rate = f"{(done - before) / (now - then):.0f} updates/s"
            self.bar.set_postfix_str(", ".join([rate, *self.running.values()]))

    def ended(self, told: str) -> None:
        """Tell of a cell that has ended."""
        self.bar.write(told, file=sys.stdout)
        sys.stdout.flush()
        self.bar.update()


def _submitter(client: Client, cells: list[str], tree: bytes | None) -> Callable[..., Future]:
    """Return what submits a cell, given what came of the one that it reads, if that was run.

    A cell is submitted when it can run, with no dependency that Dask knows of, and shares a group
    with all of its stage: such tasks Dask hands to the next free worker. Tasks with a dependency it
    deals out beforehand, and a worker that is done early may then be idle while others wait.
    """
    run = time.time_ns()  # a cell that failed in an earlier run is another task to Dask
    # A task, not scattered data: Dask makes it anew when the worker that held it is lost.
    shipped = client.submit(bytes, tree, key=f"tree {run}") if tree else None
    resources = [w["resources"] for w in client.scheduler_info(n_workers=-1)["workers"].values()]
    gpu = {"GPU": 1} if any("GPU" in r for r in resources) else None

    def submit(name: str, needed: Done | None = None) -> Future:
        return client.submit(
            study_worker.in_a_clone if tree else study_worker.in_this_folder,
            name,
            shipped,
            needed,
            key=(name.partition("@")[0], name, run),
            priority=-cells.index(name),
            resources=gpu if name.startswith("train@") else None,
            retries=1,  # perhaps on another worker: a full disk is not the cell's fault
        )

    return submit


def _failure(name: str, future: Future) -> str:
    if future.cancelled():
        return "not run: the scheduler is lost; what was done is not run again"
    return f"failed\n{future.exception()}\nrepeat it: dvc repro --single-item {name}"
