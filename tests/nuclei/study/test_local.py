"""Where processes run, and what becomes of one that dies."""

import os
import subprocess
import sys
from types import SimpleNamespace

import pytest
from commands import ENVIRONMENT, ROOT

from nuclei.study import local
from nuclei.study.local import Place

CORES = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else [None]


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """A machine with 8 GPUs and memory for everything."""
    for number in range(8):
        (tmp_path / f"0000:{number}b:00.0").mkdir()
    monkeypatch.setattr(local.start, "GPUS", tmp_path)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    _free_memory(monkeypatch, 2**40)


def _free_memory(monkeypatch, size):
    monkeypatch.setattr(local.psutil, "virtual_memory", lambda: SimpleNamespace(available=size))


@pytest.mark.usefixtures("machine")
@pytest.mark.parametrize(
    ("visible", "names"),
    [
        (None, [str(number) for number in range(8)]),
        ("0,2", ["0", "2"]),
        ("5", ["5"]),
        ("GPU-8932f937, MIG-1", ["GPU-8932f937", "MIG-1"]),
        ("1,-1,2", ["1"]),
    ],
)
def test_there_is_a_process_for_each_gpu_that_is_visible(visible, names, monkeypatch):
    if visible is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert local.places() == [Place(gpu=name) for name in names]


@pytest.mark.usefixtures("machine")
@pytest.mark.parametrize("visible", ["", "-1"])
def test_where_no_gpu_is_visible_each_core_has_a_process(visible, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert local.places() == [Place(core=core) for core in CORES]


@pytest.mark.usefixtures("machine")
def test_jobs_set_the_number_and_share_what_there_is(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,2")
    assert [place.gpu for place in local.places(jobs=3)] == ["0", "2", "0"]
    assert [place.gpu for place in local.places(jobs=1)] == ["0"]


@pytest.mark.usefixtures("machine")
@pytest.mark.parametrize(("memory", "count"), [(1, 1), (3.2 * 2**30, 2), (2**40, 8)])
def test_no_more_processes_than_the_free_memory_holds(memory, count, monkeypatch):
    _free_memory(monkeypatch, memory)
    assert len(local.places()) == count


STAGES = """
import os
import tqdm
from nuclei.core.errors import InputError

def configuration(aug, volume, advance):
    print("from Python", aug)
    tqdm.tqdm([], disable=None)
    os.system("echo from below >&2")
    if aug == "wrong":
        raise InputError("a knob is wrong")
    if aug == "bug":
        [][1]
    if aug == "killed" or aug == "once" and not os.path.exists("killed"):
        open("killed", "w").close()
        os.kill(os.getpid(), 9)
    for _ in range(3):
        advance()
    with open("done", "a") as file:
        cores = sorted(os.sched_getaffinity(0))
        gpu = os.environ.get("CUDA_VISIBLE_DEVICES")
        print(os.getpid(), os.environ["DVC_STAGE"], cores, gpu, os.getcwd(), file=file)

main = lambda aug: configuration(aug, "", lambda: None)
"""


@pytest.fixture
def lane(tmp_path, monkeypatch):
    """Call it with a place: a lane whose folder has stage scripts of its own."""
    (tmp_path / "src").mkdir()
    for name in ("augment", "train"):
        (tmp_path / f"src/{name}.py").write_text(STAGES)
    monkeypatch.chdir(tmp_path)
    lanes = []

    def at(place):
        lanes.append(local.Lane(place))
        return lanes[-1]

    yield at
    local.close(lanes)


def _done(folder):
    return [line.split(maxsplit=1) for line in (folder / "done").read_text().splitlines()]


def test_one_process_runs_one_configuration_after_another_at_its_place(lane, tmp_path):
    one, counts = lane(Place(CORES[-1], "7")), []
    for name in ("augment@flip", "train@flip-0.5"):
        one.run(name, counts.append)
    (first, augmented), (second, trained) = _done(tmp_path)
    assert first == second != str(os.getpid())
    rest = f"[{CORES[-1]}] 7 {tmp_path}"
    assert (augmented, trained) == (f"augment@flip {rest}", f"train@flip-0.5 {rest}")


@pytest.mark.parametrize(
    ("aug", "error"),
    [
        ("wrong", "error: a knob is wrong"),
        ("bug", "IndexError: list index out of range"),
        ("killed", "error: its process was killed, and so was the one that repeated it"),
    ],
)
def test_a_failed_configuration_says_its_own_last_lines_and_the_lane_goes_on(
    lane, tmp_path, aug, error
):
    one = lane(Place())
    one.run("train@flip-1", lambda updates: None)
    with pytest.raises(RuntimeError) as failed:
        one.run(f"train@{aug}-1", lambda updates: None)
    lines = str(failed.value).splitlines()
    assert lines[-1] == error
    assert "from below" in lines and ("from Python flip" not in lines)
    assert f"from Python {aug}" in lines or aug == "killed"  # which may leave a buffer unwritten
    one.run("train@flip-2", lambda updates: None)
    assert [line.split()[0] for _, line in _done(tmp_path)] == ["train@flip-1", "train@flip-2"]


def test_a_process_that_is_killed_is_replaced_and_its_configuration_repeated(lane, tmp_path):
    one = lane(Place())
    one.run("train@once-1", lambda updates: None)
    assert (tmp_path / "killed").exists() and len(_done(tmp_path)) == 1


def test_updates_are_counted(lane, tmp_path):
    code = STAGES.replace(
        "for _ in range(3):", "for _ in range(3):\n        __import__('time').sleep(.4)"
    )
    (tmp_path / "src/train.py").write_text(code)
    counts = []
    lane(Place()).run("train@flip-1", counts.append)
    assert 1 <= sum(counts) <= 3


def test_a_closed_lane_starts_nothing(lane):
    one = lane(Place())
    local.close([one])
    with pytest.raises(RuntimeError, match="stopped"):
        one.run("train@flip-1", lambda updates: None)


def test_killed_processes_leave_nothing_to_clean_up(tmp_path):
    (tmp_path / "src").mkdir()
    for name in ("augment", "train"):
        (tmp_path / f"src/{name}.py").write_text(STAGES)
    code = "from nuclei.study import local; lane = local.Lane(local.Place())"
    words = [sys.executable, "-c", f"{code}; lane.run('augment@flip', int); local.close([lane])"]
    environment = ENVIRONMENT | {"PYTHONPATH": str(ROOT / "src")}
    done = subprocess.run(words, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
