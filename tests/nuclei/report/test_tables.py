from functools import cache

import examples
import numpy as np
import pandas as pd
import pytest

from nuclei.report import tables
from nuclei.statistics import bootstrap, inference, sites
from nuclei.statistics import comparisons as arms
from nuclei.statistics.params import Evaluate
from nuclei.statistics.scores import METRICS, Metric

USED = {"device": "CPU"}
KNOBS = Evaluate(seed=1, resamples=200, margin=0.01, examples=1, mixed="refuse")


@cache
def study(cells, **keywords):
    drawn = bootstrap.resample(examples.predictions(cells, patients=(4, 3), **keywords), 200)
    cells = tables.with_intervals(
        bootstrap.scores_of_configurations(drawn), inference.intervals(drawn)
    ).assign(ece=0.1)
    return drawn, cells, arms.differences(drawn, 0.01, KNOBS.planned)


CELLS = (("none", 1.0), ("flip", 1.0), ("flip", 0.5))


def test_every_score_lies_in_the_interval_of_its_own_cell():
    drawn, cells, _ = study(CELLS)
    assert list(zip(cells["aug"], cells["volume"], strict=True)) == list(CELLS)
    for name in drawn.metrics:
        assert (cells[f"{name}_low"] < cells[name]).all()
        assert (cells[name] < cells[f"{name}_high"]).all()
    low = inference.percentile_interval(bootstrap.contrast(drawn, "accuracy", {("flip", 0.5): 1}))[
        0
    ]
    assert cells["accuracy_low"][2] == low


def test_a_cells_file_compares_with_none_at_its_volume():
    _, cells, differences = study(CELLS)
    content = tables.cell_metrics(cells, differences, "flip", 1, USED)
    auc = content["macro_auc"]
    assert auc["low"] < auc["mean"] < auc["high"]
    assert auc["mean"] == cells["macro_auc"][1]
    assert auc["sd"] == cells["macro_auc_sd"][1]
    difference = cells["macro_auc"][1] - cells["macro_auc"][0]
    assert auc["minus_none"]["difference"] == pytest.approx(difference)
    assert list(auc["minus_none"]) == ["difference", "low", "high", "p_holm"]
    assert (content["ece"], content["used"]) == (0.1, USED)


@pytest.mark.parametrize(("aug", "volume"), [("none", 1), ("flip", 0.5)])
def test_without_a_none_to_compare_with_there_is_no_difference(aug, volume):
    _, cells, differences = study(CELLS)
    content = tables.cell_metrics(cells, differences, aug, volume, USED)
    assert "minus_none" not in content["accuracy"]
    assert "minus_none" not in tables.experiment(cells, differences, aug, volume, None)


def test_one_repeat_has_no_deviation():
    _, cells, differences = study(CELLS, repeats=1)
    assert "sd" not in tables.cell_metrics(cells, differences, "flip", 1, USED)["accuracy"]


def test_the_experiment_is_short_and_compared():
    _, cells, differences = study(CELLS)
    headline = tables.experiment(cells, differences, "flip", 1, 0.8)
    assert headline["arm"] == "flip x1"
    assert list(headline["minus_none"])[:4] == tables.HEADLINE
    gap = cells["log_loss"][1] - cells["log_loss"][0]
    assert headline["minus_none"]["log_loss"] == pytest.approx(gap)
    auc = headline["minus_none"]
    assert auc["macro_auc_low"] < auc["macro_auc"] < auc["macro_auc_high"]
    assert headline["macro_auc_low"] < headline["macro_auc"] < headline["macro_auc_high"]
    assert headline["size_only_macro_auc"] == 0.8
    assert "size_only_macro_auc" not in tables.experiment(cells, differences, "flip", 1, None)


def whole(rescaled=(), cells=CELLS):
    """All tables of a study; some arms are tested at their training scale too."""
    made = examples.predictions((*cells, ("spare", 1.0)), patients=(4, 3))
    larger = dict.fromkeys(rescaled, made.configurations.pop(("spare", 1.0)))
    curves = pd.DataFrame({"aug": "none", "volume": 1.0, "split": "train", "updates": [5, 5]})
    curves = curves.assign(fold=[1, 2], repeat=0)
    curves = curves.assign(loss=[1.0, 2.0], accuracy=0.5, macro_auc=0.5)
    ends = [(*cell, fold, 0, 5, 8, 0.7, "more") for cell in cells for fold in (1, 2)]
    names = ["aug", "volume", "fold", "repeat", "updates", "of", "validation_loss", "other"]
    ends = pd.DataFrame(ends, columns=names)
    drawn = bootstrap.resample(made, 200)
    return made, larger, tables.study(made, larger, curves, ends, drawn, KNOBS, "flip")


