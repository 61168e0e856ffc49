import numpy as np
import pytest
from examples import predictions

from nuclei.statistics import bootstrap, learning_curve
from nuclei.statistics.bootstrap import Contrast


def gain(mean, spread):
    samples = mean + spread * np.random.default_rng(0).normal(size=2000)
    influence = spread * np.random.default_rng(1).normal(size=30) / 30**0.5
    return Contrast(mean, samples, influence, np.full((2, 3), mean / 2))


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


def gains(cells, metric="macro_auc"):
    drawn = bootstrap.resample(predictions(cells, patients=(5, 3)), 50)
    return drawn, learning_curve.gains(drawn, metric, 0.01)


def test_gains_follow_the_volumes_upwards_and_none_gains_nothing_beyond_volume_1():
    cells = [(aug, volume) for volume in (np.inf, 2.0, 0.5, 1.0) for aug in ("none", "flip")]
    drawn, table = gains(cells)
    steps = table.groupby("aug", sort=False)[["smaller", "larger"]]
    steps = {aug: rows.to_numpy().tolist() for aug, rows in steps}
    assert steps == {"none": [[0.5, 1]], "flip": [[0.5, 1], [1, 2], [2, np.inf]]}
    anew = drawn.estimates[1, 0] - drawn.estimates[3, 0]
    assert table["gain"].iloc[-1] == pytest.approx(anew)


def test_every_step_has_a_verdict_of_its_own():
    cells = [("flip", volume) for volume in (0.5, 1.0, 2.0)]
    made = predictions(cells, repeats=3, count=900)
    label, one = made.tested.label, made.configurations["flip", 1.0]
    made.configurations["flip", 2.0] = one  # the last step brings nothing, the first very much
    made.configurations["flip", 0.5] = np.roll(np.eye(3, dtype=np.float32), 1, axis=0)[label] * one
    table = learning_curve.gains(bootstrap.resample(made, 200), "macro_auc", 0.01)
    assert table["verdict"].tolist() == ["still rising", "saturated"]
    assert (table["p_tost"] < 0.05).tolist() == [False, True]


@pytest.mark.parametrize("cells", [[("none", 1.0), ("flip", 0.5)], [("none", 1.0), ("none", 2.0)]])
def test_no_step_no_row(cells):
    _, table = gains(cells)
    assert table.empty
    assert "verdict" in table
