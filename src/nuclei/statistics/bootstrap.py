"""Paired bootstrap of every score: whole patients are drawn, the same for every configuration.

Every score is a function of sums over patients, so one matrix product per sum scores all resamples
at once (AUC: see `ranks`). A configuration's score is the mean over its folds, weighted by
`predictions.share_of_patients`.
"""

from typing import NamedTuple

import numpy as np

from nuclei.core.classes import CLASSES
from nuclei.core.errors import InputError
from nuclei.statistics.predictions import (
    Configuration,
    Predictions,
    share_of_patients,
    totals_of_repeats,
)
from nuclei.statistics.scores import METRICS, Totals, scores


class Bootstrap(NamedTuple):
    """Every score of C configurations: M metrics, B resamples, P patients, F folds, R repeats.

    A score is the mean over a configuration's repeats. It is NaN, undefined, if a class is absent.
    """

    configurations: list[Configuration]
    metrics: tuple[str, ...]
    estimates: np.ndarray  # (C, M) float64, on the data as they are
    samples: np.ndarray  # (C, M, B) float64, resample b is the same patients for all
    influence: np.ndarray  # (C, M, P) float64, of each patient; the squares' sum is the variance
    repeats: np.ndarray  # (C, M, F, R) float64, what a fold's repeat r adds to the mean over folds


class MissingConfigurationError(LookupError):
    """The study at hand has no such configuration."""


class Contrast(NamedTuple):
    """A weighted sum of configurations' scores, such as a difference, with its resamples."""

    estimate: float
    samples: np.ndarray  # (B,) float64
    influence: np.ndarray  # (P,) float64
    repeats: np.ndarray  # (F, R) float64


def resample(predictions: Predictions, resamples: int = 2000, seed: int = 1) -> Bootstrap:
    """Score every configuration on the same resamples of patients and repeats.

    Patients are drawn with replacement within each fold (cluster bootstrap: Field and Welsh 2007),
    and so are a fold's repeats. One fewer is drawn than there are: all would understate the
    variance of a mean over few (Rao and Wu 1988). The resamples are widened by `variance_factor`.

    Raises:
        InputError: a fold tests fewer than two patients or lacks a class, or configurations differ
            in how many repeats they have.
    """
    tested, configurations = predictions
    repeats, random = _repeats(configurations), np.random.default_rng(seed)
    samples, by_fold, influence = [], [], []
    for fold, share in share_of_patients(tested).items():
        rows = np.flatnonzero(tested.fold == fold)
        names, patient = np.unique(tested.patient[rows], return_inverse=True)
        _check(fold, len(names), tested.label[rows])
        counts = [_counts(random, drawn_from, resamples) for drawn_from in (len(names), repeats)]
        parts = [
            _part(totals_of_repeats(tested, probabilities, rows, patient, len(names)), *counts)
            for probabilities in configurations.values()
        ]
        by_repeat, sampled, influences = (
            share * np.array(part) for part in zip(*parts, strict=True)
        )
        samples.append(sampled)
        by_fold.append(by_repeat)
        influence.append(influences)
    of_repeats = np.stack(by_fold, axis=2)
    estimates = of_repeats.mean(axis=3).sum(axis=2)
    center = estimates[..., None]
    spread = np.sqrt(variance_factor(len(by_fold)))
    return Bootstrap(
        list(configurations),
        tuple(METRICS),
        estimates,
        center + spread * (np.sum(samples, axis=0) - center),
        np.concatenate(influence, axis=2),
        of_repeats,
    )


def variance_factor(folds: int) -> float:
    """Return the factor by which the variance of the resamples is widened.

    Another draw of training patients adds to a score's variance, which resampled test patients
    cannot show. Over several folds a patient is both tested and trained on, and the two partly
    cancel (benchmarks/coverage.py). One fold has one training set, of other patients: 1 + tested /
    trained (Nadeau and Bengio 2003), a third where a quarter of the patients is tested.
    """
    return 1.0 if folds > 1 else 4 / 3


def _repeats(configurations: dict[Configuration, np.ndarray]) -> int:
    (first, of_first), *_ = configurations.items()
    for (aug, volume), probabilities in configurations.items():
        if len(probabilities) != len(of_first):
            raise InputError(
                f"{aug} at volume {volume:g} has {len(probabilities)} repeats, {first[0]} at "
                f"volume {first[1]:g} has {len(of_first)}; a paired comparison needs as many"
            )
    return len(of_first)


def _check(fold: int, patients: int, label: np.ndarray) -> None:
    if patients < 2:
        raise InputError(
            f"fold {fold} tests {patients} patient; an interval needs at least 2 to draw"
        )
    for code, name in enumerate(CLASSES):
        if code not in label:
            raise InputError(f"fold {fold} tests no {name}; an AUC needs every class")


def _counts(random: np.random.Generator, count: int, resamples: int) -> np.ndarray:
    """Draw one fewer than there are, with replacement: how often each is drawn, int (B, count)."""
    return random.multinomial(max(count - 1, 1), np.full(count, 1 / count), resamples)


def _part(
    of_repeats: list[Totals], patient_counts: np.ndarray, repeat_counts: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Score one fold of a configuration: by repeat (M, R), resample (M, B) and patient (M, P)."""
    patients = patient_counts.shape[1]
    by_repeat = _scored(of_repeats, np.ones((1, patients)))[:, 0].T
    samples = _joined(_scored(of_repeats, patient_counts), by_repeat, repeat_counts)
    left_out = _scored(of_repeats, 1 - np.eye(patients)).mean(axis=0).T
    deviations = np.nanmean(left_out, axis=1, keepdims=True) - left_out
    return by_repeat, samples, np.sqrt((patients - 1) / patients) * deviations


def _scored(of_repeats: list[Totals], patients: np.ndarray) -> np.ndarray:
    """Score each repeat under each weighting of the patients: (W, P) -> (R, W, M)."""
    return np.array([scores(totals, patients) for totals in of_repeats])


def _joined(scored: np.ndarray, by_repeat: np.ndarray, repeat_counts: np.ndarray) -> np.ndarray:
    """Join draws of patients and of repeats to samples: (R, B, M), (M, R), (B, R) -> (M, B).

    What patients add comes from the mean over repeats, and what repeats add from all patients. To
    score the drawn patients by the drawn repeats alone would count what a repeat does on a patient
    three times (Owen 2007), and half of it is gone from a mean over two.
    """
    shares = repeat_counts / repeat_counts.sum(axis=1, keepdims=True)
    of_repeats = by_repeat - by_repeat.mean(axis=1, keepdims=True)
    return scored.mean(axis=0).T + of_repeats @ shares.T


def contrast(bootstrap: Bootstrap, metric: str, weights: dict[Configuration, float]) -> Contrast:
    """Return the weighted sum of configurations' scores; raise MissingConfigurationError.

    ``{a: 1}`` is the score of a, ``{a: 1, b: -1}`` the difference a - b, and ``{a: 1, b: -1, c: -1,
    d: 1}`` how much larger a - b is than c - d.
    """
    column = bootstrap.metrics.index(metric)
    if missing := [key for key in weights if key not in bootstrap.configurations]:
        raise MissingConfigurationError(missing[0])
    rows = [bootstrap.configurations.index(key) for key in weights]
    factor = np.array(list(weights.values()), np.float64)
    return Contrast(
        float(factor @ bootstrap.estimates[rows, column]),
        factor @ bootstrap.samples[rows, column],
        factor @ bootstrap.influence[rows, column],
        np.tensordot(factor, bootstrap.repeats[rows, column], 1),
    )