def test_a_study_has_every_table():
    made, _, found = whole()
    assert list(found["configurations"]["volume"]) == [volume for _, volume in CELLS]
    assert found["configurations"]["ece"].notna().all()
    assert found["checkpoints"].columns.tolist()[-3:] == ["of", "validation_loss", "asked"]
    assert found["dose"].empty
    assert len(found["checkpoints"]) == 2 * len(CELLS)
    assert found["curves"]["loss"].tolist() == [1.5]
    assert found["sites"].drop(columns="asked").equals(sites.scores_of_sites(made))
    assert set(found) == {
        *(
            "configurations",
            "differences",
            "claims",
            "volumes",
            "sites",
            "site_gains",
            "classes",
            "calibration",
        ),
        *(
            "dose",
            "roc",
            "confusion",
            "curves",
            "checkpoints",
            "forest",
            "augmentations",
            "power",
            "nuclei",
        ),
    }
    for name in (
        "configurations",
        "differences",
        "forest",
        "augmentations",
        "roc",
        "confusion",
        "curves",
        "checkpoints",
    ):
        assert found[name].loc[found[name]["asked"], "aug"].unique().tolist() in (["flip"], [])
        assert not found[name].loc[~found[name]["asked"], "aug"].eq("flip").any()


def test_scale_tells_the_difference_before_and_after_test_nuclei_are_enlarged_alike():
    made, larger, found = whole(rescaled=[("flip", 1.0)])
    [row] = found["scale"].to_dict("records")
    assert (row["aug"], row["volume"]) == ("flip", 1)
    gaps = found["differences"].set_index(["aug", "volume", "metric"])
    as_it_is = gaps.loc["flip", 1.0, "macro_auc"]
    assert all(row[name] == as_it_is[name] for name in ("difference", "low", "high"))
    scaled = bootstrap.resample(made._replace(configurations=made.configurations | larger), 200)
    gap = bootstrap.contrast(scaled, "macro_auc", {("flip", 1.0): 1, ("none", 1.0): -1})
    assert row["scaled"] == pytest.approx(gap.estimate)
    assert abs(row["scaled"] - row["difference"]) > 1e-3
    assert row["scaled_low"] < row["scaled"] < row["scaled_high"]


def test_scale_has_no_row_without_a_none_to_compare_with():
    assert whole(rescaled=[("flip", 0.5)])[2]["scale"].empty


def test_every_cell_has_a_metrics_file_and_the_experiment_leads():
    cells = (*CELLS, ("none", np.inf), ("flip", np.inf))
    found = whole(cells=cells)[2]
    record = {name: 1 for name in tables.USED} | {"nuclei": 7, "loss": "left out"}
    files = tables.metrics(found, dict.fromkeys(cells, record), "flip", np.inf, None)
    assert list(files) == [
        *("experiment", "none/x1", "flip/x1", "flip/x0.5", "none/xinf", "flip/xinf")
    ]
    assert files["experiment"]["arm"] == "flip xinf"
    assert files["experiment"]["minus_none"]["accuracy"]
    assert files["flip/xinf"]["used"] == {name: record[name] for name in tables.USED}


def test_strengths_have_the_scores_and_differences_of_their_cells():
    cells = [(aug, volume) for aug in ("none", "stain-5", "stain") for volume in (0.5, np.inf)]
    found = whole(cells=tuple(cells))[2]
    assert found["dose"]["aug"].tolist() == ["stain-5", "stain"] * 2
    gaps = found["differences"].set_index(["aug", "volume", "metric"])
    for _, row in found["dose"].iterrows():
        assert row["difference"] == gaps.loc[(row["aug"], row["volume"], "macro_auc"), "difference"]


def test_a_metric_is_one_entry_that_every_table_and_file_picks_up(monkeypatch):
    def compute(weighted):
        return 1 - weighted.right.sum(axis=1) / weighted.actual.sum(axis=1)

    monkeypatch.setitem(METRICS, "error", Metric(compute, more_is_better=False, has_margin=False))
    study_tables = whole()[2]
    configurations = study_tables["configurations"]
    assert (configurations["error"] + configurations["accuracy"]).to_numpy() == pytest.approx(1)
    assert configurations["error_low"].notna().all()
    rows = study_tables["differences"].query("metric == 'error'")
    assert len(rows) == 1 and rows["p_tost"].isna().all()
    record = dict.fromkeys(tables.USED, 1)
    files = tables.metrics(study_tables, dict.fromkeys(CELLS, record), "flip", 1.0, None)
    assert files["flip/x1"]["error"]["minus_none"]["difference"] == rows["difference"].item()
