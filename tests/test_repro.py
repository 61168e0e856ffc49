"""The whole pipeline, tiny, in a throwaway DVC repository: from raw fields to the report."""

import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from commands import ENVIRONMENT, run


def _stages_run(said):
    return [line.split("'")[1] for line in said.splitlines() if line.startswith("Running stage")]


def test_a_second_run_does_nothing(study):
    assert _stages_run(run(study, "dvc", "repro")) == []


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


def test_another_augmentation_runs_its_own_cells_alone(experiment):
    assert _stages_run(experiment) == [
        "augment@noise+flip",
        "train@noise+flip-0.5",
        "train@noise+flip-1",
        "evaluate",
    ]


@pytest.mark.usefixtures("experiment")
def test_metrics_are_shown(study):
    assert "experiment.json" in run(study, "dvc", "metrics", "show")
    assert "macro_auc" in run(study, "dvc", "metrics", "diff", "HEAD", "noise")


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


def test_the_table_is_printed_without_a_run(study):
    said = run(study, sys.executable, "src/table.py")
    assert [line.split()[0] for line in said.splitlines()[-3:-1]] == ["none", "invert+flip"]
    assert said.endswith("report: plots/report.md\n")
