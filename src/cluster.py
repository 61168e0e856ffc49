"""Run the study's cells on a cluster: each augment@ and train@ cell is a Dask task of its own.

Order, retries, the loss of a worker and resources are Dask's. A worker unpacks the driver's tree
once, then per cell lets DVC pull what the cell needs, run it, and push what it made. The driver's
last `dvc repro` finds every cell in the run cache.
"""

import hashlib
import io
import os
import subprocess
import sys
import tarfile
import threading
import time
from pathlib import Path

import dask
from distributed import Client, Future, LocalCluster, as_completed, get_worker
from dvc.config import Config
from dvc.repo import Repo
from ruamel.yaml import YAML
from tqdm import tqdm

import stage
from nuclei.errors import InputError

LOCAL_CONFIG = ".dvc/config.local"
dask.config.set(
    {
        # A cell is given up after its worker died that often: by then it is the cell's fault.
        "distributed.scheduler.allowed-failures": 10,
        "distributed.admin.log-format": "%(message)s",
        "logging.distributed": "error",
    }
)


def main(scheduler: str = "") -> None:
    """Run every outdated cell on the cluster at `scheduler`, else on processes of this machine."""
    remote = _has_remote()
    if scheduler and not remote:
        raise InputError(
            f"{scheduler}: its workers exchange data through a DVC remote, and none is configured; "
            "docs/sharing.md says how"
        )
    _dvc("repro", "prepare")
    cells = _outdated_cells()
    if cells:
        if remote:
            _dvc("push", "--run-cache")
        with _client(scheduler) as client:
            failed = _run(client, cells, _tree(cache_of_driver=not remote), remote)
        if failed:
            sys.exit(f"error: {failed} of {len(cells)} cells failed; the others are done")
    _dvc("repro", *(["--pull"] if remote else []))


def _has_remote() -> bool:
    return bool(Config.from_cwd()["core"].get("remote"))


def _dvc(*words: str) -> None:
    done = subprocess.run([*_python_of(), *words], check=False)
    if done.returncode:
        sys.exit(done.returncode)


def _python_of() -> list[str]:
    return [sys.executable, "-m", "dvc"]


def _client(scheduler: str) -> Client:
    if scheduler:
        return Client(scheduler, timeout=30)
    workers = int(os.environ.get("WORKERS") or os.cpu_count() or 1)
    return Client(LocalCluster(workers, threads_per_worker=1, dashboard_address=None))


def _outdated_cells() -> dict[str, str | None]:
    """Name every cell that `dvc repro` would run, with the cell that it waits for, if any."""
    with Repo() as repo, repo.lock:
        cells = {
            cell.addressing: cell
            for name in ("augment", "train")
            for cell in repo.stage.collect(name)
        }
        augmented = {cell.outs[0].def_path: name for name, cell in cells.items()}
        outdated = {}
        for name, cell in cells.items():
            needed = {augmented.get(dep.def_path) for dep in cell.deps} & outdated.keys()
            if needed or cell.changed():
                outdated[name] = next(iter(needed), None)
    return outdated


def _tree(cache_of_driver: bool) -> bytes:
    """Pack every tracked file as it is now, and the local configuration, maybe with the cache."""
    listed = subprocess.run(["git", "ls-files", "-z"], check=True, capture_output=True, text=True)
    names = {name for name in listed.stdout.split("\0") if Path(name).is_file()}
    local = Path(LOCAL_CONFIG).read_text(encoding="utf-8") if Path(LOCAL_CONFIG).exists() else ""
    if cache_of_driver:
        with Repo() as repo:
            local += f"\n[cache]\n    dir = {Path(repo.cache.local.path).parents[1]}\n"
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for name in sorted(names):
            archive.add(name)
        config = tarfile.TarInfo(LOCAL_CONFIG)
        config.size = len(local.encode())
        archive.addfile(config, io.BytesIO(local.encode()))
    return packed.getvalue()


