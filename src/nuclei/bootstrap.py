"""Paired bootstrap of every score: whole patients are drawn, the same ones for every cell.

A resample is how often each patient and each repeat is drawn. Every score is a function of sums
over patients, so one matrix product per sum scores all resamples at once (AUC: see `ranks`).
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import pandas as pd

from nuclei import ranks
from nuclei.classes import CLASSES
from nuclei.errors import InputError

Cell = tuple[str, float]  # augmentation and volume

METRICS = (  # of metrics.score, in its order
    *("macro_auc", "accuracy", "balanced_accuracy", "macro_f1", "log_loss", "bce"),
    *(f"auc_{name}" for name in CLASSES),
    *(f"recall_{name}" for name in CLASSES),
)

_CLASSES = list(CLASSES)
_EPSILON = 1e-7  # as in metrics.score


class Bootstrap(NamedTuple):
    """Every score of every cell: C cells, M metrics, B resamples, P patients.

    A score is the mean over a cell's repeats. NaN: a class is absent, so the score is undefined.
    """

    cells: list[Cell]
    metrics: tuple[str, ...]
    estimates: np.ndarray  # (C, M) float64, on the data as they are
    samples: np.ndarray  # (C, M, B) float64, resample b is the same patients for every cell
    jackknife: np.ndarray  # (C, M, P) float64, without patient p
    repeats: np.ndarray  # (C, M, R) float64, of repeat r alone


class Contrast(NamedTuple):
    """A weighted sum of cells' scores, such as a difference, with its resamples."""

    estimate: float
    samples: np.ndarray  # (B,) float64
    jackknife: np.ndarray  # (P,) float64
    repeats: np.ndarray  # (R,) float64


class Totals(NamedTuple):
    """What scoring one prediction set needs to know of each of P patients."""

    pairs: np.ndarray  # (3, P, P) int64, ranks.pair_counts of each class against the rest
    confusion: np.ndarray  # (P, 3, 3) int64, nuclei by true and by predicted class
    losses: np.ndarray  # (P, 2) float64, summed log loss and binary cross-entropy


def resample(predictions: pd.DataFrame, resamples: int = 2000, seed: int = 1) -> Bootstrap:
    """Score every cell on the same resamples of patients and repeats.

    Patients are drawn with replacement (cluster bootstrap: Field and Welsh 2007). Crossed with
    them, repeats are drawn too, the same ones for every cell because repeat r of every cell starts
    from one seed (crossed bootstrap: Owen 2007). Of P patients P - 1 are drawn, of R repeats R - 1:
    all P would understate the variance of a mean over few of them by (P - 1)/P (Rao and Wu 1988).

    Args:
        predictions: as `metrics.check` passes them, with ``aug`` and ``volume``; any row order.
        resamples: B, how many.
        seed: of the draws.

    Raises:
        InputError: where there are fewer than two patients, a class has no nucleus, cells differ in
            their nuclei, or in how many repeats they have.
    """
    patients = sorted(predictions["patient"].unique())
    if len(patients) < 2:
        raise InputError(
            f"the predictions hold {len(patients)} patient; an interval needs at least 2 to draw"
        )
    cells, sets = [], []
    codes = pd.Categorical(predictions["patient"], patients).codes
    labels = pd.Categorical(predictions["label"], _CLASSES).codes
    probability = predictions[_CLASSES].to_numpy(np.float64)
    repeats_of = predictions["repeat"].to_numpy()
    for cell, rows in rows_of_cells(predictions):
        repeat = repeats_of[rows]
        parts = [rows[repeat == number] for number in np.unique(repeat)]
        cells.append(cell)
        sets.append([totals(labels[p], probability[p], codes[p], len(patients)) for p in parts])
    _check(cells, sets)

    random = np.random.default_rng(seed)
    count, repeats = len(patients), len(sets[0])
    drawn = random.multinomial(count - 1, np.full(count, 1 / count), resamples)
    picked = random.multinomial(max(repeats - 1, 1), np.full(repeats, 1 / repeats), resamples)
    shares = np.vstack([np.ones((1 + count, repeats)), picked])
    shares /= shares.sum(axis=1, keepdims=True)
    weights = np.vstack([np.ones(count), 1 - np.eye(count), drawn])
    values, by_repeat = [], []
    for parts in sets:
        scored = np.array([scores(part, weights) for part in parts])  # (R, 1 + P + B, M)
        values.append(np.einsum("wr,rwm->mw", shares, scored))
        by_repeat.append(scored[:, 0].T)
    values = np.array(values)
    return Bootstrap(
        cells,
        METRICS,
        estimates=values[..., 0],
        samples=values[..., 1 + count :],
        jackknife=values[..., 1 : 1 + count],
        repeats=np.array(by_repeat),
    )


