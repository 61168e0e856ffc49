"""The study with its configurations side by side ends as `dvc repro` does."""

import os
import shutil
import subprocess
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml
from commands import ENVIRONMENT, NUCLEI, clone

from nuclei.core.errors import InputError
from nuclei.dvc_api.outdated import outdated


def _study(folder, *words):
    words = [*NUCLEI, "study", "--jobs", "2", *words]
    return subprocess.run(words, cwd=folder, env=ENVIRONMENT, capture_output=True, text=True)


@pytest.fixture(scope="module")
def finished(study, tmp_path_factory):
    """A clone with an empty cache in which the study has run, and what that printed."""
    folder = clone(study, tmp_path_factory.mktemp("side by side") / "study")
    done = _study(folder)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder, done.stdout


@pytest.fixture(scope="module")
def broken(finished):
    """The study whose one of two augmentations fails, after all had been done."""
    folder, _ = finished
    script = folder / "src/augment.py"
    code = script.read_text(encoding="utf-8")
    script.write_text(
        code.replace(
            "    recipes.parse(aug)\n", '    if aug == "none":\n        raise OSError("boom")\n'
        ),
        encoding="utf-8",
    )
    yield _study(folder)
    script.write_text(code, encoding="utf-8")


def test_the_lock_is_that_of_a_plain_run(study, finished):
    folder, _ = finished
    assert (folder / "dvc.lock").read_bytes() == (study / "dvc.lock").read_bytes()


def test_the_order_of_the_lock_is_that_of_a_plain_run_whatever_ends_first(study, finished):
    folder, _ = finished
    lock = (folder / "dvc.lock").read_text(encoding="utf-8")
    entries = yaml.safe_load(lock)
    names = [name for name in entries["stages"] if "@" in name]
    for name in [*names, "evaluate"]:
        del entries["stages"][name]
    (folder / "dvc.lock").write_text(yaml.safe_dump(entries, sort_keys=False), encoding="utf-8")
    runs, aside = folder / ".dvc/cache/runs", folder.with_name("runs")
    runs.rename(aside)
    with _outdated_in(folder) as plan:
        for name in reversed(names):
            plan.record([name])
    shutil.copytree(aside, runs, dirs_exist_ok=True)
    recorded = yaml.safe_load((folder / "dvc.lock").read_text(encoding="utf-8"))["stages"]
    (folder / "dvc.lock").write_text(lock, encoding="utf-8")
    assert [name for name in recorded if "@" in name] == names


def test_every_configuration_is_run_once_and_none_by_the_driver(finished):
    _, output = finished
    names = [line.split()[0] for line in output.splitlines() if " s  worker " in line]
    assert len(names) == len(set(names)) == 2 + 4
    assert "Running stage 'train" not in output


def test_a_second_run_submits_nothing(finished):
    folder, _ = finished
    again = _study(folder)
    assert again.returncode == 0
    assert "worker" not in again.stdout
    assert "Running stage" not in again.stdout


def test_runs_that_the_lock_has_forgotten_are_restored(study, finished):
    folder, _ = finished
    (folder / "dvc.lock").unlink()
    again = _study(folder)
    assert "worker" not in again.stdout
    assert (folder / "dvc.lock").read_bytes() == (study / "dvc.lock").read_bytes()


def test_a_failed_configuration_is_reported_with_its_last_lines_and_what_repeats_it(broken):
    assert broken.returncode == 1
    assert "augment@none  failed\n" in broken.stdout
    assert "error: boom\n" in broken.stdout
    assert "repeat it: dvc repro --single-item augment@none\n" in broken.stdout
    assert broken.stderr == "error: 3 of 6 configurations are not done, see above\n"


def test_a_failed_configuration_stops_those_that_need_it_and_no_others(broken):
    for volume in ("inf", "1"):
        assert f"train@none-{volume}  not run: augment@none failed\n" in broken.stdout
        assert f"train@invert+flip-{volume}  " in broken.stdout
    assert broken.stdout.count(" s  worker ") == 3


def test_a_cluster_without_a_remote_is_refused_in_one_line(finished):
    folder, _ = finished
    refused = _study(folder, "--scheduler", "tcp://127.0.0.1:1")
    assert refused.returncode == 1
    assert refused.stderr.startswith("error: tcp://127.0.0.1:1 needs a DVC remote")
    assert refused.stderr.count("\n") == 1


@contextmanager
def _outdated_in(folder):
    before = Path.cwd()
    os.chdir(folder)
    try:
        with outdated(pull=False) as plan:
            yield plan
    finally:
        os.chdir(before)


def test_what_was_done_when_the_code_changed_is_not_recorded(finished):
    folder, _ = finished
    path = folder / "params.yaml"
    params, lock = path.read_text(encoding="utf-8"), (folder / "dvc.lock").read_bytes()
    with _outdated_in(folder) as plan:
        path.write_text(params + "\n", encoding="utf-8")
        with pytest.raises(InputError, match="configurations ran: train@none-1 and"):
            plan.record(["train@none-1"])
    path.write_text(params, encoding="utf-8")
    assert (folder / "dvc.lock").read_bytes() == lock


def test_of_two_studies_at_once_the_second_says_so(finished):
    folder, _ = finished
    with _outdated_in(folder):
        second = _study(folder)
    assert second.returncode != 0
    assert "Traceback" not in second.stderr and "lock" in second.stderr.lower()


@pytest.mark.parametrize(
    ("name", "changes", "error"),
    [
        (
            "params.yaml",
            [("margin: 0.02", "margin: 5"), ("repeats: 2", "repeats: 3")],
            "params.yaml: evaluate.margin: ",
        ),
        ("dvc.yaml", [("- none", "- melt")], "dvc.yaml: augmentation 'melt': no operation 'melt'"),
        ("dvc.yaml", [("- inf", "- 4")], "dvc.yaml: volume 4 reads 4 copies, augment.copies of "),
        ("dvc.yaml", [("- inf", "- half")], "dvc.yaml: train@none-half: a volume is a positive "),
        ("dvc.yaml", [("stages:", "stages: [")], "dvc.yaml: "),
    ],
)
def test_what_any_stage_would_refuse_stops_the_study_before_anything_is_trained(
    finished, name, changes, error
):
    folder, _ = finished
    path = folder / name
    content = bad = path.read_text(encoding="utf-8")
    for old, new in changes:
        assert old in bad
        bad = bad.replace(old, new)
    path.write_text(bad, encoding="utf-8")
    refused = _study(folder)
    path.write_text(content, encoding="utf-8")
    assert refused.returncode == 1
    assert refused.stdout == ""
    assert refused.stderr.startswith(f"error: {error}")
    assert refused.stderr.count("\n") == 1