def _run(client: Client, cells: dict[str, str | None], tree: bytes, remote: bool) -> int:
    """Run all cells; tell each as it ends; return how many failed."""
    shipped = client.scatter(tree, broadcast=True, hash=False)
    has_gpus = any("GPU" in w["resources"] for w in client.scheduler_info()["workers"].values())
    gpu = {"GPU": 1} if has_gpus else None
    futures: dict[str, Future] = {}
    for name, waits_for in cells.items():
        futures[name] = client.submit(
            run_cell,
            name,
            shipped,
            futures.get(waits_for),
            remote,
            key=f"{name} {time.time_ns()}",
            resources=gpu if name.startswith("train@") else None,
        )
    names = {future.key: name for name, future in futures.items()}
    failed = set()
    with tqdm(total=len(cells), unit=" cells", disable=None, leave=False) as progress:
        for future in as_completed(futures.values()):
            name = names[future.key]
            if future.status == "finished":
                _, seconds, worker = future.result()
                progress.write(f"{name}  {seconds:.0f} s  {worker}", file=sys.stdout)
            else:
                failed.add(name)
                progress.write(_failure(name, cells[name], failed, future), file=sys.stdout)
            progress.update()
    return len(failed)


def _failure(name: str, waits_for: str | None, failed: set[str], future: Future) -> str:
    if waits_for in failed:
        return f"{name}  not run: {waits_for} failed"
    return f"{name}  failed\n{future.exception()}\nrepeat it: dvc repro --single-item {name}"


def run_cell(
    name: str, tree: bytes, augmented: tuple[dict, float, str] | None, remote: bool
) -> tuple[dict, float, str]:
    """Run one cell in this worker's own copy of the tree.

    Args:
        name: of the stage, such as train@flip-0.5.
        tree: a tar of the tracked files.
        augmented: what this function returned for the cell that this one reads, if it ran.
        remote: whether to push to a remote; else all workers share the driver's cache.

    Returns:
        The stage's entries of dvc.lock, seconds, the worker's name.

    Raises:
        RuntimeError: DVC failed; its last lines.
    """
    start, folder = time.perf_counter(), _unpacked(tree)
    lock = folder / "dvc.lock"
    yaml = YAML(typ="safe", pure=True)
    known = yaml.load(lock.read_text(encoding="utf-8"))
    known["stages"] |= augmented[0] if augmented else {}
    with lock.open("w", encoding="utf-8") as file:
        yaml.dump(known, file)
    if remote:
        _in_worker(folder, "repro", "--single-item", "--pull", name)
        _in_worker(folder, "push", "--run-cache", name)
    else:
        _in_worker(folder, "checkout", "--with-deps", "--allow-missing", name)
        _in_worker(folder, "repro", "--single-item", name)
    made = yaml.load(lock.read_text(encoding="utf-8"))["stages"][name]
    return {name: made}, time.perf_counter() - start, str(get_worker().name)


def _unpacked(tree: bytes) -> Path:
    name = f"study-{hashlib.sha256(tree).hexdigest()[:16]}-{threading.get_ident()}"
    folder = Path(get_worker().local_directory, name)
    if not folder.exists():
        unfinished = folder.with_name(f"{name}.unfinished")
        with tarfile.open(fileobj=io.BytesIO(tree)) as archive:
            archive.extractall(unfinished, filter="data")
        subprocess.run(["git", "init", "--quiet", str(unfinished)], check=True)
        unfinished.rename(folder)
    return folder


def _in_worker(folder: Path, *words: str) -> None:
    # The stages call plain `python`: it has to be the worker's own.
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        [*_python_of(), *words],
        cwd=folder,
        env=os.environ | {"PATH": path},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if done.returncode:
        raise RuntimeError("\n".join(done.stdout.splitlines()[-20:]))


if __name__ == "__main__":
    stage.run(main)
