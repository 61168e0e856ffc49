"""The study is killed at a random moment; the next `dvc repro` ends with the same bytes."""

import os
import random
import shutil
import signal
import subprocess
import time

import pytest
import yaml
from conftest import ENVIRONMENT, run

# What a try waits to see change in the study's folder, and up to how many seconds more.
MOMENTS = {
    "the start": (None, 5),
    "a stage began": ("data/.unfinished", 2),
    "an output came": ("data models plots", 0.3),
    "the cache grew": (".dvc/cache/files/md5", 0.1),
    "DVC wrote": ("dvc.lock .dvc/tmp/rwlock", 0.03),
}


@pytest.mark.parametrize("victim", ["all of it", "dvc alone"])
def test_a_killed_study_ends_with_the_same_bytes(study, tmp_path, tries, drilled, victim):
    folder = tmp_path / "study"
    whole = (study / "dvc.lock").read_bytes()
    stages = list(yaml.safe_load(whole)["stages"])
    wrong, verified = [], 0
    for seed in range(tries):
        chance = random.Random(f"{victim} {seed}")
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(study, folder)
        forgotten = chance.sample(stages, 2)
        _forget(folder, forgotten)
        moment = chance.choice(list(MOMENTS))
        print(seed, victim, forgotten, moment)
        _kill(folder, victim, moment, chance)
        verified += _finish(folder)
        if (folder / "dvc.lock").read_bytes() != whole or "whole" not in _verify(folder):
            wrong.append(f"seed {seed}: {forgotten}, after {moment}")
    name = f"kill -9 of {victim} ({verified} of them needed `make verify`)"
    drilled(name, tries, len(wrong))
    assert not wrong


def _forget(folder, stages):
    """Have DVC run the stages anew: stale in dvc.lock, gone from the cache and the run cache."""
    path = folder / "dvc.lock"
    lock = yaml.safe_load(path.read_text())
    for stage in stages:
        lock["stages"][stage]["cmd"] += " --once"
        for out in lock["stages"][stage]["outs"]:
            kept = folder / ".dvc/cache/files/md5" / out["md5"][:2] / out["md5"][2:]
            kept.unlink(missing_ok=True)
    path.write_text(yaml.safe_dump(lock, sort_keys=False))
    shutil.rmtree(folder / ".dvc/cache/runs")


def _kill(folder, victim, moment, chance):
    sight, wait = MOMENTS[moment]
    before = _seen(folder, sight)
    dvc = subprocess.Popen(
        ["dvc", "repro"],
        cwd=folder,
        env=ENVIRONMENT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    while sight and _seen(folder, sight) == before and dvc.poll() is None:
        time.sleep(0.001)
    time.sleep(chance.uniform(0, wait))
    if victim == "dvc alone":
        dvc.kill()
    elif dvc.poll() is None:
        os.killpg(dvc.pid, signal.SIGKILL)
    dvc.wait()


def _seen(folder, names):
    """The times and sizes of all files below, to tell that something has changed."""
    found = set()
    for name in (names or "").split():
        for path in [folder / name, *(folder / name).rglob("*")]:
            try:
                found.add((path, path.stat().st_mtime_ns, path.stat().st_size))
            except FileNotFoundError:  # removed meanwhile
                continue
    return found


def _finish(folder):
    """Run `dvc repro` to its end; say whether it took `make verify` to let it."""
    again = subprocess.run(
        ["dvc", "repro"], cwd=folder, env=ENVIRONMENT, capture_output=True, text=True
    )
    if again.returncode:
        print(again.stdout, again.stderr, _verify(folder))
        run(folder, "dvc", "repro")
    return again.returncode != 0


def _verify(folder):
    verify = ["python", "src/verify.py"]
    return subprocess.run(
        verify, cwd=folder, env=ENVIRONMENT, capture_output=True, text=True
    ).stdout
