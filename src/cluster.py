"""Run the study's cells on a cluster: each augment@ and train@ cell is a Dask task of its own.

Order, retries, the loss of a worker and resources are Dask's. A worker makes its own clone of what
the cells need; there DVC pulls a cell's inputs, runs it, and pushes its outputs and run cache. The
driver takes the cell's entry into its dvc.lock, so `dvc repro` finds every cell done.
"""

import hashlib
import io
import logging
import os
import shutil
import subprocess
import sys
import tarfile
import time
from contextlib import suppress
from pathlib import Path
from threading import get_ident

import dask
from configobj import ConfigObj
from distributed import Client, Future, as_completed, get_worker
from dvc.repo import Repo
from dvc.repo.reproduce import get_active_graph, plan_repro
from dvc.stage import PipelineStage
from dvc.stage.cache import RunCacheNotFoundError
from dvc.stage.serialize import to_single_stage_lockfile
from dvc.utils.serialize import modify_yaml
from ruamel.yaml import YAML
from tqdm import tqdm

import stage
from nuclei.errors import InputError

# A cell is given up when more workers than that have died under it: by then it is the cell's fault.
dask.config.set({"distributed.scheduler.allowed-failures": 10})
logging.getLogger("distributed.client").setLevel(logging.CRITICAL)


def main(scheduler: str = "") -> None:
    """Run every outdated cell on the cluster at `scheduler`, else on processes of this machine."""
    with Repo() as repo:
        remote = repo.config["core"].get("remote")
    if scheduler and not remote:
        raise InputError(f"{scheduler} needs a DVC remote, none is set: docs/sharing.md says how")
    pull = ["--pull"] if remote else []
    _dvc("repro", *pull, "prepare")
    cells, tree = _outdated_cells(remote)
    if cells:
        if remote:
            _dvc("push", "--run-cache")
        with _client(scheduler) as client:
            made = _run(client, cells, tree)
        if made:
            with Repo() as repo, repo.lock:
                _record({name: made[name] for name in cells if name in made})
            if remote:
                _dvc("fetch", *made)
            _dvc("checkout", "--quiet", *made)
        if lost := len(cells) - len(made):
            sys.exit(f"error: {lost} of {len(cells)} cells are not done, see above")
    _dvc("repro", *pull)


def _dvc(*words: str) -> None:
    if code := subprocess.run([sys.executable, "-m", "dvc", *words], check=False).returncode:
        sys.exit(code)


def _outdated_cells(remote: str | None) -> tuple[dict[str, str | None], bytes]:
    """Return the cells to run, each with the one it waits for, and what a worker needs for them.

    They are in DVC's order. Cells that the run cache knows are restored instead.
    """
    with Repo() as repo, repo.lock:
        plan = plan_repro(get_active_graph(repo.index.graph), repo.stage.collect("dvc.yaml"))
        cells = [cell for cell in plan if cell.addressing.startswith(("augment@", "train@"))]
        maker = {out.def_path: cell.addressing for cell in cells for out in cell.outs}
        outdated, known = {}, {}
        for cell in cells:
            needed = {maker.get(dep.def_path) for dep in cell.deps} & outdated.keys()
            if needed or cell.changed():
                if not needed and _restored(cell, pull=bool(remote)):
                    known[cell.addressing] = to_single_stage_lockfile(cell)
                else:
                    outdated[cell.addressing] = next(iter(needed), None)
        if known:
            _record(known)
        return outdated, _packed(repo, cells, remote)


def _restored(cell: PipelineStage, pull: bool) -> bool:
    # The run cache knows it if it has been run anywhere with these very inputs.
    with suppress(RunCacheNotFoundError):
        cell.repo.stage_cache.restore(cell, pull=pull)
        cell.save()
        return True
    return False


def _record(made: dict[str, dict]) -> None:
    # All at once: DVC rewrites the whole of dvc.lock for each cell, seconds where it is long.
    with modify_yaml("dvc.lock") as lock:
        lock["stages"] |= made


def _packed(repo: Repo, cells: list[PipelineStage], remote: str | None) -> bytes:
    """Pack the pipeline, code and params of the cells as they are now, and where the data is."""
    # The driver's cache folder has the layout of a remote's.
    options = repo.config["remote"][remote] if remote else {"url": repo.cache.local_cache_dir}
    core = {"remote": remote or "driver", "no_scm": True, "analytics": False}
    config = ConfigObj({"core": core, f'remote "{core["remote"]}"': options})
    names = {"dvc.yaml", "dvc.lock", ".dvcignore"}
    names |= {dep.def_path for cell in cells for dep in cell.deps}
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for name in sorted(name for name in names if Path(name).is_file()):
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
    print(f"{len(cells)} cells; waiting for a worker of {client.scheduler.address}", flush=True)
    client.wait_for_workers(1)
    futures = _submit(client, cells, tree)
    names = {future.key: name for name, future in futures.items()}
    made = {}
    with tqdm(total=len(cells), unit=" cells", disable=None, leave=False) as progress:
        for future in as_completed(futures.values()):
            waits_for = cells[name := names[future.key]]
            if future.status == "finished":
                entry, seconds, worker = future.result()
                made |= entry
                told = f"{name}  {seconds:.0f} s  worker {worker}"
            else:
                told = f"{name}  {_failure(name, future, waits_for, futures.get(waits_for))}"
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
            run_cell,
            name,
            shipped,
            futures.get(waits_for),
            key=f"{name} {run}",
            resources=gpu if name.startswith("train@") else None,
            retries=1,  # perhaps on another worker: a full disk is not the cell's fault
        )
    return futures


def _failure(name: str, future: Future, waits_for: str | None, needed: Future | None) -> str:
    if future.cancelled():
        return "not run: the scheduler is lost; what was done is not run again"
    if needed is not None and needed.status == "error":
        return f"not run: {waits_for} failed"
    return f"failed\n{future.exception()}\nrepeat it: dvc repro --single-item {name}"


def run_cell(
    name: str, tree: bytes, needed: tuple[dict, float, str] | None
) -> tuple[dict, float, str]:
    """Run one cell in this worker thread's own clone.

    Args:
        name: of the stage, such as train@flip-0.5.
        tree: what `_packed` has packed.
        needed: what this function returned for the cell that this one reads, if that was run.

    Returns:
        The stage's entry of dvc.lock, seconds, the worker's name.

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
            known["stages"] |= needed[0]
            yaml.dump(known, lock)
        # Not the run cache, which --pull would fetch whole for every cell: the driver has asked it.
        _dvc_in(folder, "repro", "--single-item", "--pull", "--no-run-cache", name)
        _dvc_in(folder, "push", "--run-cache", name)
    except BaseException:
        shutil.rmtree(home, ignore_errors=True)  # it may hold half a file
        raise
    # Else every push sends all of them again.
    shutil.rmtree(folder / ".dvc/cache/runs", ignore_errors=True)
    return (
        {name: yaml.load(lock)["stages"][name]},
        time.perf_counter() - start,
        str(get_worker().name),
    )


def _dvc_in(folder: Path, *words: str) -> None:
    # The stages call plain `python`: it has to be the worker's own.
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    own = {"PATH": path, "DVC_SITE_CACHE_DIR": str(folder / ".dvc/site")}
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    command = [sys.executable, "-m", "dvc", *words]
    done = subprocess.run(command, cwd=folder, env=os.environ | own, check=False, **streams)
    if done.returncode:
        said = [*done.stdout.splitlines()[-20:], f"dvc {words[0]} ended with {done.returncode}"]
        raise RuntimeError("\n".join(said))


if __name__ == "__main__":
    stage.run(main)
