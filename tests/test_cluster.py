"""The study on a cluster of this machine's processes ends as `dvc repro` does."""

import subprocess
import sys

import pytest
from conftest import ENVIRONMENT, clone


def _cluster(folder, *words, workers=2):
    command = [sys.executable, "src/cluster.py", *words]
    environment = ENVIRONMENT | {"WORKERS": str(workers)}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)


@pytest.fixture(scope="module")
def finished(study, tmp_path_factory):
    """A clone with an empty cache in which the cluster has run, and what that said."""
    folder = clone(study, tmp_path_factory.mktemp("cluster") / "study")
    return folder, _cluster(folder)


def test_the_lock_is_that_of_a_plain_run(study, finished):
    folder, done = finished
    assert done.returncode == 0, done.stdout + done.stderr
    assert (folder / "dvc.lock").read_bytes() == (study / "dvc.lock").read_bytes()


def test_every_cell_is_told_and_none_is_run_again_by_the_driver(finished):
    _, done = finished
    assert len([x for x in done.stdout.splitlines() if "  " in x and "@" in x.split()[0]]) == 2 + 4
    assert "Running stage 'train" not in done.stdout


def test_a_second_run_computes_nothing(finished):
    folder, _ = finished
    again = _cluster(folder)
    assert again.returncode == 0
    assert "Running stage" not in again.stdout
    assert "Data and pipelines are up to date" in again.stdout
