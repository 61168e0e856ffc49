import numpy as np
import pytest

from nuclei.statistics import rules
from nuclei.statistics.bootstrap import Contrast


def spread(estimate, sd=0.002, count=2000):
    """A quantity whose resamples and jackknife spread normally around `estimate`."""
    random = np.random.default_rng(1)
    ends = random.normal(0, 1, (2, count))
    return Contrast(
        estimate,
        estimate + sd * ends[0],
        estimate + sd / 30 * ends[1][:30],
        np.full(3, estimate),
    )


@pytest.mark.parametrize(
    ("rule", "estimate", "verdict"),
    [
        (rules.BETTER, 0.02, "supported"),
        (rules.BETTER, 0.0, "contradicted"),
        (rules.BETTER, -0.02, "contradicted"),
        (rules.BETTER, 0.008, "supported"),
        (rules.WORSE, -0.02, "supported"),
        (rules.WORSE, 0.0, "contradicted"),
        (rules.WORSE, 0.02, "contradicted"),
        (rules.SAME, 0.0, "supported"),
        (rules.SAME, 0.02, "contradicted"),
        (rules.SAME, -0.02, "contradicted"),
        (rules.NO_BETTER, 0.0, "supported"),
        (rules.NO_BETTER, -0.1, "supported"),
        (rules.NO_BETTER, 0.03, "contradicted"),
        (rules.SAME_ORDER, 0.6, "contradicted"),
        (rules.SAME_ORDER, 1.0, "supported"),
        (rules.NEAR_ZERO, 0.0, "supported"),
        (rules.NEAR_ZERO, 0.1, "contradicted"),
        (rules.NEAR_ZERO, -0.1, "contradicted"),
    ],
)
def test_rules_follow_a_narrow_interval(rule, estimate, verdict):
    assert rule.judge(spread(estimate), 0.01) == verdict


@pytest.mark.parametrize("rule", [rules.BETTER, rules.WORSE, rules.SAME, rules.NO_BETTER])
def test_a_wide_interval_decides_nothing(rule):
    assert rule.judge(spread(0.0, sd=0.05), 0.01) == "undecided"
