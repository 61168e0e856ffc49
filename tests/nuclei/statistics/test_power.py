from math import inf

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from nuclei.statistics import bootstrap, claims, comparisons, power
from nuclei.statistics.bootstrap import Contrast
from nuclei.statistics.notebook import AUGMENTATIONS
from nuclei.statistics.power import Variances
from nuclei.statistics.scores import METRICS

MEASURED = Variances(0.0001, 0.00002, evenness=1.0, patients=50, folds=5, repeats=2)


def detectable(measured, patients, repeats):
    return float(power.detectable(measured, np.array(patients), repeats))


def test_variances_are_split_into_patients_and_repeats():
    random = np.random.default_rng(0)
    influence, repeats = random.normal(0, 0.01, 40), random.normal(0, 0.01, (5, 3))
    measured = power.variances(Contrast(0.0, np.zeros(9), influence, repeats))
    assert measured.of_patients == pytest.approx((influence**2).sum())
    assert measured.of_repeats == pytest.approx((repeats.var(axis=1, ddof=1) / 3).sum())
    assert measured[3:] == (40, 5, 3)
    assert 0.5 < measured.evenness <= 1


def test_one_fold_is_widened_as_its_resamples_are():
    one = Contrast(0.0, np.zeros(9), np.full(10, 0.1), np.zeros((1, 2)))
    assert power.variances(one).of_patients == pytest.approx(4 / 3 * 0.1)


def test_what_is_found_is_what_a_t_test_finds_in_four_of_five_studies():
    patients = MEASURED._replace(of_repeats=0.0)
    smallest = detectable(patients, 50, 2)
    random = np.random.default_rng(1)
    estimate = random.normal(smallest, 0.01, 20_000)
    variance = 0.0001 * stats.chi2.rvs(45, size=20_000, random_state=random) / 45
    p = 2 * stats.t.sf(estimate / variance**0.5, 45)
    assert (p < 0.05).mean() == pytest.approx(0.8, abs=0.01)


def test_more_patients_and_more_repeats_find_less():
    now = detectable(MEASURED, 50, 2)
    assert detectable(MEASURED, 100, 2) < now
    assert detectable(MEASURED, 50, 10) < now
    assert detectable(MEASURED, 10**9, 2) == pytest.approx(3.49 * 0.00002**0.5, rel=0.01)


@pytest.mark.parametrize("repeats", [2, 10])
@pytest.mark.parametrize("difference", [0.02, 0.04])
def test_the_patients_needed_find_the_difference_and_one_fewer_do_not(difference, repeats):
    needed = int(power.patients_needed(MEASURED, difference, repeats))
    assert detectable(MEASURED, needed, repeats) <= difference
    assert detectable(MEASURED, needed - 1, repeats) > difference


def test_a_large_difference_needs_two_patients_of_each_fold():
    assert power.patients_needed(MEASURED, 0.9, 2) == 10


def test_a_difference_that_the_study_finds_needs_no_more_patients_than_it_has():
    """Of one fold, what more patients leave is the seeds' part, with fewer degrees of freedom."""
    one = Variances(1e-5, 1e-5, evenness=1.0, patients=54, folds=1, repeats=2)
    assert detectable(one, 54, 2) < 0.02 < detectable(one, 10**6, 2)
    assert power.patients_needed(one, 0.02, 2) <= 54


def test_of_one_fold_the_seeds_are_widened_too():
    repeats = np.array([[0.0, 0.2]])
    one = power.variances(Contrast(0.0, np.zeros(9), np.full(10, 0.1), repeats))
    assert one.of_repeats == pytest.approx(4 / 3 * repeats.var(ddof=1) / 2)


def test_a_class_that_one_patient_alone_holds_leaves_the_need_unknown():
    influence = np.array([0.01, np.nan, 0.02, 0.01])
    lone = power.variances(Contrast(0.0, np.zeros(9), influence, np.zeros((2, 1))))
    assert lone.patients == 4
    assert np.isnan(detectable(lone, 4, 1))
    assert np.isnan(power.patients_needed(lone, 0.01, 1))


def test_seeds_count_with_the_few_degrees_of_freedom_that_they_have():
    seeds = MEASURED._replace(of_patients=1e-12)
    deviations = detectable(seeds, 50, 2) / 0.00002**0.5
    assert deviations == pytest.approx(stats.t.ppf(0.975, 5) + stats.t.ppf(0.8, 5), rel=1e-3)


def test_seeds_alone_may_hide_a_difference():
    assert power.patients_needed(MEASURED, 0.01, 2) == inf
    assert power.patients_needed(MEASURED, 0.01, 10) < inf


def test_one_repeat_counts_patients_alone():
    alone = MEASURED._replace(of_repeats=0.0, repeats=1)
    assert detectable(alone, 50, 1) == pytest.approx(
        detectable(MEASURED._replace(of_repeats=0.0), 50, 2)
    )


def test_every_augmentation_and_every_undecided_claim_has_a_row():
    configurations = [(aug, volume) for aug in AUGMENTATIONS for volume in (0.5, 1.0, 2.0)]
    random = np.random.default_rng(3)
    shape = len(configurations), len(METRICS)
    scores = random.normal(0.8, 0.005, shape)
    study = bootstrap.Bootstrap(
        configurations,
        tuple(METRICS),
        scores,
        scores[..., None] + random.normal(0, 0.05, (*shape, 500)),
        random.normal(0, 0.003, (*shape, 40)),
        random.normal(0, 0.001, (*shape, 5, 2)),
    )
    overall, judged = (
        comparisons.against_none(study, 0.01, AUGMENTATIONS),
        claims.judge(study, 0.01),
    )
    table = power.needs(study, overall, judged, 0.01)
    verdicts = judged.set_index("claim")
    undecided = verdicts.index[
        (verdicts["verdict"] == "undecided") & (verdicts["rule"] != "same order")
    ]
    assert {"1", "4"} <= set(undecided)
    assert list(table["comparison"].str.split(":").str[0]) == [
        *(f"{aug} − none" for aug in AUGMENTATIONS[1:]),
        *(f"claim {number}" for number in undecided),
    ]
    best = table.set_index("comparison").filter(like="claim 4", axis=0)
    assert best["estimate"].item() == verdicts.loc["4", "estimate"]  # not that of another rival
    assert set(table["target"]) <= {0.01, 0.02, *table["estimate"].abs()}
    assert (table["patients_more"] <= table["patients"]).all()


def test_a_study_without_augmentations_needs_nothing():
    nothing = comparisons.against_none(
        bootstrap.Bootstrap([("none", 1.0)], (), *[np.zeros((1, 0))] * 4), 0.01, []
    )
    table = power.needs(None, nothing, pd.DataFrame({"claim": [], "verdict": []}), 0.01)
    assert table.empty and list(table) == power.COLUMNS
