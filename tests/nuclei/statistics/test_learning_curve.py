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


def gains(configurations, metric="macro_auc"):
    resampled = bootstrap.resample(predictions(configurations, patients=(5, 3)), 50)
    return resampled, learning_curve.gains(resampled, metric, 0.01)


def test_gains_follow_the_volumes_upwards_and_none_gains_nothing_beyond_volume_1():
    configurations = [
        (aug, volume) for volume in (np.inf, 2.0, 0.5, 1.0) for aug in ("none", "flip")
    ]
    resampled, table = gains(configurations)
    steps = table.groupby("aug", sort=False)[["smaller", "larger"]]
    steps = {aug: rows.to_numpy().tolist() for aug, rows in steps}
    assert steps == {"none": [[0.5, 1]], "flip": [[0.5, 1], [1, 2], [2, np.inf]]}
    anew = resampled.estimates[1, 0] - resampled.estimates[3, 0]
    assert table["gain"].iloc[-1] == pytest.approx(anew)


def test_every_step_has_a_verdict_of_its_own():
    configurations = [("flip", volume) for volume in (0.5, 1.0, 2.0)]
    study = predictions(configurations, repeats=3, count=900)
    label, one = study.tested.label, study.configurations["flip", 1.0]
    study.configurations["flip", 2.0] = one  # the last step brings nothing, the first very much
    study.configurations["flip", 0.5] = np.roll(np.eye(3, dtype=np.float32), 1, axis=0)[label] * one
    table = learning_curve.gains(bootstrap.resample(study, 200), "macro_auc", 0.01)
    assert table["verdict"].tolist() == ["still rising", "saturated"]
    assert (table["p_tost"] < 0.05).tolist() == [False, True]


@pytest.mark.parametrize(
    "configurations", [[("none", 1.0), ("flip", 0.5)], [("none", 1.0), ("none", 2.0)]]
)
def test_no_step_no_row(configurations):
    _, table = gains(configurations)
    assert table.empty
    assert "verdict" in table
