from math import inf

import numpy as np
import pandas as pd
import pytest
from examples import scored

from nuclei.core.folds import SPLITS
from nuclei.report import page_tables
from nuclei.statistics import best
from nuclei.statistics.dose import doses


@pytest.mark.parametrize(
    ("leads", "leader"), [([False, True], "flip"), ([False, False], "none"), ([], "none")]
)
def test_the_leader_is_the_one_of_the_table_whatever_its_rounded_numbers_say(leads, leader):
    table = pd.DataFrame({"aug": ["none", "flip"], "lead": 0.0})[: len(leads)]
    assert best.leader(table.assign(leads=np.array(leads, bool))) == leader


def test_each_site_counts_once_in_what_an_augmentation_gains():
    gains = pd.DataFrame(
        [
            *(("flip", "A1", 1, 0.02, 0.003), ("flip", "B2", 2, -0.01, 0.05)),
            *(("flip", "C3", 6, 0.007, 0.06), ("crop", "A1", 1, -0.3, np.nan)),
        ],
        columns=["aug", "site", "patients", "gain", "without"],
    )
    flip, crop = page_tables.gains(gains).to_dict("records")
    assert flip == {
        **{"aug": "flip", "gaining": 2, "sites": 3, "mean": pytest.approx(0.017 / 3)},
        **{"least": -0.01, "least_site": "B2", "most": 0.02, "most_site": "A1"},
        "without": 0.003,
    }
    assert (crop["gaining"], crop["sites"]) == (0, 1)
    assert np.isnan(crop["without"])
    assert page_tables.gains(gains[:0]).empty


def test_a_site_that_two_folds_test_has_a_row_for_each():
    rows = [("A1", 1, 0.8), ("B2", 2, 0.7), ("A1", 2, 0.6)]
    table = pd.DataFrame(rows, columns=["site", "fold", "macro_auc"])
    none = table.assign(aug="none", volume=1.0, patients=2, nuclei=9, classes="TIL tumor")
    flip = none.assign(aug="flip", macro_auc=[0.85, 0.75, np.nan])
    shown = page_tables.sites(pd.concat([none, flip, none.assign(volume=2.0)]), 1.0)
    assert list(shown) == ["site", "fold", "patients", "nuclei", "classes", "none", "flip"]
    assert shown[["site", "fold"]].to_numpy().tolist() == [["A1", 1], ["A1", 2], ["B2", 2]]
    assert shown["none"].tolist() == ["0.800", "0.600", "0.700"]
    assert shown["flip"].tolist() == ["0.850", "–", "0.750"]


def checkpoints(**updates):
    """When networks of a budget of 200 updates were kept, by augmentation, at ×1 and ×∞."""
    rows = [
        (aug, volume, count, 200)
        for aug, by_volume in updates.items()
        for volume, counts in zip((1.0, np.inf), by_volume, strict=False)
        for count in counts
    ]
    return pd.DataFrame(rows, columns=["aug", "volume", "updates", "of"])


def test_checkpoints_are_median_range_and_how_many_had_no_more_updates():
    table = checkpoints(none=[[50, 75, 200], [200, 200, 100]], flip=[[50], [75]])
    shown = page_tables.checkpoints(table)
    assert list(shown) == ["augmentation", "×1", "×∞"]
    none, flip = shown.to_numpy().tolist()
    assert none == ["none", "75 (50 to 200), 1 at the end", "200 (100 to 200), 2 at the end"]
    assert flip == ["flip", "50 (50 to 50)", "75 (75 to 75)"]


def test_strengths_stand_below_each_other_and_volumes_beside():
    table = doses(
        *scored("none", "rotation-90", "gamma-2", "gamma", "rotation", volumes=(np.inf, 1.0))
    )
    table = table[(table["aug"] != "gamma") | (table["volume"] == 1)]
    shown = page_tables.strengths(table)
    assert list(shown)[3:] == ["− none, ×1", "− none, ×∞"]
    assert shown[["series", "strength", "augmentation"]].to_numpy().tolist() == [
        *(["gamma", "1.5", "gamma"], ["gamma", "2", "gamma-2"]),
        *(["rotation", "36 degrees", "rotation"], ["rotation", "90 degrees", "rotation-90"]),
    ]
    assert shown["− none, ×1"].iloc[3] == "+0.010 (−0.010 to +0.040)"
    assert shown["− none, ×∞"].iloc[0] == "–"


def counted(nuclei):
    classes = {"stromal": 0, "TIL": nuclei - 1, "tumor": 1}
    return {"nuclei": nuclei, **classes, "patients": 2, "sites": 1}


def test_counts_have_a_row_per_fold_and_split():
    folds = {
        fold: {split: counted(10 * place + int(fold)) for place, split in enumerate(SPLITS, 1)}
        for fold in ("1", "2")
    }
    rows = page_tables.counts({"folds": folds, "dropped": {}})
    assert rows["fold"].tolist() == ["1"] * 3 + ["2"] * 3
    assert rows["split"].tolist() == ["train", "validation", "test"] * 2
    assert rows["nuclei"].tolist() == [11, 21, 31, 12, 22, 32]
    assert rows.iloc[5].to_dict() == {"fold": "2", "split": "test"} | counted(32)


def test_equal_configurations_share_a_row_of_what_was_used():
    records = {"volume": [0.5, 0.5, 1.0, inf], "device": "CPU", "nuclei": [5, 5, 10, 10]}
    used = page_tables.used(pd.DataFrame(records))
    rows = [["×0.5", "CPU", 5, 2], ["×1", "CPU", 10, 1], ["×∞", "CPU", 10, 1]]
    assert used.to_numpy().tolist() == rows
