import numpy as np
import pytest
from examples import predictions

from nuclei.statistics import bootstrap, learning_curve
from nuclei.statistics.bootstrap import Contrast


def gain(mean, spread):
    samples = mean + spread * np.random.default_rng(0).normal(size=2000)
    jackknife = mean + spread * np.random.default_rng(1).normal(size=30) / 5
    return Contrast(mean, samples, jackknife, np.full(3, mean))


@pytest.mark.parametrize(
    ("mean", "spread", "verdict"),
    [
        (0.0, 0.002, "saturated"),
        (0.005, 0.001, "saturated"),  # above 0, yet too small to matter
        (0.03, 0.005, "still rising"),
        (0.0, 0.02, "undecided"),
        (-0.03, 0.005, "declining"),
        (-0.005, 0.001, "saturated"),
    ],
)
def test_the_rule(mean, spread, verdict):
    assert learning_curve.verdict(gain(mean, spread), margin=0.01) == verdict


def test_the_verdict_is_on_the_last_doubling():
    cells = [("none", 2.0), ("none", 0.5), ("none", 1.0), ("none", 1.5), ("flip", 1.0)]
    drawn = bootstrap.resample(predictions(cells), 50)
    table = learning_curve.verdicts(drawn, "macro_auc", 0.01)
    assert table[["smaller", "larger"]].iloc[0].tolist() == [1, 2]
    assert table["gain"][0] == pytest.approx(drawn.estimates[0, 0] - drawn.estimates[2, 0])
    assert table["verdict"][1] == "undecided"
    assert np.isnan(table["gain"][1])


def test_gains_follow_the_volumes_upwards():
    cells = [("none", 2.0), ("none", 0.5), ("none", 1.0), ("flip", 1.0)]
    table = learning_curve.gains(bootstrap.resample(predictions(cells), 50), "accuracy", 0.01)
    assert table[["smaller", "larger"]].to_numpy().tolist() == [[0.5, 1], [1, 2]]


def test_the_law_is_found_again():
    volumes = np.array([0.25, 0.5, 1, 2, 4])
    law = learning_curve.inverse_power_law(volumes, 0.9 - 0.05 * volumes**-0.7)
    assert law == pytest.approx((0.9, -0.05, 0.7), abs=1e-4)


def test_fewer_than_four_volumes_are_not_fitted():
    cells = [("flip", 1.0), ("flip", 2.0), ("flip", 4.0), *(("none", 2.0**n) for n in range(4))]
    table = learning_curve.fits(bootstrap.resample(predictions(cells), 5), "accuracy")
    assert table["aug"].tolist() == ["none"]
    assert 0 <= table["a"][0] <= 1
