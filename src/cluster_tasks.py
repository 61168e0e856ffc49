"""The cells as tasks of a Dask cluster: who runs what, in which order, and what came of it."""

import logging
import os
import sys
import time

import dask
from distributed import Client, Future, as_completed
from tqdm import tqdm

import cluster_worker
from nuclei.errors import InputError

# A cell is given up when more workers than that have died under it: by then it is the cell's fault.
dask.config.set({"distributed.scheduler.allowed-failures": 10})
logging.getLogger("distributed.client").setLevel(logging.CRITICAL)


def connect(scheduler: str) -> Client:
    """Return a client of the cluster at `scheduler`, else of new processes on this machine.

    Raises:
        InputError: the address, or the environment's WORKERS, is no valid one.
    """
    if scheduler:
        try:
            return Client(scheduler, timeout=30)
        except ValueError as error:
            raise InputError(f"{scheduler}: {error}; valid: tcp://HOST:8786") from None
    workers = os.environ.get("WORKERS") or str(os.cpu_count())
    if not workers.isdecimal() or int(workers) < 1:
        raise InputError(f"WORKERS={workers}: not a count of processes; valid: 1 or more")
    return Client(
        n_workers=int(workers),
        threads_per_worker=1,
        dashboard_address="127.0.0.1:0",  # any port: another study may run beside this one
        local_directory=".dvc/tmp/cluster",  # on the disk of the cache, out of git's sight
        silence_logs=logging.CRITICAL,
    )


def run(client: Client, cells: dict[str, str | None], tree: bytes) -> dict[str, dict]:
    """Run all cells; tell each as it ends.

    Args:
        client: of `connect`.
        cells: their names, each with that of the cell it waits for.
        tree: what `cluster_worker.run_cell` takes.

    Returns:
        The entries of dvc.lock, by name, of those that were run.
    """
    print(
        f"{len(cells)} cells; waiting for a worker of {client.scheduler_info()['address']}",
        flush=True,
    )
    client.wait_for_workers(1)
    # A worker has no copy of this project before its first cell.
    client.upload_file(cluster_worker.__file__)
    futures = _submit(client, cells, tree)
    names = {future.key: name for name, future in futures.items()}
    made: dict[str, dict] = {}
    with tqdm(total=len(cells), unit=" cells", disable=None, leave=False) as progress:
        for future in as_completed(futures.values()):
            name = names[future.key]
            if future.status == "finished":
                done = future.result()
                made |= done.entry
                told = f"{name}  {done.seconds:.0f} s  worker {done.worker}"
            else:
                told = f"{name}  {_failure(name, future, cells[name], futures)}"
            progress.write(told, file=sys.stdout)
            progress.update()
    return made


def _submit(client: Client, cells: dict[str, str | None], tree: bytes) -> dict[str, Future]:
    run = time.time_ns()  # a cell that failed in an earlier run is another task to Dask
    # A task, not scattered data: Dask makes it anew when the worker that held it is lost.
    shipped = client.submit(bytes, tree, key=f"tree {run}")
    resources = [w["resources"] for w in client.scheduler_info(n_workers=-1)["workers"].values()]
    gpu = {"GPU": 1} if any("GPU" in r for r in resources) else None
    futures: dict[str, Future] = {}
    for name, waits_for in cells.items():
        futures[name] = client.submit(
            cluster_worker.run_cell,
            name,
            shipped,
            futures[waits_for] if waits_for else None,
            key=f"{name} {run}",
            resources=gpu if name.startswith("train@") else None,
            retries=1,  # perhaps on another worker: a full disk is not the cell's fault
        )
    return futures


def _failure(name: str, future: Future, waits_for: str | None, futures: dict[str, Future]) -> str:
    if future.cancelled():
        return "not run: the scheduler is lost; what was done is not run again"
    if waits_for and futures[waits_for].status == "error":
        return f"not run: {waits_for} failed"
    return f"failed\n{future.exception()}\nrepeat it: dvc repro --single-item {name}"
