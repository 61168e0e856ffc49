"""Run the study's cells on a cluster: each augment@ and train@ cell is a Dask task of its own.

Order, retries, the loss of a worker and resources are Dask's. A worker makes its own clone of what
the cells need; there DVC pulls a cell's inputs, runs it, and pushes its outputs and run cache. The
driver takes the cell's entry into its dvc.lock, so `dvc repro` finds every cell done.
"""

import io
import logging
import os
import subprocess
import sys
import tarfile
import time
from pathlib import Path

import dask
from configobj import ConfigObj
from distributed import Client, Future, as_completed
from tqdm import tqdm

import cluster_worker
import repository
import stage
from nuclei.errors import InputError

# A cell is given up when more workers than that have died under it: by then it is the cell's fault.
dask.config.set({"distributed.scheduler.allowed-failures": 10})
logging.getLogger("distributed.client").setLevel(logging.CRITICAL)


def main(scheduler: str = "") -> None:
    """Run every outdated cell on the cluster at `scheduler`, else on processes of this machine."""
    remote = repository.default_remote()
    if scheduler and not remote:
        raise InputError(f"{scheduler} needs a DVC remote, none is set: docs/sharing.md says how")
    pull = ["--pull"] if remote else []
    _dvc("repro", *pull, "prepare")
    cells = repository.outdated_cells(pull=bool(remote))
    if cells:
        if remote:
            _dvc("push", "--run-cache")
        with _client(scheduler) as client:
            made = _run(client, cells, _packed(remote))
        if made:
            repository.record({name: made[name] for name in cells if name in made})
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
    options = repository.remote_options(remote)
    config = ConfigObj({"core": core, f'remote "{core["remote"]}"': options})
    names = ["dvc.yaml", "dvc.lock", "params.yaml", ".dvcignore"]
    names += sorted(path.as_posix() for path in Path("src").rglob("*.py"))
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for name in names:
            archive.add(name)
        text = "\n".join(config.write()).encode()
        entry = tarfile.TarInfo(".dvc/config")
        entry.size, entry.mode = len(text), 0o600  # it may hold the remote's keys
        archive.addfile(entry, io.BytesIO(text))
    return packed.getvalue()


def _client(scheduler: str) -> Client:
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


def _run(client: Client, cells: dict[str, str | None], tree: bytes) -> dict[str, dict]:
    """Run all cells; tell each as it ends; return the entries of dvc.lock of those that did."""
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


if __name__ == "__main__":
    stage.command(main)
