"""Real servers on loopback while a test runs: S3 and SSH that serve a folder, a Dask cluster."""

import getpass
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest
from commands import ENVIRONMENT, run

SSHD = shutil.which("sshd", path=f"{os.environ['PATH']}{os.pathsep}/usr/sbin")
SSHD_CONFIG = """
ListenAddress 127.0.0.1
Port {port}
HostKey {keys}/host
AuthorizedKeysFile {keys}/client.pub
PidFile none
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
MaxStartups 100
Subsystem sftp internal-sftp {flags}
ForceCommand internal-sftp {flags}
"""


class Server(NamedTuple):
    """Where a served folder is reached, and what a client must know to reach it."""

    url: str
    options: dict[str, str]  # of `dvc remote modify`
    folder: Path  # what lies on the server's side of `url`


@contextmanager
def s3(folder: Path) -> Iterator[Server]:
    """Serve `folder` as the bucket `study`; its key lives as long as the server."""
    program = shutil.which("rclone") or pytest.skip("rclone is not installed")
    bucket = folder / "study"
    bucket.mkdir(parents=True, exist_ok=True)
    name, secret, port = secrets.token_hex(8), secrets.token_hex(16), _free_port()
    words = [program, "serve", "s3", str(folder), "--config", os.devnull]
    words += ["--addr", f"127.0.0.1:{port}", "--auth-key", f"{name},{secret}"]
    # Files written past the server, as by a test that breaks one, are seen soon; at 0 it hangs.
    words += ["--dir-cache-time", "1s"]
    options = {
        "endpointurl": f"http://127.0.0.1:{port}",
        "access_key_id": name,
        "secret_access_key": secret,
    }
    with _running(words, port, folder / "server.log"):
        yield Server("s3://study", options, bucket)


@contextmanager
def ssh(folder: Path, readonly: bool = False) -> Iterator[Server]:
    """Serve `folder` over SFTP to whoever holds the key that is made here."""
    program = SSHD or pytest.skip("sshd is not installed")
    keys, files, port = folder / "keys", folder / "study", _free_port()
    keys.mkdir(parents=True, exist_ok=True)
    files.mkdir(exist_ok=True)
    for name in ("host", "client"):
        if not (keys / name).exists():
            run(keys, "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", name)
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)  # compiled into sshd, which refuses root without it
    config = keys / "sshd_config"
    config.write_text(SSHD_CONFIG.format(port=port, keys=keys, flags="-R" if readonly else ""))
    options = {"user": getpass.getuser(), "port": str(port), "keyfile": str(keys / "client")}
    with _running([program, "-D", "-e", "-f", str(config)], port, folder / "server.log"):
        yield Server(f"ssh://127.0.0.1{files}", options, files)


@contextmanager
def dask_cluster(folder: Path, workers: int) -> Iterator[tuple[str, Path]]:
    """Run a scheduler, and workers with a GPU each, as if on machines of their own."""
    log = folder / "dask.log"
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = str(probe.getsockname()[1])
    address = f"tcp://127.0.0.1:{port}"
    commands = [["scheduler", "--port", port, "--dashboard-address", ":0"]]
    for number in range(workers):
        own = ["--nthreads", "1", "--resources", "GPU=1", "--local-directory", f"worker-{number}"]
        commands.append(["worker", address, *own])
    with log.open("w") as said, ExitStack() as processes:
        for words in commands:
            command = [sys.executable, "-m", "dask", *words, "--host", "127.0.0.1"]
            process = subprocess.Popen(
                command, cwd=folder, env=ENVIRONMENT, stdout=said, stderr=said
            )
            processes.callback(process.wait)
            processes.callback(process.terminate)
        yield address, log


def add_remote(clone: Path, server: Server) -> None:
    """Make `server` the clone's default remote; what is secret or local stays out of git."""
    run(clone, "dvc", "remote", "add", "--default", "--force", "storage", server.url)
    for option, value in server.options.items():
        run(clone, "dvc", "remote", "modify", "--local", "storage", option, value)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def _running(words: list[str], port: int, log: Path, patience: float = 30) -> Iterator[None]:
    """Run a server until the block ends; it is up when it takes a connection."""
    with log.open("w") as said:
        server = subprocess.Popen(words, stdout=said, stderr=said)
    try:
        _wait_for(server, port, log, time.monotonic() + patience)
        yield
    finally:
        server.terminate()
        server.wait(patience)


def _wait_for(server: subprocess.Popen, port: int, log: Path, deadline: float) -> None:
    while True:
        if server.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"{server.args[0]} is not up: {log.read_text()}")
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.05)
