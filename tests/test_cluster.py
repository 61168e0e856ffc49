"""The study on a cluster of this machine's processes ends as `dvc repro` does."""

import subprocess
import sys

import pytest
from commands import ENVIRONMENT, clone


def _cluster(folder, *words, workers="2"):
    command = [sys.executable, "src/cluster.py", *words]
    environment = ENVIRONMENT | {"WORKERS": workers}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)


@pytest.fixture(scope="module")
def finished(study, tmp_path_factory):
    """A clone with an empty cache in which the cluster has run, and what that said."""
    folder = clone(study, tmp_path_factory.mktemp("cluster") / "study")
    done = _cluster(folder)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder, done.stdout


@pytest.fixture(scope="module")
def broken(finished):
    """What the cluster said when one of two augmentations failed, after all had been done."""
    folder, _ = finished
    script = folder / "src/augment.py"
    code = script.read_text(encoding="utf-8")
    script.write_text(
        f'import sys\nsys.argv[1] == "none" and sys.exit("error: boom")\n{code}', encoding="utf-8"
    )
    yield _cluster(folder)
    script.write_text(code, encoding="utf-8")


def test_the_lock_is_that_of_a_plain_run(study, finished):
    folder, _ = finished
    assert (folder / "dvc.lock").read_bytes() == (study / "dvc.lock").read_bytes()


def test_every_cell_is_told_once_and_none_is_run_by_the_driver(finished):
    _, said = finished
    told = [line.split()[0] for line in said.splitlines() if " s  worker " in line]
    assert len(told) == len(set(told)) == 2 + 4
    assert "Running stage 'train" not in said


def test_a_second_run_submits_nothing(finished):
    folder, _ = finished
    again = _cluster(folder)
    assert again.returncode == 0
    assert "worker" not in again.stdout
    assert "Running stage" not in again.stdout


def test_runs_that_the_lock_has_forgotten_are_restored(study, finished):
    folder, _ = finished
    (folder / "dvc.lock").unlink()
    again = _cluster(folder)
    assert "worker" not in again.stdout
    assert (folder / "dvc.lock").read_bytes() == (study / "dvc.lock").read_bytes()


def test_a_failed_cell_is_told_with_its_log_and_how_to_repeat_it(broken):
    assert broken.returncode == 1
    assert "augment@none  failed\n" in broken.stdout
    assert "error: boom\n" in broken.stdout
    assert "repeat it: dvc repro --single-item augment@none\n" in broken.stdout
    assert broken.stderr == "error: 3 of 6 cells are not done, see above\n"


def test_a_failed_cell_stops_those_that_need_it_and_no_others(broken):
    for volume in ("0.5", "1"):
        assert f"train@none-{volume}  not run: augment@none failed\n" in broken.stdout
        assert f"train@invert+flip-{volume}  " in broken.stdout
    assert broken.stdout.count(" s  worker ") == 3


@pytest.mark.parametrize(
    ("words", "workers", "error"),
    [
        (["tcp://127.0.0.1:1"], "2", "error: tcp://127.0.0.1:1 needs a DVC remote"),
        ([], "none", "error: WORKERS=none: not a count of processes; valid: 1 or more"),
    ],
)
def test_a_users_mistake_ends_in_one_line(finished, words, workers, error):
    folder, _ = finished
    path = folder / "params.yaml"
    params = path.read_text(encoding="utf-8")
    path.write_text(params.replace("updates: 5", "updates: 6"), encoding="utf-8")
    refused = _cluster(folder, *words, workers=workers)
    path.write_text(params, encoding="utf-8")
    assert refused.returncode == 1
    assert refused.stderr.startswith(error)
    assert refused.stderr.count("\n") == 1
