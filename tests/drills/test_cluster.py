"""Clusters that exchange through a real S3 server: the lock of a plain run, whoever is killed."""

import random
import subprocess
import sys
import time

import psutil
import pytest
from conftest import ENVIRONMENT, clone
from servers import add_remote, s3

KILLS = 2  # in one run of the study


@pytest.fixture
def joined(study, tmp_path):
    """A clone of the study with an empty cache and an empty S3 remote."""
    with s3(tmp_path / "server") as server:
        folder = clone(study, tmp_path / "study")
        add_remote(folder, server)
        yield folder


def _start(folder, workers):
    words = [sys.executable, "src/cluster.py"]
    environment = ENVIRONMENT | {"WORKERS": str(workers)}
    with (folder / "said.log").open("w") as said:
        return subprocess.Popen(words, cwd=folder, env=environment, stdout=said, stderr=said)


def _finished(folder, study):
    said = (folder / "said.log").read_text()
    told = [line for line in said.splitlines() if line.startswith(("augment@", "train@"))]
    same = (folder / "dvc.lock").read_bytes() == (study / "dvc.lock").read_bytes()
    return same and len(told) == 6 and "Running stage 'train" not in said, said


@pytest.mark.parametrize("workers", [2, 4])
def test_the_lock_is_that_of_a_plain_run(study, joined, drilled, workers):
    code = _start(joined, workers).wait()
    right, said = _finished(joined, study)
    again = _start(joined, workers).wait()
    idle = "Running stage" not in (joined / "said.log").read_text()
    drilled(
        f"cluster of {workers} workers over S3, and once more", 2, int(not right) + int(not idle)
    )
    assert not code and right, said
    assert not again and idle


def test_a_killed_worker_loses_nothing(study, joined, drilled):
    chance, driver = random.Random(1), _start(joined, 2)
    killed = 0
    while driver.poll() is None:
        time.sleep(chance.uniform(0.5, 8))
        killed += killed < KILLS and _kill_a_worker(driver.pid, chance)
    right, said = _finished(joined, study)
    drilled("cluster worker killed -9 in the middle of a cell", killed, killed * (not right))
    assert not driver.returncode and right and killed == KILLS, said


def _kill_a_worker(driver, chance):
    """Kill a worker that runs a cell, with all that it started, as if its machine were lost."""
    try:
        busy = [
            worker
            for worker in psutil.Process(driver).children()
            if any("repro" in process.cmdline() for process in worker.children(recursive=True))
        ]
        if not busy:
            return False
        lost = chance.choice(busy)
        for process in [*lost.children(recursive=True), lost]:
            process.kill()
    except psutil.NoSuchProcess:
        return False
    return True
