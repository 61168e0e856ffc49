"""The whole pipeline, tiny, in a throwaway DVC repository: from raw fields to the report."""

import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from commands import ENVIRONMENT, NUCLEI, run


def _stages_run(said):
    return [line.split("'")[1] for line in said.splitlines() if line.startswith("Running stage")]


def test_a_second_run_does_nothing(study):
    assert _stages_run(run(study, "dvc", "repro")) == []


def test_no_hospital_is_in_two_splits(study):
    nuclei = pd.read_csv(study / "data/prepared/nuclei.csv", keep_default_na=False)
    folds = pd.read_csv(study / "data/prepared/folds.csv")
    assert sorted(folds["patient"]) == sorted(nuclei["patient"].unique())
    site_of = dict(zip(nuclei["patient"], nuclei["site"], strict=True))
    held = folds.assign(site=folds["patient"].map(site_of)).groupby(["fold", "site"])["split"]
    assert (held.nunique() == 1).all()


def test_no_copy_is_a_byte_of_the_nuclei_away_from_none(study):
    nuclei = (study / "data/prepared/nuclei.npy").read_bytes()
    for copy in range(2):
        assert (study / f"data/augmented/none/copy-{copy}.npy").read_bytes() == nuclei


def test_predictions_cover_every_tested_nucleus_of_every_repeat(study):
    nuclei = pd.read_csv(study / "data/prepared/nuclei.csv")
    cells = list(study.glob("data/predictions/*/x*"))
    assert len(cells) == 2 * 2
    for folder in cells:
        assert [path.name for path in folder.iterdir()] == ["test.npy"]
        table = np.load(folder / "test.npy")
        assert table.dtype == np.float32 and table.shape == (2, len(nuclei), 3)
        tested = nuclei["patient"].isin(_tested(study)).to_numpy()
        assert tested.any() and np.isnan(table[:, ~tested]).all()
        np.testing.assert_allclose(table[:, tested].sum(axis=2), 1, atol=1e-4)


def test_a_cell_has_a_network_per_fold_and_repeat(study):
    names = {f"fold-1-repeat-{repeat}.weights.h5" for repeat in (0, 1)}
    for folder in study.glob("models/*/x*"):
        assert {path.name for path in folder.iterdir()} == names | {"model.json"}


def test_fresh_draws_of_none_are_the_stored_nuclei_and_those_of_another_are_not(study):
    for aug, same in (("none", True), ("invert+flip", False)):
        folder = study / "data/predictions" / aug
        one, fresh = ((folder / name / "test.npy").read_bytes() for name in ("x1", "xinf"))
        assert (one == fresh) == same


def test_the_experiments_own_file_leads(study):
    own = json.loads((study / "metrics/experiment.json").read_text(encoding="utf-8"))
    cell = json.loads((study / "metrics/invert+flip/x1.json").read_text(encoding="utf-8"))
    assert own["macro_auc"] == cell["macro_auc"]["mean"]


def test_another_augmentation_runs_its_own_cells_alone(experiment):
    assert _stages_run(experiment) == [
        "augment@noise+flip",
        "train@noise+flip-inf",
        "train@noise+flip-1",
        "evaluate",
    ]


def test_a_cell_that_the_study_holds_needs_no_training(study):
    words = ["--temp", "--name", "fresh", "-S", "aug=invert+flip", "-S", "volume=inf"]
    said = run(study, "dvc", "exp", "run", *words)
    assert _stages_run(said) == ["evaluate"]
    shown = run(study, "git", "show", _experiment(study, "fresh") + ":metrics/experiment.json")
    cell = json.loads((study / "metrics/invert+flip/xinf.json").read_text(encoding="utf-8"))
    assert json.loads(shown)["configuration"] == "invert+flip xinf"
    assert json.loads(shown)["macro_auc"] == cell["macro_auc"]["mean"]


def _tested(study):
    folds = pd.read_csv(study / "data/prepared/folds.csv")
    return folds.loc[folds["split"] == "test", "patient"]


def _experiment(study, name):
    refs = run(study, "git", "for-each-ref", "--format=%(refname)", "refs/exps").split()
    return next(ref for ref in refs if ref.endswith(f"/{name}"))


@pytest.mark.usefixtures("experiment")
def test_metrics_are_shown(study):
    assert "experiment.json" in run(study, "dvc", "metrics", "show")
    assert "macro_auc" in run(study, "dvc", "metrics", "diff", "HEAD", "noise")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ["src/augment.py", "melt"],
            "error: augmentation 'melt': no operation 'melt'; valid: none",
        ),
        (["src/train.py", "none", "4"], "raise augment.copies to 4"),
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
    said = run(study, *NUCLEI, "table")
    assert [line.split()[0] for line in said.splitlines()[-3:-1]] == ["none", "invert+flip"]
    assert said.endswith("report: plots/report.md\n")
