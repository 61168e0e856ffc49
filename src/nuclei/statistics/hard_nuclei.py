"""Which nuclei to look at: those that networks get wrong, and those that arms disagree on."""

from collections import Counter

import numpy as np
import pandas as pd

from nuclei.core.classes import CLASSES
from nuclei.statistics.comparisons import shared_volumes
from nuclei.statistics.predictions import Predictions

WRONG, BEST_ALONE, DISAGREED = SHEETS = ("wrong", "best-alone", "disagreed")

_OF_ONE_PATIENT = 2  # nuclei in a row of a sheet: no patient is to fill it
_COLUMNS = ["sheet", "label", "rank", "nucleus", "patient", "site", "wrong", "said"]
_OF_ARMS = ["best_said", "others_said", "lead", "spread", "high_arm", "high", "low_arm", "low"]


def hard_nuclei(predictions: Predictions, best: str, examples: int) -> pd.DataFrame:
    """Choose the nuclei of three contact sheets: for each class, at most 2 of one patient.

    - wrong: those that most networks get wrong; of these, first those of the lowest mean
      probability of the true class;
    - best-alone: those that the best arm gets right and every other arm wrong, by ``lead``;
    - disagreed: those on which the arms differ most, by ``spread``.

    Arms are compared by the means of their probabilities, over repeats and over the volumes that
    all arms share: the mean of fewer networks would be more extreme for that alone. Without two
    arms that share a volume, only the first sheet has rows, and what compares arms is NaN.

    Args:
        predictions: of all cells.
        best: the best arm, one of those in `predictions`.
        examples: nuclei of each class in a sheet, at most.

    Returns:
        A row per shown nucleus: ``sheet``, ``label``, ``rank`` (from 1, within sheet and label),
        ``nucleus`` (position among the tested), ``patient, site``; ``wrong`` (share of all
        networks) and ``said`` (the class that most of them say); ``best_said`` (the class that the
        best arm says) and ``others_said`` (that most other arms say); and of the arms'
        probabilities of the true class ``lead`` (the best arm's minus the highest other's),
        ``spread`` (standard deviation), ``high_arm, high, low_arm, low`` (the extremes).
    """
    tested, found = predictions.tested, _of_networks(predictions) | _of_arms(predictions, best)
    found |= {"patient": tested.patient, "site": tested.site}
    hardest = {  # which nuclei may be shown, and by what they are sorted, the last key first
        WRONG: (found["wrong"] > 0, [found["true"], -found["wrong"]]),
        BEST_ALONE: (found["alone"], [-found["lead"]]),
        DISAGREED: (
            found["spread"] > 1e-6,  # more than float32 makes of equal ones
            [-found["spread"]],
        ),
    }
    rows = []
    for sheet, (may, keys) in hardest.items():
        order = np.lexsort(keys)
        for code, label in enumerate(CLASSES):
            of_class = order[(may & (tested.label == code))[order]]
            for rank, nucleus in enumerate(_first(of_class, tested.patient, examples), 1):
                row = {"sheet": sheet, "label": label, "rank": rank, "nucleus": nucleus}
                rows.append(row | {name: values[nucleus] for name, values in found.items()})
    return pd.DataFrame(rows, columns=[*_COLUMNS, *_OF_ARMS])


def _first(order: np.ndarray, patient: np.ndarray, examples: int) -> list[int]:
    """The first of some nuclei, at most so many, and so many of one patient."""
    chosen: list[int] = []
    of_patient: Counter[str] = Counter()
    for nucleus in order.tolist():
        if len(chosen) == examples:
            break
        if of_patient[patient[nucleus]] < _OF_ONE_PATIENT:
            of_patient[patient[nucleus]] += 1
            chosen.append(nucleus)
    return chosen


def _of_networks(predictions: Predictions) -> dict[str, np.ndarray]:
    """What all networks say of each nucleus: ``wrong``, ``said``, mean probability ``true``."""
    label = predictions.tested.label
    every = np.arange(len(label))
    votes = np.zeros((len(label), len(CLASSES)), np.float32)
    total, networks = np.zeros_like(votes), 0
    # One network after the other: a study of 28 cells with 220,000 nuclei holds 150 MB of
    # probabilities, which float64 or a stack of all cells would double.
    for of_cell in predictions.configurations.values():
        for of_network in of_cell:
            votes[every, of_network.argmax(axis=1)] += 1
            total += of_network
            networks += 1
    return {
        "wrong": (networks - votes[every, label]) / networks,
        "said": _most(votes, total / networks),
        "true": total[every, label] / networks,
    }


def _of_arms(predictions: Predictions, best: str) -> dict[str, np.ndarray]:
    """What the arms say of each nucleus: _OF_ARMS, and whether the best is right ``alone``."""
    means, label = _means(predictions), predictions.tested.label
    if len(means) < 2:
        unknown = np.full(len(label), np.nan)
        return dict.fromkeys(_OF_ARMS, unknown) | {"alone": np.zeros(len(label), bool)}
    every, names = np.arange(len(label)), np.array(list(means))
    true = np.stack([mean[every, label] for mean in means.values()])  # float32 (arms, N)
    votes, total = np.zeros((2, len(label), len(CLASSES)), np.float32)
    others, best_said = names[names != best], means[best].argmax(axis=1)
    for arm in others:
        votes[every, means[arm].argmax(axis=1)] += 1
        total += means[arm]
    return {
        "best_said": np.array(CLASSES)[best_said],
        "others_said": _most(votes, total / len(others)),
        "alone": (best_said == label) & (votes[every, label] == 0),
        "lead": true[names == best][0] - true[names != best].max(axis=0),
        "spread": true.std(axis=0),
        "high_arm": names[true.argmax(axis=0)],
        "high": true.max(axis=0),
        "low_arm": names[true.argmin(axis=0)],
        "low": true.min(axis=0),
    }


def _means(predictions: Predictions) -> dict[str, np.ndarray]:
    """Each arm's mean probabilities over repeats and shared volumes, float32 (N, 3)."""
    means: dict[str, np.ndarray] = {}
    volumes = shared_volumes(list(predictions.configurations))
    for (aug, volume), of_cell in predictions.configurations.items():
        if volume in volumes:
            part = of_cell.mean(axis=0) / len(volumes)
            means[aug] = means[aug] + part if aug in means else part
    return means


def _most(votes: np.ndarray, probability: np.ndarray) -> np.ndarray:
    """The names of the classes with most votes, of equal ones the more probable: (N, 3) -> (N,)."""
    return np.array(CLASSES)[(votes + probability / 2).argmax(axis=1)]
