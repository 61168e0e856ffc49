"""The disk is full: one clear line, no half output taken for whole, and the rerun is the same."""

import os
import random
import shutil
import subprocess

import pytest
from commands import run
from damage import attempt, forget, generate, generated, is_whole, stages

SCRIPTS = ["simulate", "prepare", "augment@none", "train@none-1", "evaluate"]


@pytest.fixture
def disk(study, tmp_path):
    """A copy of the study on a small disk of its own, in memory."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=128m", "tmpfs", str(place)]
    done = subprocess.run(mount, capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"a disk in memory needs root: {done.stderr.strip()}")
    yield shutil.copytree(study, place / "study")
    subprocess.run(["umount", "--lazy", str(place)], check=True)


def test_a_stage_on_a_full_disk_says_so_and_leaves_its_output_alone(study, disk, tries, drilled):
    wrong = []
    for seed in range(tries):
        for name in SCRIPTS:
            entry = stages(study)[name]
            room = random.Random(f"{name} {seed}").uniform(0, 0.95) * _largest(entry)
            with_room = _fill(disk, room)
            code, _, error = attempt(disk, *entry["cmd"].split())
            with_room()
            lines = [line for line in error.splitlines() if not line.startswith("training on ")]
            one_line = len(lines) == 1 and "No space left on device" in lines[0]
            if code != 1 or not one_line:
                wrong.append(f"{name} with {room:.0f} bytes: exit code {code}, {error}")
        if not is_whole(disk, study):
            wrong.append(f"seed {seed}: an output was not left alone")
    drilled("full disk under a stage", tries * len(SCRIPTS), len(wrong))
    assert not wrong


def test_dvc_on_a_full_disk_fails_and_its_rerun_is_the_same(study, disk, tries, drilled):
    wrong, full = [], 0
    for seed in range(tries):
        chance = random.Random(seed)
        name = chance.choice(SCRIPTS)
        entry = stages(study)[name]
        forget(disk, [name])
        for out in entry["outs"]:
            shutil.rmtree(disk / out["path"], ignore_errors=True)
        # The output takes its size, its copy in DVC's cache as much again; git keeps evaluate's.
        room = chance.uniform(0, 0.95 if name == "evaluate" else 1.9) * _largest(entry)
        with_room = _fill(disk, room)
        code, output, error = attempt(disk, "dvc", "repro")
        # There may be room enough where DVC's cache keeps two equal files once.
        right = "No space left on device" in error + output if code else is_whole(disk, study)
        full += code != 0
        with_room()
        run(disk, "dvc", "repro")
        if not right or not is_whole(disk, study):
            wrong.append(f"{name} with {room:.0f} bytes: exit code {code}, {output}{error}")
    drilled("full disk under `dvc repro`", full, len(wrong))
    assert not wrong


@pytest.mark.long
def test_a_generator_on_a_full_disk_says_so_and_leaves_nothing(disk, tries, drilled):
    before, wrong = generate(disk), []
    arm = disk / "data/augmented/generated"
    size = sum(path.stat().st_size for path in arm.rglob("*.npy"))
    for seed in range(tries):
        shutil.rmtree(arm)
        shutil.rmtree(disk / "data/pools")
        with_room = _fill(disk, random.Random(seed).uniform(0, 0.95) * size)
        code, _, output = attempt(disk, "python", "src/augment.py", "generated")
        with_room()
        # TensorFlow may log lines of its own, which differ between processors.
        errors = [line for line in output.splitlines() if line.startswith("error: ")]
        one_line = len(errors) == 1 and "No space left on device" in errors[0]
        if code != 1 or not one_line or "Traceback" in output:
            wrong.append(f"seed {seed}: exit code {code}, {output}")
        left = [*arm.parent.glob("*generated*"), *(disk / "data/pools").glob(".*.unfinished")]
        if left:
            wrong.append(f"seed {seed}: half an arm is left")
        run(disk, "python", "src/augment.py", "generated")
        if generated(disk) != before:
            wrong.append(f"seed {seed}: other bytes")
    drilled("full disk under a generator", tries, len(wrong))
    assert not wrong


def _largest(entry):
    return max(out["size"] for out in entry["outs"])


def _fill(disk, room):
    """Leave `room` bytes of the disk; return what gives the rest back."""
    filler = disk / "filler"
    free = os.statvfs(disk)
    with filler.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, free.f_bavail * free.f_frsize - round(room))
    return filler.unlink
