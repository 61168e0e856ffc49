"""Two experiments at once in one clone end as two, one after the other."""

import random
import shutil
import subprocess
import time

import pytest
from commands import ENVIRONMENT, run

SEEDS = {"one": 2, "two": 3}  # each experiment's own evaluate.seed


@pytest.fixture(scope="module")
def one_by_one(study, tmp_path_factory):
    """What git holds of each experiment when they run one after the other."""
    folder = shutil.copytree(study, tmp_path_factory.mktemp("one") / "study")
    for name in SEEDS:
        run(folder, *_experiment(name))
    return {name: _tree(folder, name) for name in SEEDS}


@pytest.mark.long
def test_two_runs_at_once_are_one_after_the_other(study, one_by_one, tmp_path, tries, drilled):
    wrong, refused = [], 0
    for seed in range(tries):
        folder = shutil.copytree(study, tmp_path / str(seed))
        started = {}
        for name in SEEDS:
            started[name] = subprocess.Popen(
                _experiment(name),
                cwd=folder,
                env=ENVIRONMENT,
                text=True,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
            )
            time.sleep(random.Random(seed).uniform(0, 3))
        for name, process in started.items():
            said, _ = process.communicate()
            print(seed, name, process.returncode, said)
            if process.returncode == 0:
                continue
            refused += 1
            if "lock" not in said:
                wrong.append(f"seed {seed}: {name} failed: {said}")
        for name, process in started.items():
            if process.returncode:
                run(folder, *_experiment(name), "--force")
            if _tree(folder, name) != one_by_one[name]:
                wrong.append(f"seed {seed}: {name} came out otherwise")
        shutil.rmtree(folder)
    drilled(f"two `dvc exp run` at once; {refused} were told to wait", tries, len(wrong))
    assert not wrong


@pytest.mark.long
def test_two_workers_of_the_queue_lose_nothing(study, one_by_one, tmp_path, tries, drilled):
    wrong = []
    for seed in range(tries):
        folder = shutil.copytree(study, tmp_path / str(seed))
        for name in SEEDS:
            run(folder, *_experiment(name), "--queue")
        # Its workers keep its stdout open, now and then for ever: no pipe.
        start = ["dvc", "queue", "start", "--jobs", "2"]
        subprocess.run(start, cwd=folder, env=ENVIRONMENT, stdout=subprocess.DEVNULL, check=True)
        deadline = time.monotonic() + 300
        status = run(folder, "dvc", "queue", "status")
        while ("Queued" in status or "Running" in status) and time.monotonic() < deadline:
            time.sleep(1)
            status = run(folder, "dvc", "queue", "status")
        if status.count("Success") != 2:
            wrong.append(f"seed {seed}: {status}")
        elif {name: _tree(folder, name) for name in SEEDS} != one_by_one:
            wrong.append(f"seed {seed}: came out otherwise")
        run(folder, "dvc", "queue", "stop", "--kill")
    drilled("two workers of the queue at once", tries, len(wrong))
    assert not wrong


def _experiment(name):
    return ["dvc", "exp", "run", "--name", name, "--set-param", f"evaluate.seed={SEEDS[name]}"]


def _tree(folder, name):
    """The hash of all that git holds of an experiment: params, dvc.lock, metrics, plots."""
    found = run(folder, "git", "for-each-ref", "--format=%(refname)", "refs/exps")
    refs = [ref for ref in found.split() if ref.endswith(f"/{name}")]
    return run(folder, "git", "rev-parse", f"{refs[0]}^{{tree}}") if refs else None
