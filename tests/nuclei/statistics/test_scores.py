import numpy as np
import pytest
from sklearn.metrics import f1_score, log_loss, recall_score, roc_auc_score

from nuclei.core.classes import CLASSES
from nuclei.core.errors import InputError
from nuclei.statistics import scores

LABELS = np.array([0, 1, 2, 0, 1, 2])


def test_a_hand_computed_score():
    half = np.tile([0.5, 0.25, 0.25], (6, 1))  # everything taken for stromal
    score = scores.score(LABELS, half)
    assert score["accuracy"] == pytest.approx(2 / 6)
    assert [score[f"recall_{name}"] for name in CLASSES] == [1, 0, 0]
    assert score["macro_auc"] == 0.5
    assert score["macro_f1"] == pytest.approx((2 * 2 / (2 * 2 + 4)) / 3)
    assert score["log_loss"] == pytest.approx(-(2 * np.log(0.5) + 4 * np.log(0.25)) / 6)
    stromal = np.log(0.5) + 2 * np.log(0.75)
    other = np.log(0.25) + np.log(0.5) + np.log(0.75)
    assert score["bce"] == pytest.approx(-(2 * stromal + 4 * other) / 18)


@pytest.mark.parametrize("digits", [6, 1])  # one digit: many ties
def test_scores_are_scikit_learns(digits):
    rng = np.random.default_rng(1)
    label = rng.integers(0, 3, 500)
    probability = rng.dirichlet([1, 1, 1], 500).round(digits)
    probability /= probability.sum(axis=1, keepdims=True)
    score, truth = scores.score(label, probability), label[:, None] == np.arange(3)
    clipped = probability.clip(1e-7, 1 - 1e-7)
    predicted = probability.argmax(axis=1)
    recalls = recall_score(label, predicted, labels=[0, 1, 2], average=None)
    expected = {
        "macro_auc": roc_auc_score(truth, probability, average="macro"),
        "accuracy": (label == predicted).mean(),
        "balanced_accuracy": recalls.mean(),
        "macro_f1": f1_score(label, predicted, average="macro"),
        "log_loss": -np.log(clipped[truth]).mean(),
        "bce": np.mean([log_loss(truth[:, k], clipped[:, k]) for k in range(3)]),
        "overconfidence": probability.max(axis=1).mean() - (label == predicted).mean(),
    }
    for k, name in enumerate(CLASSES):
        expected[f"auc_{name}"] = roc_auc_score(truth[:, k], probability[:, k])
    expected |= {f"recall_{name}": value for name, value in zip(CLASSES, recalls, strict=True)}
    assert list(score) == list(expected)
    assert score == pytest.approx(expected, abs=1e-9)


def test_balanced_accuracy_weighs_classes_not_nuclei():
    labels = np.array([2] * 8 + [1, 0])
    score = scores.score(labels, np.tile([0.1, 0.1, 0.8], (10, 1)))
    assert score["accuracy"] == pytest.approx(0.8)
    assert score["balanced_accuracy"] == pytest.approx(1 / 3)


def test_a_certain_mistake_costs_a_finite_loss():
    certain = np.eye(3)[[1, 1, 2, 0, 1, 2]]
    score = scores.score(LABELS, certain)
    assert score["log_loss"] == pytest.approx(-np.log(1e-7) / 6, rel=1e-3)


def test_a_class_without_nuclei_is_an_error():
    with pytest.raises(InputError, match="no TIL"):
        scores.score(np.array([2, 0]), np.full((2, 3), 1 / 3))


@pytest.mark.parametrize("count", [2, 4])
def test_any_number_of_classes_is_scored(count):
    rng = np.random.default_rng(2)
    label = rng.integers(0, count, 200)
    probability = rng.dirichlet(np.ones(count), 200)
    totals = scores.totals(label, probability, rng.integers(0, 5, 200), 5)
    metrics = scores.metrics_of([f"class{code}" for code in range(count)])
    weighted = scores.scores(totals, np.ones((1, 5)), metrics)
    score = dict(zip(metrics, weighted[0], strict=True))
    truth, predicted = label[:, None] == np.arange(count), probability.argmax(axis=1)
    aucs = [roc_auc_score(truth[:, k], probability[:, k]) for k in range(count)]
    assert score["macro_auc"] == pytest.approx(np.mean(aucs))
    assert score[f"auc_class{count - 1}"] == pytest.approx(aucs[-1])
    assert score["macro_f1"] == pytest.approx(f1_score(label, predicted, average="macro"))
    assert score["bce"] == pytest.approx(log_loss(truth.ravel(), probability.ravel()))
    assert score["accuracy"] == pytest.approx((label == predicted).mean())
