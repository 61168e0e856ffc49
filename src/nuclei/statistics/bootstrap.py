"""Paired bootstrap of every score: whole patients are drawn, the same for every configuration.

A resample is how often each patient and each repeat is drawn, fold by fold. Every score is a
function of sums over patients, so one matrix product per sum scores all resamples at once (AUC: see
`ranks`). A configuration's score is the mean over its folds, weighted by
`predictions.share_of_patients`.
"""

from typing import NamedTuple

import numpy as np
import pandas as pd

from nuclei.core.classes import CLASSES
from nuclei.core.errors import InputError
from nuclei.statistics.predictions import (
    Configuration,
    Predictions,
    Tested,
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


class _Part(NamedTuple):
    """One fold's part in every resample."""

    share: float  # of the score
    rows: np.ndarray  # (n,) int, its nuclei
    patient: np.ndarray  # (n,) int in [0, patients)
    patients: int
    patient_counts: np.ndarray  # (B, patients) int, how often each patient is drawn
    repeat_counts: np.ndarray  # (B, R) int, how often each repeat is drawn


def resample(predictions: Predictions, resamples: int = 2000, seed: int = 1) -> Bootstrap:
    """Score every configuration on the same resamples of patients and repeats.

    Patients are drawn with replacement within each fold (cluster bootstrap: Field and Welsh 2007).
    A fold's repeats are drawn too, the same for every configuration because their repeats r all
    start from one seed; `_joined` adds what both change. Of P patients P - 1 are drawn, of R
    repeats R - 1: all P would understate the variance of a mean over few of them by (P - 1)/P (Rao
    and Wu 1988). Then the resamples are widened by `variance_factor`.

    Raises:
        InputError: a fold tests fewer than two patients or lacks a class, or configurations differ
            in how many repeats they have.
    """
    repeats = _repeats(predictions.configurations)
    parts = _parts(predictions.tested, repeats, np.random.default_rng(seed), resamples)
    estimates, samples, influence, by_fold = [], [], [], []
    for probabilities in predictions.configurations.values():
        of_folds = [_part_of_scores(part, predictions.tested, probabilities) for part in parts]
        by_repeat, sampled, influences = zip(*of_folds, strict=True)
        by_fold.append(np.stack(by_repeat, axis=1))
        estimates.append(by_fold[-1].mean(axis=2).sum(axis=1))
        samples.append(sum(sampled))
        influence.append(np.concatenate(influences, axis=1))
    widened = _widened(np.array(samples), np.array(estimates)[..., None], len(parts))
    return Bootstrap(
        list(predictions.configurations),
        tuple(METRICS),
        np.array(estimates),
        widened,
        np.array(influence),
        np.array(by_fold),
    )


def variance_factor(folds: int) -> float:
    """Return the factor by which the variance of the resamples is widened.

    Another draw of training patients adds to a score's variance, which resampled test patients
    cannot show, and no unbiased estimate exists (Bengio and Grandvalet 2004). Over all folds a
    patient is both tested and trained on, and the two partly cancel, as if one that is hard to
    predict taught what helps others. Of a difference, simulated studies need 0.5 to 0.9 times the
    variance there is, so it stays (benchmarks/coverage.py; Bayle et al. 2020 for stable learners).
    One fold alone has one training set, of other patients, and nothing cancels: 1 + tested /
    trained (Nadeau and Bengio 2003), a third where a quarter of the patients is tested.
    """
    return 1.0 if folds > 1 else 4 / 3


def _widened(samples: np.ndarray, estimates: np.ndarray, folds: int) -> np.ndarray:
    """Move the resamples away from the estimates, for training sets that were not drawn again."""
    return estimates + np.sqrt(variance_factor(folds)) * (samples - estimates)


def _repeats(configurations: dict[Configuration, np.ndarray]) -> int:
    (first, of_first), *_ = configurations.items()
    for (aug, volume), probabilities in configurations.items():
        if len(probabilities) != len(of_first):
            raise InputError(
                f"{aug} at volume {volume:g} has {len(probabilities)} repeats, {first[0]} at "
                f"volume {first[1]:g} has {len(of_first)}; a paired comparison needs as many"
            )
    return len(of_first)


def _parts(
    tested: Tested, repeats: int, random: np.random.Generator, resamples: int
) -> list[_Part]:
    parts = []
    for fold, share in share_of_patients(tested).items():
        rows = np.flatnonzero(tested.fold == fold)
        names, patient = np.unique(tested.patient[rows], return_inverse=True)
        count = len(names)
        if count < 2:
            raise InputError(
                f"fold {fold} tests {count} patient; an interval needs at least 2 to draw"
            )
        for code, name in enumerate(CLASSES):
            if code not in tested.label[rows]:
                raise InputError(f"fold {fold} tests no {name}; an AUC needs every class")
        patients = random.multinomial(count - 1, np.full(count, 1 / count), resamples)
        of_repeats = random.multinomial(
            max(repeats - 1, 1), np.full(repeats, 1 / repeats), resamples
        )
        parts.append(_Part(share, rows, patient, count, patients, of_repeats))
    return parts


def _part_of_scores(
    part: _Part, tested: Tested, probabilities: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return a fold's part of the scores: by repeat (M, R), resample (M, B), patient (M, P)."""
    of_repeats = totals_of_repeats(tested, probabilities, part.rows, part.patient, part.patients)
    everyone, without_one = np.ones((1, part.patients)), 1 - np.eye(part.patients)
    by_repeat = _scored(of_repeats, everyone)[:, 0].T
    samples = _joined(_scored(of_repeats, part.patient_counts), by_repeat, part.repeat_counts)
    left_out = _scored(of_repeats, without_one).mean(axis=0).T
    deviations = np.nanmean(left_out, axis=1, keepdims=True) - left_out
    influence = np.sqrt((part.patients - 1) / part.patients) * deviations
    return part.share * by_repeat, part.share * samples, part.share * influence


def _scored(of_repeats: list[Totals], patients: np.ndarray) -> np.ndarray:
    """Score each repeat under each weighting of the patients: (W, P) -> (R, W, M)."""
    return np.array([scores(totals, patients) for totals in of_repeats])


def _joined(scored: np.ndarray, by_repeat: np.ndarray, repeat_counts: np.ndarray) -> np.ndarray:
    """Join draws of patients and of repeats to samples (M, B).

    What patients add comes from the mean over repeats, and what repeats add from all patients. To
    score the drawn patients by the drawn repeats alone would count what a repeat does on a patient
    three times (Owen 2007), and half of it is gone from a mean over two.

    Args:
        scored: (R, B, M), by all repeats on the drawn patients.
        by_repeat: (M, R), on all patients.
        repeat_counts: (B, R), how often each repeat is drawn.
    """
    shares = repeat_counts / repeat_counts.sum(axis=1, keepdims=True)
    of_repeats = by_repeat - by_repeat.mean(axis=1, keepdims=True)
    return scored.mean(axis=0).T + of_repeats @ shares.T


def scores_of_repeats(bootstrap: Bootstrap) -> pd.DataFrame:
    """Return the scores of every repeat: a row per ``aug, volume, repeat``, a column per metric."""
    rows = zip(bootstrap.configurations, bootstrap.repeats, strict=True)
    return pd.DataFrame(
        {"aug": aug, "volume": volume, "repeat": repeat}
        | dict(zip(bootstrap.metrics, values.tolist(), strict=True))
        for (aug, volume), of_configuration in rows
        for repeat, values in enumerate(of_configuration.sum(axis=1).T)
    )


def contrast(bootstrap: Bootstrap, metric: str, weights: dict[Configuration, float]) -> Contrast:
    """Return the weighted sum of configurations' scores.

    ``{a: 1}`` is the score of a, ``{a: 1, b: -1}`` the difference a - b, and ``{a: 1, b: -1, c: -1,
    d: 1}`` how much larger a - b is than c - d.

    Raises:
        MissingConfigurationError: `bootstrap` has no such configuration.
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
