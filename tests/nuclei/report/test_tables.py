from functools import cache

import numpy as np
import pandas as pd
import pytest

from nuclei.classes import CLASSES
from nuclei.report import tables
from nuclei.statistics import bootstrap, inference

USED = {"device": "CPU"}


def predictions(cells, repeats=2, patients=7):
    rng = np.random.default_rng(0)
    rows = pd.DataFrame({"id": np.arange(60).astype(str), "label": np.resize(CLASSES, 60)})
    rows["patient"] = [f"P{i % patients}" for i in range(60)]
    parts = []
    for place, (aug, volume) in enumerate(cells):
        for repeat in range(repeats):
            sharp = np.eye(3)[np.resize([0, 1, 2], 60)] * (1 + place) + 1
            table = rows.assign(aug=aug, volume=volume, repeat=repeat)
            table[list(CLASSES)] = [rng.dirichlet(a) for a in sharp]
            parts.append(table)
    return pd.concat(parts, ignore_index=True)


@cache
def study(cells, **keywords):
    table = predictions(cells, **keywords)
    drawn = bootstrap.resample(table, 200)
    arms = tables.with_intervals(
        bootstrap.scores_of_cells(drawn), inference.intervals(drawn)
    ).assign(ece=0.1)
    return drawn, arms, inference.differences(drawn, 0.01)


CELLS = (("none", 1.0), ("flip", 1.0), ("flip", 0.5))


def test_every_score_lies_in_the_interval_of_its_own_cell():
    drawn, arms, _ = study(CELLS)
    assert list(zip(arms["aug"], arms["volume"], strict=True)) == list(CELLS)
    for name in drawn.metrics:
        assert (arms[f"{name}_low"] < arms[name]).all()
        assert (arms[name] < arms[f"{name}_high"]).all()
    low = inference.percentile_interval(bootstrap.contrast(drawn, "accuracy", {("flip", 0.5): 1}))[
        0
    ]
    assert arms["accuracy_low"][2] == low


def test_a_cells_file_compares_with_none_at_its_volume():
    _, arms, differences = study(CELLS)
    content = tables.cell_metrics(arms, differences, "flip", 1, USED)
    auc = content["macro_auc"]
    assert auc["low"] < auc["mean"] < auc["high"]
    assert auc["mean"] == arms["macro_auc"][1]
    assert auc["sd"] == arms["macro_auc_sd"][1]
    difference = arms["macro_auc"][1] - arms["macro_auc"][0]
    assert auc["minus_none"]["difference"] == pytest.approx(difference)
    assert list(auc["minus_none"]) == ["difference", "low", "high", "p_holm"]
    assert (content["ece"], content["used"]) == (0.1, USED)


@pytest.mark.parametrize(("aug", "volume"), [("none", 1), ("flip", 0.5)])
def test_without_a_none_to_compare_with_there_is_no_difference(aug, volume):
    _, arms, differences = study(CELLS)
    assert "minus_none" not in tables.cell_metrics(arms, differences, aug, volume, USED)["accuracy"]
    assert "minus_none" not in tables.experiment(arms, differences, aug, volume, None)


def test_one_repeat_has_no_deviation():
    _, arms, differences = study(CELLS, repeats=1)
    assert "sd" not in tables.cell_metrics(arms, differences, "flip", 1, USED)["accuracy"]


def test_the_experiment_is_short_and_compared():
    _, arms, differences = study(CELLS)
    headline = tables.experiment(arms, differences, "flip", 1, 0.8)
    assert headline["arm"] == "flip x1"
    assert list(headline["minus_none"])[:4] == tables.HEADLINE
    gap = arms["log_loss"][1] - arms["log_loss"][0]
    assert headline["minus_none"]["log_loss"] == pytest.approx(gap)
    auc = headline["minus_none"]
    assert auc["macro_auc_low"] < auc["macro_auc"] < auc["macro_auc_high"]
    assert headline["macro_auc_low"] < headline["macro_auc"] < headline["macro_auc_high"]
    assert headline["size_only_macro_auc"] == 0.8
    assert "size_only_macro_auc" not in tables.experiment(arms, differences, "flip", 1, None)


def test_volumes_have_every_gain_and_one_verdict_per_augmentation():
    cells = (("none", 1.0), ("none", 0.5), ("none", 2.0), ("none", 1.5), ("flip", 1.0))
    table = tables.volumes(study(cells)[0], "macro_auc", 0.01)
    none = table[table["aug"] == "none"]
    pairs = list(zip(none["smaller"], none["larger"], strict=True))
    assert pairs == [(0.5, 1), (1, 1.5), (1, 2), (1.5, 2)]
    assert none["verdict"].notna().tolist() == [False, False, True, False]
    assert none[["a", "b", "c"]].notna().all(axis=None)
    flip = table[table["aug"] == "flip"]
    assert flip["verdict"].tolist() == ["undecided"]
    assert flip["gain"].isna().all()
    assert flip["a"].isna().all()


def test_a_gain_that_is_judged_stands_once():
    table = tables.volumes(study((("none", 0.5), ("none", 1.0)))[0], "macro_auc", 0.01)
    assert table[["smaller", "larger"]].to_numpy().tolist() == [[0.5, 1]]
    assert table["verdict"].notna().all()


def test_one_volume_is_undecided():
    table = tables.volumes(study((("none", 1.0),))[0], "macro_auc", 0.01)
    assert table["verdict"].tolist() == ["undecided"]
