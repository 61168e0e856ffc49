import numpy as np
import pandas as pd
import pytest
from examples import predictions
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from nuclei.statistics import bootstrap, inference
from nuclei.statistics.bootstrap import Contrast


def mean_of(values, resamples=20_000):
    """The contrast that is a plain mean of one value per patient, with one repeat."""
    random = np.random.default_rng(0)
    resampled = random.choice(values, (resamples, len(values))).mean(axis=1)
    count = len(values)
    influence = (values - values.mean()) / (count * (count - 1)) ** 0.5
    return Contrast(values.mean(), resampled, influence, np.full((1, 1), values.mean()))


NORMAL = stats.norm.ppf((np.arange(40) + 0.5) / 40)


def test_the_interval_of_a_mean_is_close_to_students():
    contrast = mean_of(NORMAL + 0.2)
    expected = stats.t.interval(0.95, 39, 0.2, NORMAL.std(ddof=1) / 40**0.5)
    assert inference.percentile_interval(contrast) == pytest.approx(expected, abs=0.02)


def test_degrees_of_freedom_fall_where_few_patients_or_few_repeats_carry_the_variance():
    even = mean_of(NORMAL)
    assert inference.degrees_of_freedom(even) == pytest.approx(39, abs=1)
    lone = mean_of(np.where(np.arange(40) < 2, [*[20.0, -20.0] * 20], NORMAL))
    assert inference.degrees_of_freedom(lone) < 8
    trained = even._replace(repeats=np.array([[-5.0, 0.0, 5.0]]))
    assert inference.degrees_of_freedom(trained) == pytest.approx(2, abs=0.1)


@pytest.mark.parametrize(
    ("repeats", "expected"),
    [
        ([[0.0, 0.1, 0.2]], 2),
        ([[0.0, 0.1, 0.2]] * 5, 10),  # each fold estimates its own part
        ([[0.0, 0.1, 0.2], *[[0.0] * 3] * 4], 2),  # one fold has all of it
        ([[0.1], [0.2]], 6),  # one repeat: the patients alone, less one per fold
    ],
)
def test_degrees_of_freedom_are_the_repeats_where_patients_do_not_differ(repeats, expected):
    alike = Contrast(0.1, np.full(99, 0.1), np.zeros(8), np.array(repeats))
    assert inference.degrees_of_freedom(alike) == pytest.approx(expected)


def test_degrees_of_freedom_weigh_patients_and_the_repeats_of_every_fold_by_their_variance():
    of_folds = np.array([[0.0, 0.2, 0.1], [0.3, 0.3, 0.1]])
    contrast = mean_of(NORMAL)._replace(repeats=of_folds)
    patients, training = NORMAL.var(ddof=1) / 40, of_folds.var(axis=1, ddof=1) / 3
    lost = patients**2 / 38 + (training**2 / 2).sum()
    expected = (patients + training.sum()) ** 2 / lost
    assert inference.degrees_of_freedom(contrast) == pytest.approx(expected, rel=1e-3)


@st.composite
def contrasts(draw):
    """Contrasts of every kind: few or many resamples, few degrees of freedom, ties, no variance."""
    random = np.random.default_rng(draw(st.integers(0, 10**6)))
    patients, count = draw(st.integers(2, 40)), draw(st.sampled_from([20, 200, 999, 2000]))
    digits = draw(st.sampled_from([1, 2, 9]))
    estimate = draw(st.sampled_from([-3.0, -1.0, 0.0, 0.5, 2.0, 4.0]))
    spread, noise = random.uniform(0.2, 2), draw(st.sampled_from([0, 1, 9]))
    samples = (estimate + spread * random.normal(size=count)).round(digits)
    influence = spread * random.normal(size=patients) / patients
    folds = draw(st.integers(1, 3)), draw(st.integers(1, 4))
    return Contrast(estimate, samples, influence, noise * random.normal(size=folds))


@settings(max_examples=300, deadline=None)
@given(contrasts())
def test_p_is_below_5_percent_exactly_where_the_interval_excludes_0(contrast):
    low, high = inference.percentile_interval(contrast)
    assert (inference.p_value(contrast) < 0.05) == (low > 0 or high < 0)


