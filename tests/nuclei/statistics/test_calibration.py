import numpy as np
import pytest

from nuclei.statistics import calibration, predictions

STROMAL, TUMOR = 0, 2


def study(*tops, right):
    """Nuclei whose top probability, that of tumor, each repeat tells; the first `right` are."""
    top = np.array(tops, np.float32)
    probabilities = np.stack([0 * top, 1 - top, top], axis=2)
    label = np.where(np.arange(top.shape[1]) < right, TUMOR, STROMAL)
    names = np.full(len(label), "A1")
    folds = np.resize([1, 2], len(label))
    return predictions.Predictions(
        predictions.Tested(label, names, names, folds), {("none", 1.0): probabilities}
    )


def test_a_bin_by_hand():
    table = calibration.reliability(study([0.8, 0.8, 0.8, 0.84], right=2))
    assert table[["bin", "share", "accuracy"]].to_numpy().tolist() == [[8, 1, 0.5]]
    assert table["confidence"][0] == pytest.approx(0.81)
    error = calibration.errors(study([0.8, 0.8, 0.8, 0.84], right=2))["ece"][0]
    assert error == pytest.approx(0.31)


def test_certainty_belongs_to_the_last_bin_and_a_lower_end_to_its_own():
    table = calibration.reliability(study([1.0, 1.0, 0.5], right=2))
    assert table["bin"].tolist() == [5, 9]
    assert table["share"].tolist() == pytest.approx([1 / 3, 2 / 3])


def test_the_error_is_averaged_over_repeats_not_pooled():
    both = study([0.75] * 4, [0.75] * 4, right=2)  # the first repeat is overconfident
    both.configurations["none", 1.0][1, 2:] = [
        0.75,
        0,
        0.25,
    ]  # the second, always right, underconfident
    assert calibration.errors(both)["ece"][0] == pytest.approx(0.25)
    assert calibration.reliability(both)["accuracy"].tolist() == [0.75]


def test_bins_that_err_to_either_side_do_not_cancel():
    two = study([0.75, 0.75, 0.875, 0.875], right=3)  # 0.25 too little, 0.375 too much
    assert calibration.errors(two)["ece"][0] == pytest.approx((0.25 + 0.375) / 2)


def test_configurations_stand_apart():
    both = study([0.75] * 4, right=3)
    both.configurations["flip", np.inf] = np.flip(both.configurations["none", 1.0], axis=2)
    errors = calibration.errors(both)
    assert errors[["aug", "volume"]].to_numpy().tolist() == [["none", 1.0], ["flip", np.inf]]
    assert errors["ece"].tolist() == pytest.approx([0, 0.5])
    assert calibration.reliability(both)["accuracy"].tolist() == [0.75, 0.25]


def test_honest_probabilities_have_a_small_error():
    random = np.random.default_rng(0)
    probability = random.dirichlet([1, 1, 1], 20_000)
    label = (random.random(20_000)[:, None] > probability.cumsum(axis=1)[:, :2]).sum(axis=1)
    names = np.full(len(label), "A1")
    tested = predictions.Tested(label, names, names, np.ones(len(label), int))
    honest = predictions.Predictions(tested, {("none", 1.0): probability[None].astype(np.float32)})
    assert calibration.errors(honest)["ece"][0] < 0.015
    curve = calibration.reliability(honest)
    assert (curve["confidence"] - curve["accuracy"]).abs().max() < 0.05
