"""What turns predictions into scores: sums per patient first, so that any patients can be weighted.

Every score is a function of sums over patients; an AUC is one of sums over pairs of patients.
A metric is one entry of `metrics_of`: everything else looks it up by its name.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from nuclei.core import ranks
from nuclei.core.classes import CLASSES
from nuclei.core.errors import InputError

_EPSILON = 1e-7  # a certain mistake costs a finite loss


class Totals(NamedTuple):
    """What the scores of one prediction set need from each of P patients, for C classes."""

    pairs: np.ndarray  # (C, P, P) int64, ranks.pair_counts, each class against the rest
    confusion: np.ndarray  # (P, C, C) int64, nuclei by true and by predicted class
    sums: dict[str, np.ndarray]  # (P,) float64, sums over nuclei: log_loss, bce, top_probability


class Weighted(NamedTuple):
    """A prediction set under W weightings of its patients: all that a metric is computed from."""

    auc: np.ndarray  # (W, C) float64, each class against the rest
    recall: np.ndarray  # (W, C) float64
    f1: np.ndarray  # (W, C) float64
    accuracy: np.ndarray  # (W,) float64
    means: dict[str, np.ndarray]  # (W,) float64, of Totals.sums over nuclei


class Metric(NamedTuple):
    """One score: how it is computed, which direction is better, and whether a margin applies."""

    compute: Callable[[Weighted], np.ndarray]  # -> (W,) float64, NaN where it is undefined
    more_is_better: bool | None = True  # None: neither direction is better by itself
    has_margin: bool = True  # False: a loss, not on the scale from 0 to 1 that a margin is on


def metrics_of(classes: Sequence[str]) -> dict[str, Metric]:
    """Return every metric by its name, in the order of all columns of scores.

    Macro AUC is the one-vs-rest area under the ROC curve, every class weighing the same; balanced
    accuracy is the mean recall. ``bce`` is the 2022 notebook's loss: binary cross-entropy averaged
    over the outputs. ``overconfidence`` is the mean top probability minus the accuracy.
    """
    loss = {"more_is_better": False, "has_margin": False}
    return {
        "macro_auc": Metric(lambda sums: sums.auc.mean(axis=1)),
        "accuracy": Metric(lambda sums: sums.accuracy),
        "balanced_accuracy": Metric(lambda sums: sums.recall.mean(axis=1)),
        "macro_f1": Metric(lambda sums: sums.f1.mean(axis=1)),
        "log_loss": Metric(lambda sums: sums.means["log_loss"], **loss),
        "bce": Metric(lambda sums: sums.means["bce"], **loss),
        "overconfidence": Metric(
            lambda sums: sums.means["top_probability"] - sums.accuracy, more_is_better=None
        ),
        **{
            f"{score}_{name}": _of_class(score, code)
            for score in ("auc", "recall")
            for code, name in enumerate(classes)
        },
    }


def _of_class(score: str, code: int) -> Metric:
    return Metric(lambda sums: getattr(sums, score)[:, code])


METRICS = metrics_of(CLASSES)


def totals(
    label: np.ndarray, probability: np.ndarray, patient: np.ndarray, patients: int
) -> Totals:
    """Reduce one prediction set to what its scores need, per patient.

    Shapes: label int (N,), the column of its class in probability, float64 (N, C); patient int (N,)
    in [0, patients).
    """
    classes = probability.shape[1]
    truth = np.arange(classes) == label[:, None]
    pairs = [
        ranks.pair_counts(probability[:, code], truth[:, code], patient, patients)
        for code in range(classes)
    ]
    confusion = np.zeros((patients, classes, classes), np.int64)
    np.add.at(confusion, (patient, label, probability.argmax(axis=1)), 1)
    clipped = probability.clip(_EPSILON, 1 - _EPSILON)
    of_nuclei = {
        "log_loss": -np.log(clipped[truth]),
        "bce": -np.log(np.where(truth, clipped, 1 - clipped)).mean(axis=1),
        "top_probability": probability.max(axis=1),
    }
    sums = {name: np.bincount(patient, values, patients) for name, values in of_nuclei.items()}
    return Totals(np.array(pairs), confusion, sums)


def scores(totals: Totals, weights: np.ndarray, metrics: dict[str, Metric] = METRICS) -> np.ndarray:
    """Score one prediction set in which patient p occurs ``weights[:, p]`` times: float64 (W, M).

    `weights` are float64 (W, P) whole numbers. NaN where a class that the metric needs is absent.
    """
    patients, classes = totals.confusion.shape[:2]
    flat = weights @ totals.confusion.reshape(patients, -1)
    confusion = flat.reshape(len(weights), classes, classes)
    positives = totals.confusion.sum(axis=2).T
    negatives = positives.sum(axis=0) - positives
    counts = zip(totals.pairs, positives, negatives, strict=True)
    auc = np.stack([ranks.weighted_auc(*of_class, weights) for of_class in counts], axis=1)
    actual, predicted = confusion.sum(axis=2), confusion.sum(axis=1)
    right, nuclei = confusion.diagonal(axis1=1, axis2=2), actual.sum(axis=1)
    sums = weights @ np.stack(list(totals.sums.values()), axis=1)
    with np.errstate(invalid="ignore"):
        recall, accuracy = right / actual, right.sum(axis=1) / nuclei
        means = dict(zip(totals.sums, (sums / nuclei[:, None]).T, strict=True))
    f1 = np.where(actual > 0, 2 * right / np.maximum(actual + predicted, 1), np.nan)
    weighted = Weighted(auc, recall, f1, accuracy, means)
    return np.stack([metric.compute(weighted) for metric in metrics.values()], axis=1)


def score(label: np.ndarray, probability: np.ndarray) -> dict[str, float]:
    """Score one prediction set: every metric by its name.

    Shapes: label int (N,), positions in CLASSES, and probability float (N, C) in their order.

    Raises:
        InputError: a class has no nucleus, which leaves its AUC undefined.
    """
    for code, name in enumerate(CLASSES):
        if code not in label:
            raise InputError(f"the test nuclei hold no {name}; every class is needed for an AUC")
    totals_of_all = totals(label, probability, np.zeros_like(label), 1)
    values = scores(totals_of_all, np.ones((1, 1)))[0]
    return dict(zip(METRICS, values.tolist(), strict=True))