@settings(max_examples=300, deadline=None)
@given(contrasts(), st.floats(0.1, 5))
def test_equivalence_is_exactly_the_90_percent_interval_inside_the_margin(contrast, margin):
    low, high = inference.percentile_interval(contrast, confidence=0.9)
    assert (inference.p_tost(contrast, margin) < 0.05) == (-margin < low and high < margin)


def test_few_degrees_of_freedom_reach_beyond_the_resamples():
    few = mean_of(NORMAL)._replace(repeats=np.array([[-1.0, 1.0]]))
    low, high = inference.percentile_interval(few)
    assert low < few.samples.min() and high > few.samples.max()


def test_p_keeps_falling_where_no_resample_lies_beyond_0():
    far, farther = (inference.p_value(mean_of(NORMAL + mean, 500)) for mean in (1, 2))
    assert farther < far < 2 / 501


def test_no_difference_at_all_is_certain():
    same = Contrast(0.0, np.zeros(99), np.zeros(8), np.zeros((2, 3)))
    assert inference.percentile_interval(same) == (0, 0)
    assert inference.p_value(same) == 1
    assert inference.p_tost(same, 0.01) < 0.05


def test_undefined_resamples_are_left_out_and_counted():
    contrast = mean_of(NORMAL, 1000)
    holed = contrast._replace(samples=np.append(contrast.samples, [np.nan] * 7))
    assert inference.percentile_interval(holed) == inference.percentile_interval(contrast)
    assert inference.describe(holed)["undefined"] == 7
    none = contrast._replace(samples=np.full(5, np.nan), influence=np.full(2, np.nan))
    assert np.isnan(inference.percentile_interval(none)).all()
    assert np.isnan(inference.p_value(none))
    assert np.isnan(inference.p_tost(none, 0.01))


def test_holm_by_hand():
    p = pd.Series([0.01, np.nan, 0.04, 0.03])
    assert inference.holm(p) == pytest.approx([0.03, np.nan, 0.06, 0.06], nan_ok=True)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=9))
def test_holm_rejects_what_the_step_down_test_rejects(values):
    adjusted, rest = inference.holm(pd.Series(values)), sorted(values)
    rejected = 0  # step down while the smallest that is left passes
    while rest and rest[0] <= 0.05 / len(rest):
        rejected, rest = rejected + 1, rest[1:]
    assert (adjusted <= 0.05 + 1e-12).sum() == rejected
    assert (adjusted >= values).all() and adjusted.max() <= 1


def test_intervals_hold_every_score_of_every_configuration():
    resampled = bootstrap.resample(predictions(), 200)
    table = inference.scores_of_configurations(resampled)
    assert len(table) == len(resampled.configurations)
    for metric in resampled.metrics:
        assert (table[f"{metric}_low"] < table[metric]).all()
        assert (table[metric] < table[f"{metric}_high"]).all()


def test_scores_of_configurations_are_means_and_deviations_over_repeats():
    resampled = bootstrap.resample(predictions(patients=(5, 3)), 2)
    table = inference.scores_of_configurations(resampled)
    flip = resampled.repeats[1, resampled.metrics.index("accuracy")].sum(axis=0)
    assert table["aug"].tolist() == ["none", "flip", "none"]
    assert table["accuracy"][1] == pytest.approx(np.mean(flip))
    assert table["accuracy_sd"][1] == pytest.approx(abs(flip[0] - flip[1]) / 2**0.5)


def test_one_sided_tests_look_to_either_side():
    contrast = mean_of(NORMAL + 0.4)
    below, above = (inference.p_one_sided(contrast, 0, side) for side in (-1, 1))
    assert below < 0.025 < 0.9 < above
    assert inference.p_value(contrast) == pytest.approx(2 * below)
    assert inference.p_one_sided(contrast, 0.4, 1) == pytest.approx(0.5, abs=0.02)


def test_per_class_has_a_row_per_configuration_and_class():
    resampled = bootstrap.resample(predictions(), 50)
    table = inference.per_class(inference.scores_of_configurations(resampled))
    assert len(table) == 9
    assert table["auc"][0] == resampled.estimates[0, list(resampled.metrics).index("auc_stromal")]
    assert (table["recall_low"] <= table["recall"]).all()
