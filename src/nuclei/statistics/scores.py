"""What turns predictions into scores: sums per patient first, so that any patients can be weighted.

Every score is a function of sums over patients; an AUC is one of sums over pairs of patients.
A metric is one entry of `metrics_of`: everything else looks it up by its name.
"""

from collections.abc import Callable, Sequence
from functools import partial
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
    actual: np.ndarray  # (W, C) float64, nuclei of each class
    predicted: np.ndarray  # (W, C) float64, nuclei that are taken for each class
    right: np.ndarray  # (W, C) float64, nuclei of each class that are taken for it
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
        "macro_auc": Metric(lambda weighted: weighted.auc.mean(axis=1)),
        "accuracy": Metric(_accuracy),
        "balanced_accuracy": Metric(_balanced_accuracy),
        "macro_f1": Metric(_macro_f1),
        "log_loss": Metric(lambda weighted: weighted.means["log_loss"], **loss),
        "bce": Metric(lambda weighted: weighted.means["bce"], **loss),
        "overconfidence": Metric(_overconfidence, more_is_better=None),
        **{f"auc_{name}": Metric(partial(_auc, code)) for code, name in enumerate(classes)},
        **{f"recall_{name}": Metric(partial(_recall, code)) for code, name in enumerate(classes)},
    }


def _accuracy(weighted: Weighted) -> np.ndarray:
    return weighted.right.sum(axis=1) / weighted.actual.sum(axis=1)


def _overconfidence(weighted: Weighted) -> np.ndarray:
    return weighted.means["top_probability"] - _accuracy(weighted)


def _macro_f1(weighted: Weighted) -> np.ndarray:
    either = np.maximum(weighted.actual + weighted.predicted, 1)
    return np.where(weighted.actual > 0, 2 * weighted.right / either, np.nan).mean(axis=1)


def _balanced_accuracy(weighted: Weighted) -> np.ndarray:
    classes = weighted.actual.shape[1]
    return np.mean([_recall(code, weighted) for code in range(classes)], axis=0)


def _recall(code: int, weighted: Weighted) -> np.ndarray:
    with np.errstate(invalid="ignore"):
        return weighted.right[:, code] / weighted.actual[:, code]


def _auc(code: int, weighted: Weighted) -> np.ndarray:
    return weighted.auc[:, code]


METRICS = metrics_of(CLASSES)


def totals(
    label: np.ndarray, probability: np.ndarray, patient: np.ndarray, patients: int
) -> Totals:
    """Reduce one prediction set to what its scores need, per patient.

    Args:
        label: (N,) int, the true class, a column of `probability`.
        probability: (N, C) float64.
        patient: (N,) int in [0, patients).
        patients: P.
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
    """Score one prediction set in which patient p occurs ``weights[:, p]`` times.

    Args:
        totals: of the prediction set.
        weights: (W, P) float64 of whole numbers.
        metrics: of `metrics_of`, for the classes of the prediction set.

    Returns:
        (W, M) float64, a column per metric: the scores of rows that are repeated so often. NaN
        where a class that the metric needs is absent.
    """
    patients, classes = totals.confusion.shape[:2]
    flat = weights @ totals.confusion.reshape(patients, -1)
    confusion = flat.reshape(len(weights), classes, classes)
    positives = totals.confusion.sum(axis=2).T
    negatives = positives.sum(axis=0) - positives
    counts = zip(totals.pairs, positives, negatives, strict=True)
    actual = confusion.sum(axis=2)
    sums = weights @ np.stack(list(totals.sums.values()), axis=1)
    with np.errstate(invalid="ignore"):
        means = (sums / actual.sum(axis=1, keepdims=True)).T
    weighted = Weighted(
        np.stack([ranks.weighted_auc(*of_class, weights) for of_class in counts], axis=1),
        actual,
        confusion.sum(axis=1),
        confusion.diagonal(axis1=1, axis2=2),
        dict(zip(totals.sums, means, strict=True)),
    )
    return np.stack([metric.compute(weighted) for metric in metrics.values()], axis=1)


def score(label: np.ndarray, probability: np.ndarray) -> dict[str, float]:
    """Score one prediction set: every metric by its name.

    Args:
        label: (N,) int, the true class as a position in CLASSES; every class occurs.
        probability: (N, C) float, columns in the order of CLASSES.

    Raises:
        InputError: a class has no nucleus, which leaves its AUC undefined.
    """
    for code, name in enumerate(CLASSES):
        if code not in label:
            raise InputError(f"the test nuclei hold no {name}; every class is needed for an AUC")
    totals_of_all = totals(label, probability, np.zeros_like(label), 1)
    values = scores(totals_of_all, np.ones((1, 1)))[0]
    return dict(zip(METRICS, values.tolist(), strict=True))
