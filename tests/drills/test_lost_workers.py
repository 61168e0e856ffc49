"""Clusters that exchange through a real S3 server: the lock of a plain run, whoever is killed."""

import random
import shutil
import subprocess
import time
from contextlib import ExitStack

import psutil
import pytest
from commands import ENVIRONMENT, NUCLEI, clone
from damage import stages
from servers import add_remote, dask_cluster, s3

BY_THE_DRIVER = {"simulate", "prepare", "evaluate"}
BROKEN = "train@invert+flip-1"  # one of none would be restored from its equal, of fresh draws
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


def _done(output):
    """The configurations that workers have run."""
    return {line.split()[0] for line in output.splitlines() if " s  worker " in line}


def test_workers_that_share_s3_end_with_the_lock_of_a_plain_run(study, join, tries, drilled):
    """Also where a configuration has failed, whose rerun alone is then computed."""
    wrong = []
    for number in range(tries):
        folder, workers = join(f"study-{number}"), WORKERS[number % len(WORKERS)]
        mend = _break(folder, BROKEN)
        with dask_cluster(folder.parent, workers) as (address, log):
            assert _start(folder, address).wait() == 1
            failed = _output(folder)
            mend()
            ended = _start(folder, address).wait()
            mended = _output(folder)
            again = _start(folder, address).wait()
        assert f"{BROKEN}  failed\n" in failed
        assert _done(failed) == {*stages(study)} - {BROKEN, *BY_THE_DRIVER}
        assert "Compute Failed" in log.read_text(encoding="utf-8")
        assert not _keys_in(folder, failed + mended + log.read_text(encoding="utf-8"))
        assert "Running stage 'train" not in failed + mended
        nothing = "Running stage" not in _output(folder) and _done(_output(folder)) == set()
        same = stages(folder) == stages(study)  # the mended one is the last entry
        if ended or again or not nothing or not same or _done(mended) != {BROKEN}:
            wrong.append((number, ended, again, nothing, same, _done(mended)))
        shutil.rmtree(folder)
    drilled("cluster over S3, then once more, which computes nothing", tries, len(wrong))
    assert not wrong


def _break(folder, name):
    """Have a configuration fail, by code that no stage depends on; return what mends it."""
    path = folder / "src/nuclei/study/process.py"
    code = path.read_text(encoding="utf-8")
    first = '        stage, configuration = name.split("@")\n'
    assert first in code
    broken = f'        if name == "{name}":\n            raise OSError("boom")\n'
    path.write_text(code.replace(first, first + broken), encoding="utf-8")
    return lambda: path.write_text(code, encoding="utf-8")


def _keys_in(folder, text):
    """The keys of the clone's S3 remote that a text holds."""
    config = (folder / ".dvc/config.local").read_text(encoding="utf-8")
    keys = [line.split(" = ")[1] for line in config.splitlines() if "access_key" in line]
    assert len(keys) == 2
    return [key for key in keys if key in text]


@pytest.mark.long
def test_killed_workers_lose_nothing(study, join, tries, drilled):
    chance = random.Random(1)
    kills, wrong = 0, 0
    while kills < tries:
        folder = join(f"killed-{kills}")
        killed, code = _run_and_kill(folder, min(KILLS, tries - kills), chance)
        kills += killed
        output = _output(folder)
        by_workers = _done(output) == {*stages(study)} - BY_THE_DRIVER
        by_workers &= "Running stage 'train" not in output
        same = (folder / "dvc.lock").read_bytes() == (study / "dvc.lock").read_bytes()
        if code or not by_workers or not same:
            wrong += max(killed, 1)
        shutil.rmtree(folder)
    drilled("cluster worker killed -9 in the middle of a configuration", kills, wrong)
    assert not wrong


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
