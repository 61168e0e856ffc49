"""The study, side by side, is killed; the next run ends with the same bytes."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time

import psutil
import pytest
from commands import ENVIRONMENT, NUCLEI, run
from damage import attempt, forget, is_whole, stages

STUDY = [*NUCLEI, "study"]
NEXT = (STUDY, ["dvc", "repro"])  # in turn: what is typed after the kill
VICTIMS = ("a worker", "the driver", "all of it")


def test_a_killed_study_ends_with_the_same_bytes(study, tmp_path, tries, drilled):
    folder, wrong = tmp_path / "study", []
    for seed in range(tries):
        chance, victim = random.Random(f"side {seed}"), VICTIMS[seed % len(VICTIMS)]
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(study, folder)
        forget(folder, [name for name in stages(study) if "@invert+flip" in name])
        driver = _start(folder)
        time.sleep(chance.uniform(1, 8))
        _kill(driver, victim, chance)
        code = driver.wait(600)  # a busy machine is slow
        if victim == "a worker" and code:
            wrong.append(f"seed {seed}: {victim}: the run itself ended with {code}")
        words = NEXT[seed // len(VICTIMS) % 2]
        again, _, error = attempt(folder, *words)
        if again:  # DVC's own lock of a killed process, or a file that it was writing
            attempt(folder, *NUCLEI, "verify")
            run(folder, *words)
        if not is_whole(folder, study):
            wrong.append(f"seed {seed}: {victim}: {error}")
        shutil.rmtree(folder)
    drilled("kill -9 while configurations run side by side", tries, len(wrong))
    assert not wrong


@pytest.mark.long
def test_ctrl_c_ends_all_within_seconds_and_loses_nothing(study, tmp_path, drilled):
    folder = shutil.copytree(study, tmp_path / "study")
    forget(folder, [name for name in stages(study) if "@" in name])
    driver = _start(folder)
    time.sleep(6)
    family = psutil.Process(driver.pid).children(recursive=True)
    os.killpg(driver.pid, signal.SIGINT)  # as a terminal does
    code = driver.wait(15)
    _, alive = psutil.wait_procs(family, timeout=5)
    run(folder, *STUDY)
    right = code not in (0, None) and not alive and is_whole(folder, study)
    drilled("Ctrl-C while configurations run side by side", 1, int(not right))
    assert right, (code, alive)


def _start(folder):
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    return subprocess.Popen(STUDY, cwd=folder, env=ENVIRONMENT, start_new_session=True, **quiet)


def _kill(driver, victim, chance):
    try:
        below = psutil.Process(driver.pid).children(recursive=True)
        if victim == "the driver":
            driver.kill()
        elif victim == "all of it":
            os.killpg(driver.pid, signal.SIGKILL)
        else:
            workers = [
                process for process in below if "--multiprocessing-fork" in process.cmdline()
            ]
            if workers:
                chance.choice(workers).kill()
    except (psutil.NoSuchProcess, ProcessLookupError):  # it has ended already
        pass


@pytest.mark.long
@pytest.mark.skipif(sys.platform != "linux", reason="a disk in memory is made by Linux's tools")
def test_a_full_disk_fails_configurations_in_a_line_each_and_the_rerun_is_the_same(
    study, tmp_path, tries, drilled
):
    place, wrong = tmp_path / "disk", []
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=128m", "tmpfs", str(place)]
    if subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("a disk in memory needs root")
    try:
        for seed in range(tries):
            folder = shutil.copytree(study, place / "study")
            forget(folder, [name for name in stages(study) if "@" in name])
            for name in ("models", "data/augmented", "data/predictions", "data/training"):
                shutil.rmtree(folder / name)
            filler, free = place / "filler", os.statvfs(place)
            room = random.Random(seed).uniform(0.1, 1) * 2**20
            with filler.open("wb") as file:
                os.posix_fallocate(file.fileno(), 0, int(free.f_bavail * free.f_frsize - room))
            code, output, error = attempt(folder, *STUDY)
            filler.unlink()
            run(folder, *STUDY)
            if code == 0 or "Traceback" in output or not is_whole(folder, study):
                wrong.append(f"seed {seed}: {code} {output} {error}")
            shutil.rmtree(folder)
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)
    drilled("full disk while configurations run side by side", tries, len(wrong))
    assert not wrong
