"""Run configurations on the workers of a Dask cluster.

Dask sees to retries and lost workers. A configuration is submitted only when it can run: Dask deals
tasks with a dependency out beforehand, and a worker that is done early would be idle.
"""

import io
import logging
import tarfile
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

from cloudpickle import register_pickle_by_value
from configobj import ConfigObj
from distributed import Client, get_worker

from nuclei.core.errors import InputError
from nuclei.dvc_api import config
from nuclei.study import side_by_side
from nuclei.study import worker as worker_module
from nuclei.study.side_by_side import Done, Progress

register_pickle_by_value(worker_module)
logging.getLogger("distributed.client").setLevel(logging.CRITICAL)


def run(scheduler: str, configurations: dict[str, str | None], tree: bytes) -> dict[str, dict]:
    """Run as `side_by_side.run` with what `pack` returned; InputError if no scheduler answers."""
    clones = worker_module.Clones(tree)
    try:
        client = Client(scheduler, timeout=30)
    except (OSError, ValueError) as error:
        raise InputError(f"{scheduler}: {error}; valid: tcp://HOST:8786") from None
    print(f"waiting for a worker of {scheduler}", flush=True)
    client.wait_for_workers(1)
    with client, closing(Progress(len(configurations))) as progress:
        client.register_plugin(clones, clones.name)
        client.subscribe_topic(worker_module.UPDATES, lambda event: progress.advance(*event[1]))
        # A failed configuration is run once more, since a full disk may be the worker's alone.
        anywhere = client.get_executor(pure=False, retries=1)
        workers = client.scheduler_info(n_workers=-1)["workers"].values()
        gpu = {"GPU": 1} if any("GPU" in worker["resources"] for worker in workers) else None
        on_gpu = client.get_executor(pure=False, retries=1, resources=gpu)
        task = _task(clones.name)

        def submit(name: str, needed: dict[str, dict]) -> Future[Done]:
            executor = on_gpu if name.startswith("train@") else anywhere
            return executor.submit(task, name, needed)

        print(f"{len(configurations)} configurations on {len(workers)} workers", flush=True)
        try:
            return side_by_side.run(configurations, submit, progress)
        finally:
            with suppress(OSError):  # the scheduler may be lost
                client.unregister_worker_plugin(clones.name)


def _task(plugin: str) -> Callable[[str, dict[str, dict]], Done]:
    """Return what a worker calls; a nested function travels by value."""

    def run(name: str, needed: dict[str, dict]) -> Done:
        worker: Any = get_worker()
        return worker.plugins[plugin].run(name, needed)

    return run


def pack(remote: str) -> bytes:
    """Return a tar of the pipeline, its code and params, and the DVC remote, keys included."""
    core = {"remote": remote, "no_scm": True, "analytics": False}
    settings = ConfigObj({"core": core, f'remote "{remote}"': config.remote_options(remote)})
    names = ["dvc.yaml", "dvc.lock", "params.yaml", ".dvcignore"]
    names += sorted(path.as_posix() for path in Path("src").rglob("*.py"))
    tree = io.BytesIO()
    with tarfile.open(fileobj=tree, mode="w") as archive:
        for name in names:
            archive.add(name)
        text = "\n".join(settings.write()).encode()
        entry = tarfile.TarInfo(".dvc/config")
        entry.size, entry.mode = len(text), 0o600  # it may hold the remote's keys
        archive.addfile(entry, io.BytesIO(text))
    return tree.getvalue()
