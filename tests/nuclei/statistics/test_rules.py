import numpy as np
import pytest

from nuclei.statistics import rules
from nuclei.statistics.bootstrap import Contrast
from nuclei.statistics.inference import percentile_interval

MARGIN, SD = 0.01, 0.002


def spread(estimate, sd=SD, seed=1):
    """A contrast whose resamples and influences spread normally around `estimate`."""
    resamples, patients = np.random.default_rng(seed).normal(size=(2, 2000))
    influence = sd * patients[:100] / 10
    return Contrast(estimate, estimate + sd * resamples, influence, np.full((2, 3), estimate / 2))


def spreads(*estimates, sd=SD):
    """Contrasts that are independent of one another."""
    return [spread(estimate, sd, seed) for seed, estimate in enumerate(estimates)]


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
        (rules.NEAR_ZERO, 0.0, "supported"),
        (rules.NEAR_ZERO, 0.1, "contradicted"),
        (rules.NEAR_ZERO, -0.1, "contradicted"),
    ],
)
def test_rules_follow_a_narrow_interval(rule, estimate, verdict):
    assert rule.judge([spread(estimate)], MARGIN) == verdict


@pytest.mark.parametrize("rule", rules.RULES.values(), ids=list(rules.RULES))
def test_a_wide_interval_decides_nothing(rule):
    estimate = 0.03 if rule is rules.NEAR_ZERO else 0.0
    assert rule.judge(spreads(estimate, estimate, sd=0.05), MARGIN) == "undecided"


@pytest.mark.parametrize(
    ("gaps", "verdict"),
    [
        ([0.02, 0.03, 0.01], "supported"),
        ([0.02, 0.03, 0.001], "undecided"),  # one may be as good
        ([0.02, 0.03, -0.008], "undecided"),  # one is better, by less than the margin
        ([0.02, 0.03, -0.03], "contradicted"),
    ],
)
def test_best_is_better_than_every_other(gaps, verdict):
    assert rules.BEST.judge(spreads(*gaps), MARGIN) == verdict


def test_best_needs_no_adjustment_to_be_supported():
    gaps = spreads(*[2.4 * SD] * 8)
    assert all(percentile_interval(gap)[0] > 0 for gap in gaps)
    assert rules.BEST.judge(gaps, MARGIN) == "supported"


def test_best_is_contradicted_by_one_of_many_only_where_it_stands_out_of_as_many():
    behind = spread(-MARGIN - 2.5 * SD)
    assert rules.BEST.judge([behind], MARGIN) == "contradicted"
    assert rules.BEST.judge([*spreads(*[0.0] * 7), behind], MARGIN) == "undecided"
    far = spread(-MARGIN - 4 * SD)
    assert rules.BEST.judge([*spreads(*[0.0] * 7), far], MARGIN) == "contradicted"


def test_an_augmentation_ahead_of_every_other_is_not_contradicted_by_the_least_of_its_noisy_gaps():
    # The rule before: of the smallest gap, resample by resample, which lies too low.
    gaps = spreads(*[MARGIN] * 6, sd=MARGIN)
    samples = np.min([gap.samples for gap in gaps], axis=0)
    least = gaps[0]._replace(samples=samples)
    assert rules.BETTER.judge([least], MARGIN) == "contradicted"
    assert rules.BEST.judge(gaps, MARGIN) == "undecided"


@pytest.mark.parametrize(
    ("gaps", "verdict"),  # pair by pair, at the one volume and at the other
    [
        ([0.02, 0.01, -0.02, -0.05], "supported"),
        ([0.02, 0.01, 0.0, 0.001], "supported"),  # the second pair is equivalent at both
        ([0.02, 0.01, 0.0, 0.02], "undecided"),  # equivalent at one
        ([0.02, 0.01, 0.02, -0.003], "undecided"),
        ([0.02, 0.01, 0.02, -0.02], "contradicted"),
        ([0.02, 0.01, -0.02, 0.02], "contradicted"),
    ],
)
def test_same_order_is_every_pairs(gaps, verdict):
    assert rules.SAME_ORDER.judge(spreads(*gaps), MARGIN) == verdict


def test_same_order_is_contradicted_by_one_of_many_pairs_only_where_it_stands_out_of_as_many():
    swapped = [spread(0.025, MARGIN, seed=7), spread(-0.025, MARGIN, seed=8)]
    assert rules.SAME_ORDER.judge(swapped, MARGIN) == "contradicted"
    alike = spreads(*[0.02] * 10)
    assert rules.SAME_ORDER.judge([*alike, *swapped], MARGIN) == "undecided"


def test_a_pair_within_the_margin_at_both_volumes_has_no_order_to_change():
    assert rules.SAME_ORDER.judge(spreads(0.005, -0.005, sd=SD / 2), MARGIN) == "supported"


def test_a_pair_that_likely_changes_its_order_is_not_taken_for_one_of_the_same_order():
    # The rule before: supported where the interval of Kendall's tau has 1 and excludes 0.
    gaps = [*spreads(*[0.05] * 10), *spreads(0.015, -0.015, sd=MARGIN)]
    signs = np.sign([gap.samples for gap in gaps])
    tau = gaps[0]._replace(estimate=2 / 3, samples=(signs[::2] * signs[1::2]).mean(axis=0))
    low, high = percentile_interval(tau)
    assert low > 0 and high == 1
    assert rules.SAME_ORDER.judge(gaps, MARGIN) == "undecided"


@pytest.mark.parametrize("seed", range(5))
def test_best_says_what_its_text_says_of_intervals(seed):
    random = np.random.default_rng(seed)
    gaps = [spread(random.normal(0.005, SD), seed=seed + k) for k in range(4)]
    supported = all(percentile_interval(gap)[0] > 0 for gap in gaps)
    assert (rules.BEST.judge(gaps, MARGIN) == "supported") == supported
