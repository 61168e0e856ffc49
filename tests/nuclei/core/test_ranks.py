import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from nuclei.core import ranks


def nuclei(count=400, patients=7, seed=0):
    random = np.random.default_rng(seed)
    positive = random.random(count) < 0.3
    score = (random.random(count) + 0.3 * positive).round(1)  # many ties
    return score, positive, random.integers(0, patients, count)


def counted(score, positive, patient, patients):
    pairs = ranks.pair_counts(score, positive, patient, patients)
    return (
        pairs,
        np.bincount(patient[positive], minlength=patients),
        np.bincount(patient[~positive], minlength=patients),
    )


def test_pairs_are_counted_by_patient_and_ties_are_halves():
    score = np.array([0.9, 0.5, 0.5, 0.1])
    positive = np.array([True, False, True, False])
    pairs = ranks.pair_counts(score, positive, np.array([0, 0, 1, 1]), 2)
    assert pairs.tolist() == [[2, 2], [1, 2]]


@pytest.mark.parametrize("seed", range(5))
def test_any_weighting_is_scikit_learns_weighted_auc(seed):
    score, positive, patient = nuclei(seed=seed)
    weights = np.random.default_rng(seed).multinomial(7, np.full(7, 1 / 7), 20).astype(float)
    ours = ranks.weighted_auc(*counted(score, positive, patient, 7), weights)
    theirs = [roc_auc_score(positive, score, sample_weight=row[patient]) for row in weights]
    assert ours == pytest.approx(theirs, abs=1e-9)


def test_a_weighting_without_positives_has_no_auc():
    score, positive = np.array([0.2, 0.8, 0.4]), np.array([False, True, False])
    table = counted(score, positive, np.array([0, 1, 0]), 2)
    assert np.isnan(ranks.weighted_auc(*table, np.array([[1.0, 0.0]])))[0]


def test_patients_without_nuclei_change_nothing():
    score, positive, patient = nuclei()
    few = ranks.pair_counts(score, positive, patient, 7)
    many = ranks.pair_counts(score, positive, patient, 9)
    assert (many[:7, :7] == few).all()
    assert not many[7:].any()


def test_an_auc_is_scikit_learns():
    score, positive, _ = nuclei()
    assert ranks.auc(score, positive) == pytest.approx(roc_auc_score(positive, score))
