"""What turns predictions into scores: sums per patient first, so that any patients can be weighted.

Every score is a function of sums over patients; an AUC is one of sums over pairs of patients.
"""

from typing import NamedTuple

import numpy as np

from nuclei.core import ranks
from nuclei.core.classes import CLASSES
from nuclei.core.errors import InputError

METRICS = (  # in the order of every column of scores
    *("macro_auc", "accuracy", "balanced_accuracy", "macro_f1", "log_loss", "bce"),
    "overconfidence",
    *(f"auc_{name}" for name in CLASSES),
    *(f"recall_{name}" for name in CLASSES),
)


_EPSILON = 1e-7  # a certain mistake costs a finite loss


class Totals(NamedTuple):
    """What scoring one prediction set needs to know of each of P patients."""

    pairs: np.ndarray  # (3, P, P) int64, ranks.pair_counts, each class against the rest
    confusion: np.ndarray  # (P, 3, 3) int64, nuclei by true and by predicted class
    sums: np.ndarray  # (P, 3) float64: log loss, binary cross-entropy, top probability


def totals(
    label: np.ndarray, probability: np.ndarray, patient: np.ndarray, patients: int
) -> Totals:
    """Reduce one prediction set to what its scores need, per patient.

    Args:
        label: (N,) int, the true class as a position in CLASSES.
        probability: (N, 3) float64.
        patient: (N,) int in [0, patients).
        patients: P.
    """
    truth = np.arange(len(CLASSES)) == label[:, None]
    pairs = [
        ranks.pair_counts(probability[:, k], truth[:, k], patient, patients)
        for k in range(len(CLASSES))
    ]
    confusion = np.zeros((patients, len(CLASSES), len(CLASSES)), np.int64)
    np.add.at(confusion, (patient, label, probability.argmax(axis=1)), 1)
    clipped = probability.clip(_EPSILON, 1 - _EPSILON)
    binary = -np.log(np.where(truth, clipped, 1 - clipped)).mean(axis=1)
    summed = -np.log(clipped[truth]), binary, probability.max(axis=1)
    sums = [np.bincount(patient, values, patients) for values in summed]
    return Totals(np.array(pairs), confusion, np.stack(sums, axis=1))


def scores(totals: Totals, weights: np.ndarray) -> np.ndarray:
    """Score one prediction set in which patient p occurs ``weights[:, p]`` times.

    Args:
        totals: of the prediction set.
        weights: (W, P) float64 of whole numbers.

    Returns:
        (W, M) float64 in the order of METRICS: what one gets from rows repeated so often. NaN where
        a class that the score needs is absent.
    """
    patients = len(totals.confusion)
    confusion = (weights @ totals.confusion.reshape(patients, -1)).reshape(len(weights), 3, 3)
    actual, taken = confusion.sum(axis=2), confusion.sum(axis=1)
    right = confusion.diagonal(axis1=1, axis2=2)
    nuclei = actual.sum(axis=1, keepdims=True)
    of_class = totals.confusion.sum(axis=2).T
    rest = of_class.sum(axis=0) - of_class
    counted = zip(totals.pairs, of_class, rest, strict=True)
    auc = np.stack([ranks.weighted_auc(*counts, weights) for counts in counted], axis=1)
    with np.errstate(invalid="ignore"):
        recall = right / actual
    f1 = np.where(actual > 0, 2 * right / np.maximum(actual + taken, 1), np.nan)
    accuracy = right.sum(axis=1) / nuclei[:, 0]
    log_loss, bce, top = (weights @ totals.sums / nuclei).T
    means = [auc.mean(axis=1), accuracy, recall.mean(axis=1), f1.mean(axis=1)]
    return np.column_stack([*means, log_loss, bce, top - accuracy, auc, recall])


def score(label: np.ndarray, probability: np.ndarray) -> dict[str, float]:
    """Score one prediction set.

    Args:
        label: (N,) int, the true class as a position in CLASSES; every class occurs.
        probability: (N, 3) float, columns in the order of CLASSES.

    Returns:
        Accuracy; balanced accuracy (mean recall); macro AUC (one-vs-rest area under the ROC curve,
        every class weighing the same); macro F1; log loss; ``bce``, the 2022 notebook's loss:
        binary cross-entropy averaged over the three outputs; ``overconfidence``: mean top
        probability minus accuracy; AUC and recall of each class.

    Raises:
        InputError: where a class has no nucleus, which leaves its AUC undefined.
    """
    for code, name in enumerate(CLASSES):
        if code not in label:
            raise InputError(f"the test nuclei hold no {name}; every class is needed for an AUC")
    of_all = totals(label, probability, np.zeros_like(label), 1)
    values = scores(of_all, np.ones((1, 1)))[0]
    return dict(zip(METRICS, values.tolist(), strict=True))
