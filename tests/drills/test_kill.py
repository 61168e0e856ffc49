"""The study is killed at a random moment; the next `dvc repro` ends with the same bytes."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time

import pytest
from commands import ENVIRONMENT, NUCLEI, run
from damage import attempt, forget, generate, generated, is_whole, stages

# What a try waits to see change in the study's folder, and up to how many seconds more.
MOMENTS = {
    "the start": (None, 5),
    "a stage began": ("data models", 2),
    "an output came": ("plots metrics models", 0.3),
    "the cache grew": (".dvc/cache/files/md5", 0.1),
    "DVC wrote": ("dvc.lock .dvc/tmp/rwlock", 0.03),
}


@pytest.mark.parametrize("victim", ["all of it", "dvc alone"])
def test_a_killed_study_ends_with_the_same_bytes(study, tmp_path, tries, drilled, victim):
    folder = tmp_path / "study"
    wrong, verified = [], 0
    for seed in range(tries):
        chance = random.Random(f"{victim} {seed}")
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(study, folder)
        forgotten = chance.sample(list(stages(study)), 2)
        forget(folder, forgotten)
        moment = chance.choice(list(MOMENTS))
        _kill(folder, victim, moment, chance)
        refused = _finish(folder)
        verified += bool(refused)
        print(f"seed {seed}: {forgotten}, after {moment} {refused}")
        if not is_whole(folder, study):
            wrong.append(f"seed {seed}: {forgotten}, after {moment}: {refused}")
    drilled(f"kill -9 of {victim}; {verified} needed `nuclei verify`", tries, len(wrong))
    assert not wrong


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
    """Run `dvc repro` to its end, after a `nuclei verify` where it refuses; return why it did."""
    code, _, error = attempt(folder, "dvc", "repro")
    if code:
        attempt(folder, *NUCLEI, "verify")
        run(folder, "dvc", "repro")
    return error if code else ""


@pytest.mark.long
def test_a_killed_generator_starts_anew(study, tmp_path, tries, drilled):
    folder = shutil.copytree(study, tmp_path / "study")
    start = time.monotonic()
    before, wrong = generate(folder), []
    seconds = time.monotonic() - start
    for seed in range(tries):
        for output in ("augmented/generated", "pools"):
            shutil.rmtree(folder / "data" / output)
        words = [sys.executable, "src/augment.py", "generated"]
        started = subprocess.Popen(words, cwd=folder, env=ENVIRONMENT, stderr=subprocess.DEVNULL)
        time.sleep(random.Random(seed).uniform(0.1, 1) * seconds)
        ended = started.poll() is not None
        started.kill()
        started.wait()
        half = not ended and (folder / "data/augmented/generated").exists()
        run(folder, *words)
        if half or generated(folder) != before:
            wrong.append(seed)
    drilled("kill -9 of a generator", tries, len(wrong))
    assert not wrong
