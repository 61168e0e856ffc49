import numpy as np
import pandas as pd
import pytest

from nuclei.classes import CLASSES
from nuclei.statistics import calibration


def cell(top, right, **key):
    """Nuclei whose top probability, that of tumor, is `top`; the first `right` of them are."""
    rows = pd.DataFrame({"stromal": 0.0, "TIL": 1 - np.array(top), "tumor": top})
    rows["label"] = np.where(np.arange(len(top)) < right, "tumor", "stromal")
    return rows.assign(**{"aug": "none", "volume": 1.0, "repeat": 0} | key)


def test_a_bin_by_hand():
    table = calibration.reliability(cell([0.8, 0.8, 0.8, 0.84], right=2))
    assert table[["bin", "share", "accuracy"]].to_numpy().tolist() == [[8, 1, 0.5]]
    assert table["confidence"][0] == pytest.approx(0.81)
    assert calibration.errors(cell([0.8, 0.8, 0.8, 0.84], right=2))["ece"][0] == pytest.approx(0.31)


def test_certainty_belongs_to_the_last_bin():
    table = calibration.reliability(cell([1.0, 1.0, 0.6], right=2))
    assert table["bin"].tolist() == [6, 9]
    assert table["share"].tolist() == pytest.approx([1 / 3, 2 / 3])


def test_the_error_is_averaged_over_repeats_not_pooled():
    over, under = cell([0.75] * 4, right=2), cell([0.75] * 4, right=4, repeat=1)
    assert calibration.errors(pd.concat([over, under]))["ece"][0] == pytest.approx(0.25)


def test_honest_probabilities_have_a_small_error():
    random = np.random.default_rng(0)
    probability = random.dirichlet([1, 1, 1], 20_000)
    label = (random.random(20_000)[:, None] > probability.cumsum(axis=1)[:, :2]).sum(axis=1)
    rows = pd.DataFrame(probability, columns=list(CLASSES)).assign(aug="none", volume=1.0, repeat=0)
    rows["label"] = np.array(CLASSES)[label]
    assert calibration.errors(rows)["ece"][0] < 0.015
    curve = calibration.reliability(rows)
    assert (curve["confidence"] - curve["accuracy"]).abs().max() < 0.05
