"""The whole pipeline, tiny, in a throwaway DVC repository: from raw fields to the report."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

ROOT = Path(__file__).parents[1]
ENVIRONMENT = (
    os.environ
    | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "DVC_NO_ANALYTICS": "1",
    }
    | {
        f"GIT_{who}_{what}": "tester@example.org"
        for who in ("AUTHOR", "COMMITTER")
        for what in ("NAME", "EMAIL")
    }
)


def _run(folder, *words):
    done = subprocess.run(words, cwd=folder, env=ENVIRONMENT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def _stages_run(said):
    return [line.split("'")[1] for line in said.splitlines() if line.startswith("Running stage")]


def _tiny(folder):
    """Keep every stage, shrink every size: two augmentations at two volumes, five updates."""
    params = yaml.safe_load((folder / "params.yaml").read_text(encoding="utf-8"))
    params |= {"aug": "invert+flip", "volume": 1}
    params["simulate"] |= {"patients": 36, "fields": 1, "nuclei": 20}
    params["prepare"]["side"] = 16
    params["train"] |= {"repeats": 2, "points": 1}
    params["networks"]["small"] |= {"batch": 16, "updates": 5}
    (folder / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False), encoding="utf-8")
    pipeline = yaml.safe_load((folder / "dvc.yaml").read_text(encoding="utf-8"))
    for stage in ("augment", "train"):
        pipeline["stages"][stage]["matrix"]["aug"] = ["none", "${aug}"]
    pipeline["stages"]["train"]["matrix"]["volume"] = [0.5, "${volume}"]
    (folder / "dvc.yaml").write_text(yaml.safe_dump(pipeline, sort_keys=False), encoding="utf-8")


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """A repository in which `dvc repro` has run once, all committed."""
    folder = tmp_path_factory.mktemp("study")
    for name in ("dvc.yaml", "params.yaml", ".gitignore", ".dvcignore"):
        shutil.copy(ROOT / name, folder)
    shutil.copytree(ROOT / "src", folder / "src", ignore=shutil.ignore_patterns("__pycache__"))
    _tiny(folder)
    _run(folder, "git", "init", "--quiet")
    _run(folder, "dvc", "init", "--quiet")
    shutil.copytree(ROOT / ".dvc" / "plots", folder / ".dvc" / "plots", dirs_exist_ok=True)
    said = _run(folder, "dvc", "repro")
    _run(folder, "git", "add", ".")
    _run(folder, "git", "commit", "--quiet", "-m", "Run the study")
    assert len(_stages_run(said)) == 2 + 2 + 4 + 1
    return folder


def test_a_second_run_does_nothing(study):
    assert _stages_run(_run(study, "dvc", "repro")) == []


def test_no_copy_is_a_byte_of_the_training_nuclei_away_from_none(study):
    train = (study / "data/prepared/train.npy").read_bytes()
    for copy in range(2):
        assert (study / f"data/augmented/none/copy-{copy}.npy").read_bytes() == train


def test_predictions_cover_every_test_nucleus_of_every_repeat(study):
    test = pd.read_csv(study / "data/prepared/test.csv")
    for path in study.glob("data/predictions/*/x*.csv"):
        table = pd.read_csv(path)
        assert list(table) == [
            "repeat",
            "id",
            "label",
            "patient",
            "site",
            "stromal",
            "TIL",
            "tumor",
        ]
        assert len(table) == 2 * len(test)
        np.testing.assert_allclose(table[["stromal", "TIL", "tumor"]].sum(axis=1), 1, atol=1e-4)


def test_the_experiments_own_file_leads(study):
    own = json.loads((study / "metrics/experiment.json").read_text(encoding="utf-8"))
    cell = json.loads((study / "metrics/invert+flip/x1.json").read_text(encoding="utf-8"))
    assert own["macro_auc"] == cell["macro_auc"]["mean"]


def test_another_augmentation_runs_its_own_cells_alone(study):
    said = _run(study, "dvc", "exp", "run", "-S", "aug=noise+flip")
    assert _stages_run(said) == [
        "augment@noise+flip",
        "train@noise+flip-0.5",
        "train@noise+flip-1",
        "evaluate",
    ]


def test_metrics_and_plots_are_shown(study):
    assert "experiment.json" in _run(study, "dvc", "metrics", "show")
    assert "macro_auc" in _run(study, "dvc", "metrics", "diff", "HEAD")
    _run(study, "dvc", "plots", "show", "--out", "page")
    assert (study / "page" / "index.html").stat().st_size > 10_000


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ["src/augment.py", "blur"],
            "error: augmentation 'blur': no operation 'blur'; valid: none",
        ),
        (["src/augment.py"], "usage: augment.py AUG"),
        (["src/train.py", "none", "4"], "raise augment.copies to 4"),
        (["src/train.py", "none", "x"], "volume"),
    ],
)
def test_a_mistake_is_one_line(study, words, said):
    done = subprocess.run(
        [sys.executable, *words], cwd=study, env=ENVIRONMENT, capture_output=True, text=True
    )
    assert done.returncode == 1
    assert said in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