def rows_of_cells(predictions: pd.DataFrame) -> Iterator[tuple[Cell, np.ndarray]]:
    """Yield each cell and the positions of its rows, int64 (n,), in order of appearance."""
    cells = predictions[["aug", "volume"]].reset_index(drop=True)
    for cell, rows in cells.groupby(["aug", "volume"], sort=False):
        yield cell, rows.index.to_numpy()


def contrast(bootstrap: Bootstrap, metric: str, weights: dict[Cell, float]) -> Contrast:
    """The weighted sum of cells' scores.

    ``{a: 1}`` is the level of cell a, ``{a: 1, b: -1}`` the difference a - b, and
    ``{a: 1, b: -1, c: -1, d: 1}`` how much larger a - b is than c - d.

    Raises:
        ValueError: where `bootstrap` has no such cell or metric.
    """
    column = bootstrap.metrics.index(metric)
    rows = [bootstrap.cells.index(cell) for cell in weights]
    factor = np.array(list(weights.values()), np.float64)
    return Contrast(
        float(factor @ bootstrap.estimates[rows, column]),
        factor @ bootstrap.samples[rows, column],
        factor @ bootstrap.jackknife[rows, column],
        factor @ bootstrap.repeats[rows, column],
    )


def totals(
    label: np.ndarray, probability: np.ndarray, patient: np.ndarray, patients: int
) -> Totals:
    """Reduce one prediction set to what its scores need, per patient.

    Args:
        label: (N,) int, the true class as a place in CLASSES.
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
    losses = [np.bincount(patient, loss, patients) for loss in (-np.log(clipped[truth]), binary)]
    return Totals(np.array(pairs), confusion, np.stack(losses, axis=1))


def scores(totals: Totals, weights: np.ndarray) -> np.ndarray:
    """Score one prediction set in which patient p occurs ``weights[:, p]`` times.

    Args:
        totals: of the prediction set.
        weights: (W, P) float64 of whole numbers.

    Returns:
        (W, M) float64 in the order of METRICS: what `metrics.score` gives for rows repeated so
        often. NaN where a class that the score needs is absent.
    """
    patients = len(totals.confusion)
    confusion = (weights @ totals.confusion.reshape(patients, -1)).reshape(len(weights), 3, 3)
    actual, taken = confusion.sum(axis=2), confusion.sum(axis=1)
    right = confusion.diagonal(axis1=1, axis2=2)
    nuclei = actual.sum(axis=1, keepdims=True)
    of_class = totals.confusion.sum(axis=2).T
    rest = of_class.sum(axis=0) - of_class
    counted = zip(totals.pairs, of_class, rest, strict=True)
    auc = np.stack([ranks.auc(*counts, weights) for counts in counted], axis=1)
    with np.errstate(invalid="ignore"):
        recall = right / actual
    f1 = np.where(actual > 0, 2 * right / np.maximum(actual + taken, 1), np.nan)
    means = [auc.mean(axis=1), right.sum(axis=1) / nuclei[:, 0], recall.mean(axis=1)]
    losses = weights @ totals.losses / nuclei
    return np.column_stack([*means, f1.mean(axis=1), losses, auc, recall])


def _check(cells: list[Cell], sets: list[list[Totals]]) -> None:
    known = sets[0][0].confusion.sum(axis=2)
    for name, nuclei in zip(CLASSES, known.sum(axis=0), strict=True):
        if not nuclei:
            raise InputError(f"the predictions hold no {name}; every class is needed for an AUC")
    for (aug, volume), parts in zip(cells, sets, strict=True):
        if len(parts) != len(sets[0]):
            raise InputError(
                f"{aug} at volume {volume:g} has {len(parts)} repeats, {cells[0][0]} at volume "
                f"{cells[0][1]:g} has {len(sets[0])}; a paired comparison needs as many"
            )
        if any((part.confusion.sum(axis=2) != known).any() for part in parts):
            raise InputError(
                f"{aug} at volume {volume:g} predicts other nuclei than {cells[0][0]} at volume "
                f"{cells[0][1]:g}; a paired comparison needs the same"
            )
