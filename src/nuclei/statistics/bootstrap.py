"""Paired bootstrap of every score: whole patients are drawn, the same ones for every cell.

A resample is how often each patient and each repeat is drawn. Every score is a function of sums
over patients, so one matrix product per sum scores all resamples at once (AUC: see `ranks`).
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pandas as pd

from nuclei.classes import CLASSES
from nuclei.errors import InputError
from nuclei.statistics.predictions import CELL, Cell, totals_of_cells
from nuclei.statistics.scores import METRICS, Totals, scores


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


class MissingCellError(LookupError):
    """The study at hand has no such cell."""


class Contrast(NamedTuple):
    """A weighted sum of cells' scores, such as a difference, with its resamples."""

    estimate: float
    samples: np.ndarray  # (B,) float64
    jackknife: np.ndarray  # (P,) float64
    repeats: np.ndarray  # (R,) float64


def resample(predictions: pd.DataFrame, resamples: int = 2000, seed: int = 1) -> Bootstrap:
    """Score every cell on the same resamples of patients and repeats.

    Patients are drawn with replacement (cluster bootstrap: Field and Welsh 2007). Crossed with
    them, repeats are drawn too, the same ones for every cell because repeat r of every cell starts
    from one seed (crossed bootstrap: Owen 2007). Of P patients P - 1 are drawn, of R repeats R - 1:
    all P would understate the variance of a mean over few of them by (P - 1)/P (Rao and Wu 1988).

    Args:
        predictions: as `predictions.check` passes them, with ``aug`` and ``volume``.
        resamples: B, how many.
        seed: of the draws.

    Raises:
        InputError: where there are fewer than two patients, a class has no nucleus, cells differ in
            their nuclei, or in how many repeats they have.
    """
    patients = sorted(predictions["patient"].unique())
    count = len(patients)
    if count < 2:
        raise InputError(
            f"the predictions hold {count} patient; an interval needs at least 2 to draw"
        )
    patient = pd.Categorical(predictions["patient"], patients).codes
    cells = totals_of_cells(predictions, patient, count)
    _check(cells)
    repeats = len(next(iter(cells.values())))

    random = np.random.default_rng(seed)
    drawn = random.multinomial(count - 1, np.full(count, 1 / count), resamples)
    picked = random.multinomial(max(repeats - 1, 1), np.full(repeats, 1 / repeats), resamples)
    all_patients, without_one = np.ones((1, count)), 1 - np.eye(count)
    all_repeats = np.ones((1, repeats))
    estimates, samples, jackknife, by_repeat = [], [], [], []
    for of_repeats in cells.values():
        whole = _scored(of_repeats, all_patients)
        by_repeat.append(whole[:, 0].T)
        estimates.append(_mean(whole, all_repeats)[:, 0])
        jackknife.append(_mean(_scored(of_repeats, without_one), all_repeats))
        samples.append(_mean(_scored(of_repeats, drawn), picked))
    return Bootstrap(
        list(cells),
        METRICS,
        np.array(estimates),
        np.array(samples),
        np.array(jackknife),
        np.array(by_repeat),
    )


def _scored(of_repeats: list[Totals], patients: np.ndarray) -> np.ndarray:
    """Score each repeat under each weighting of the patients: (W, P) -> (R, W, M)."""
    return np.array([scores(totals, patients) for totals in of_repeats])


def _mean(scored: np.ndarray, repeats: np.ndarray) -> np.ndarray:
    """Average scores over repeats that occur so often: (R, W, M) by (W or 1, R) -> (M, W)."""
    shares = repeats / repeats.sum(axis=1, keepdims=True)
    shares = np.broadcast_to(shares, (scored.shape[1], scored.shape[0]))
    return np.einsum("wr,rwm->mw", shares, scored)


def scores_of_repeats(bootstrap: Bootstrap) -> pd.DataFrame:
    """Every repeat of every cell: a row per ``aug, volume, repeat``, a column per score."""
    return pd.DataFrame(
        {"aug": aug, "volume": volume, "repeat": repeat}
        | dict(zip(bootstrap.metrics, values.tolist(), strict=True))
        for (aug, volume), of_cell in zip(bootstrap.cells, bootstrap.repeats, strict=True)
        for repeat, values in enumerate(of_cell.T)
    )


def scores_of_cells(bootstrap: Bootstrap) -> pd.DataFrame:
    """Every cell's scores, means over its repeats, and their deviations (``_sd``; NaN for one)."""
    cells = pd.DataFrame(bootstrap.cells, columns=CELL)
    deviations = pd.DataFrame(np.nan, cells.index, bootstrap.metrics)
    if bootstrap.repeats.shape[2] > 1:
        deviations[:] = bootstrap.repeats.std(axis=2, ddof=1)
    means = pd.DataFrame(bootstrap.estimates, columns=bootstrap.metrics)
    return cells.join(means).join(deviations.add_suffix("_sd"))


def contrast(bootstrap: Bootstrap, metric: str, weights: dict[Cell, float]) -> Contrast:
    """The weighted sum of cells' scores.

    ``{a: 1}`` is the score of cell a, ``{a: 1, b: -1}`` the difference a - b, and
    ``{a: 1, b: -1, c: -1, d: 1}`` how much larger a - b is than c - d.

    Raises:
        MissingCellError: where `bootstrap` has no such cell.
    """
    column = bootstrap.metrics.index(metric)
    if missing := [cell for cell in weights if cell not in bootstrap.cells]:
        raise MissingCellError(missing[0])
    rows = [bootstrap.cells.index(cell) for cell in weights]
    factor = np.array(list(weights.values()), np.float64)
    return Contrast(
        float(factor @ bootstrap.estimates[rows, column]),
        factor @ bootstrap.samples[rows, column],
        factor @ bootstrap.jackknife[rows, column],
        factor @ bootstrap.repeats[rows, column],
    )


def combine(contrasts: list[Contrast], function: Callable[[np.ndarray], np.ndarray]) -> Contrast:
    """One quantity from several contrasts, such as the smallest, on every resample alike.

    Args:
        contrasts: K of them.
        function: takes (K, ...) float64 and returns (...) float64.
    """
    return Contrast(
        float(function(np.array([contrast.estimate for contrast in contrasts]))),
        function(np.array([contrast.samples for contrast in contrasts])),
        function(np.array([contrast.jackknife for contrast in contrasts])),
        function(np.array([contrast.repeats for contrast in contrasts])),
    )


def _check(cells: dict[Cell, list[Totals]]) -> None:
    (first, of_first), *_ = cells.items()
    known = of_first[0].confusion.sum(axis=2)
    for name, nuclei in zip(CLASSES, known.sum(axis=0), strict=True):
        if not nuclei:
            raise InputError(f"the predictions hold no {name}; every class is needed for an AUC")
    for (aug, volume), of_repeats in cells.items():
        if len(of_repeats) != len(of_first):
            raise InputError(
                f"{aug} at volume {volume:g} has {len(of_repeats)} repeats, {first[0]} at volume "
                f"{first[1]:g} has {len(of_first)}; a paired comparison needs as many"
            )
        if any((totals.confusion.sum(axis=2) != known).any() for totals in of_repeats):
            raise InputError(
                f"{aug} at volume {volume:g} predicts other nuclei than {first[0]} at volume "
                f"{first[1]:g}; a paired comparison needs the same"
            )
