"""Distances between synthetic and real nuclei, where the truth is known."""

import numpy as np
import pytest

from nuclei.generation import quality
from nuclei.generation.quality import Features


def _normal(count, seed, shift=0.0, scale=1.0, dimensions=8):
    return np.random.default_rng(seed).normal(shift, scale, (count, dimensions))


def test_the_distance_of_two_samples_of_one_distribution_is_0_on_average():
    distances = np.array([quality.kid(_normal(60, i), _normal(80, 1000 + i)) for i in range(300)])
    assert abs(distances.mean()) < 3 * distances.std() / np.sqrt(len(distances))
    assert 0.3 < (distances < 0).mean() < 0.7


def test_the_distance_is_the_kernels_own_for_distributions_of_one_point():
    real, synthetic = np.zeros((5, 4)), np.full((7, 4), 2.0)
    # k(x, y) = (x·y/4 + 1)^3: 1 among zeros, 125 among twos, 1 between them.
    assert quality.kid(real, synthetic) == pytest.approx(1 + 125 - 2)


def test_precision_falls_with_what_is_unlike_and_recall_with_what_is_missing():
    real = _normal(400, 1)
    same = quality.precision_recall(real, _normal(400, 2))
    away = quality.precision_recall(real, _normal(400, 3, shift=9))
    narrow = quality.precision_recall(real, _normal(400, 4, scale=0.2))
    half = np.concatenate([_normal(200, 5), _normal(200, 6, shift=9)])
    mixed = quality.precision_recall(real, half)
    assert min(same) > 0.8
    assert away == (0, 0)
    assert narrow[0] > 0.95 and narrow[1] < 0.3
    assert mixed[0] == pytest.approx(same[0] / 2, abs=0.05) and mixed[1] > 0.6


def _features(vectors):
    labels = np.arange(len(vectors)) % 3
    return Features(vectors, np.eye(3)[labels], labels)


def test_copies_are_near_and_unseen_nuclei_are_as_near_as_validation():
    training, validation = _normal(900, 1), _normal(300, 2)
    sets = {
        "copies": _features(training[::3]),
        "like them": _features(_normal(3000, 3)),
        "far": _features(_normal(300, 4, shift=5)),
    }
    table = quality.compare(_features(validation), _features(training), sets).set_index("nuclei")
    assert table.loc["copies", "near"] == 1
    assert table.loc["like them", "near"] == pytest.approx(quality.NEAR, abs=0.03)
    assert table.loc["far", "near"] == 0
    assert abs(table.loc["like them", "kid"]) < table.loc["far", "kid"] / 100


def test_the_accuracy_is_of_each_class():
    real = _features(_normal(30, 1))
    probabilities = real.probabilities.copy()
    probabilities[real.labels == 1] = np.eye(3)[2]
    synthetic = real._replace(probabilities=probabilities)
    table = quality.compare(real, real, {"synthetic": synthetic})
    accuracies = table.set_index("nuclei").filter(like="accuracy")
    assert accuracies.loc["synthetic"].tolist() == [1, 0, 1]
    assert accuracies.loc["validation nuclei"].tolist() == [1, 1, 1]
