"""The area under the ROC curve, also for many weightings of the patients without sorting for each.

An AUC is a share of pairs: a positive and a negative nucleus, in the right order or tied (Mann and
Whitney 1947; Bamber 1975). Weights belong to patients, so pairs can be counted once per pair of
patients; a weighting w then has the AUC w'Cw over (w · positives)(w · negatives), exactly.
"""

import numpy as np
from scipy.sparse import csr_array


def pair_counts(
    score: np.ndarray, positive: np.ndarray, patient: np.ndarray, patients: int
) -> np.ndarray:
    """Count the pairs in the right order for every pair of P patients: int64 (P, P).

    Entry a, b is twice the number of pairs of a positive of patient a above a negative of patient
    b, plus the number of ties: twice, so that halves stay integers. Memory and time grow with N x
    P: 9,000 nuclei of 1,000 patients take about 150 MB.

    Args:
        score: (N,) float, higher for positives.
        positive: (N,) bool.
        patient: (N,) int in [0, patients).
        patients: P, how many there are.
    """
    order = np.argsort(score)
    score, positive, patient = score[order], positive[order], patient[order]
    below = np.zeros((len(score) + 1, patients), np.int64)  # row i: negatives among the first i
    below[1:][np.arange(len(score)), patient] = ~positive
    below.cumsum(axis=0, out=below)
    above = score[positive]
    counts = below[score.searchsorted(above, "left")] + below[score.searchsorted(above, "right")]
    ones = np.ones(len(above), np.int64)
    owner = csr_array((ones, (patient[positive], np.arange(len(above)))), (patients, len(above)))
    return owner @ counts


def auc(score: np.ndarray, positive: np.ndarray) -> float:
    """Return the area under the ROC curve of scores (N,), higher for positives, bool (N,)."""
    positives = positive.sum(keepdims=True)
    pairs = pair_counts(score, positive, np.zeros(len(score), np.int64), 1)
    return float(weighted_auc(pairs, positives, len(score) - positives, np.ones((1, 1)))[0])


def weighted_auc(
    pairs: np.ndarray, positives: np.ndarray, negatives: np.ndarray, weights: np.ndarray
) -> np.ndarray:
    """Return the AUC in which patient p occurs ``weights[:, p]`` times, float64 (W,).

    Pairs, int64 (P, P), are of `pair_counts`; positives and negatives, int (P,), count a patient's
    nuclei; weights, float64 (W, P), are whole numbers, a row per weighting. The AUC is NaN if a
    weighting leaves no positive or no negative.
    """
    ordered = ((weights @ pairs) * weights).sum(axis=1) / 2
    with np.errstate(invalid="ignore"):
        return ordered / ((weights @ positives) * (weights @ negatives))
