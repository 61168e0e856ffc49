"""Clusters that exchange through a real S3 server: the lock of a plain run, whoever is killed."""

import random
import shutil
import subprocess
import time
from contextlib import ExitStack

import psutil
import pytest
import yaml
from commands import ENVIRONMENT, NUCLEI, clone
from servers import add_remote, dask_cluster, s3

WORKERS = (2, 4)  # in turn
KILLS = 2  # at most, in one run of the study
VICTIMS = ("the worker alone", "its machine")  # the first leaves what it runs behind


@pytest.fixture
def join(study, tmp_path):
    """Call it with a name: a clone of the study with an empty cache and an S3 remote of its own."""
    with ExitStack() as servers:

        def joined(name):
            folder = clone(study, tmp_path / name / "study")
            add_remote(folder, servers.enter_context(s3(tmp_path / name / "server")))
            return folder

        yield joined


def _start(folder, address):
    words = [*NUCLEI, "study", "--scheduler", address]
    with (folder.parent / "study.log").open("w") as log:
        return subprocess.Popen(words, cwd=folder, env=ENVIRONMENT, stdout=log, stderr=log)


def _output(folder):
    text = (folder.parent / "study.log").read_text(encoding="utf-8")
    print(text)
    return text


def _is_right(folder, study):
    """Whether workers ran every configuration, the driver none, and the lock is the plain one."""
    output = _output(folder)
    done = {line.split()[0] for line in output.splitlines() if " s  worker " in line}
    same = (folder / "dvc.lock").read_bytes() == (study / "dvc.lock").read_bytes()
    return same and len(done) == 2 + 6 and "Running stage 'train" not in output


def test_workers_that_share_s3_end_with_the_lock_of_a_plain_run(study, join, tries, drilled):
    wrong = []
    for number in range(tries):
        folder, workers = join(f"study-{number}"), WORKERS[number % len(WORKERS)]
        with dask_cluster(folder.parent, workers) as (address, _):
            right = not _start(folder, address).wait() and _is_right(folder, study)
            again = _start(folder, address).wait()
        if again or not right or "Running stage" in _output(folder):
            wrong.append(number)
        shutil.rmtree(folder)
    drilled("cluster over S3, then once more, which computes nothing", tries, len(wrong))
    assert not wrong


@pytest.mark.long
def test_killed_workers_lose_nothing(study, join, tries, drilled):
    chance = random.Random(1)
    kills, wrong = 0, 0
    while kills < tries:
        folder = join(f"killed-{kills}")
        killed, code = _run_and_kill(folder, min(KILLS, tries - kills), chance)
        kills += killed
        if code or not _is_right(folder, study):
            wrong += max(killed, 1)
        shutil.rmtree(folder)
    drilled("cluster worker killed -9 in the middle of a configuration", kills, wrong)
    assert not wrong


def test_a_running_cluster_gets_the_keys_and_no_log_holds_them(join):
    folder = join("study")
    _keep_one_augmentation(folder)
    script = folder / "src/train.py"
    code = script.read_text(encoding="utf-8")
    first = "    params = files.read_params(TrainParams)\n"
    broken = '    if (aug, volume) == ("none", "1"):\n        raise OSError("boom")\n'
    script.write_text(code.replace(first, broken + first), encoding="utf-8")
    with dask_cluster(folder.parent, workers=2) as (address, log):
        done = subprocess.run(
            [*NUCLEI, "study", "--scheduler", address],
            cwd=folder,
            env=ENVIRONMENT,
            capture_output=True,
            text=True,
        )
    logged = log.read_text(encoding="utf-8") + done.stdout + done.stderr
    assert done.returncode == 1
    assert done.stdout.count(" s  worker ") == 3
    assert "train@none-1  failed\n" in done.stdout
    assert "Compute Failed" in logged
    config = (folder / ".dvc/config.local").read_text(encoding="utf-8")
    keys = [line.split(" = ")[1] for line in config.splitlines() if "access_key" in line]
    assert len(keys) == 2
    assert not [key for key in keys if key in logged]


def _keep_one_augmentation(folder):
    pipeline = yaml.safe_load((folder / "dvc.yaml").read_text(encoding="utf-8"))
    for name in ("augment", "train"):
        pipeline["stages"][name]["matrix"]["aug"] = ["none"]
    (folder / "dvc.yaml").write_text(yaml.safe_dump(pipeline, sort_keys=False), encoding="utf-8")


def _run_and_kill(folder, kills, chance):
    """Run the study on two workers; kill one after another; return how many, and how it ended."""
    killed = 0
    with dask_cluster(folder.parent, 2) as (address, _):
        driver = _start(folder, address)
        while driver.poll() is None:
            time.sleep(chance.uniform(0.5, 8))
            if killed < kills:
                killed += _kill_a_worker(chance)
    return killed, driver.returncode


def _kill_a_worker(chance):
    """Kill a worker that is in the middle of a configuration; return whether there was one."""
    try:
        busy = [
            process.parent()
            for process in psutil.Process().children(recursive=True)
            if "nuclei.study.clone" in process.cmdline()
        ]
        if not busy:
            return False
        lost, victim = chance.choice(busy), chance.choice(VICTIMS)
        print(f"killed {victim}")
        for process in [*(lost.children(recursive=True) if victim == "its machine" else []), lost]:
            process.kill()
    except psutil.NoSuchProcess:
        return False
    return True
