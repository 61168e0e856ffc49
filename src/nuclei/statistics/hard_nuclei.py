"""Which nuclei to look at: those that networks get wrong, those that augmentations disagree on."""

from collections.abc import Iterable
from itertools import chain

import numpy as np
import pandas as pd

from nuclei.core.classes import CLASSES
from nuclei.statistics.comparisons import shared_volumes
from nuclei.statistics.predictions import Predictions

WRONG, BEST_ALONE, DISAGREED = SHEETS = ("wrong", "best-alone", "disagreed")

_OF_ONE_PATIENT = 2  # nuclei in a row of a sheet, at most: no patient is to fill it
_COLUMNS = ["sheet", "label", "rank", "nucleus", "patient", "site", "wrong", "predicted"]
_COMPARED = ["best_predicted", "others_predicted", "lead", "spread"]
_COMPARED += ["high_aug", "high", "low_aug", "low"]


def hard_nuclei(predictions: Predictions, best: str, examples: int) -> pd.DataFrame:
    """Choose the nuclei of three contact sheets: for each class `examples`, at most 2 of a patient.

    - wrong: those that most networks get wrong; of these, first those of the lowest mean
      probability of the true class;
    - best-alone: those that the best augmentation gets right and every other one wrong, by
      ``lead``;
    - disagreed: those on which the augmentations differ most, by ``spread``.

    Augmentations are compared by the means of their probabilities, over repeats and over the
    volumes that all of them share: the mean of fewer networks would be more extreme for that alone.
    Without two augmentations that share a volume, only the first sheet has rows, and what compares
    augmentations is NaN.

    A row has ``sheet, label, rank`` (from 1, within both), ``nucleus`` (position among the tested),
    ``patient, site``, ``wrong`` (share of all networks), and the class that most networks, the best
    augmentation and most others predict: ``predicted, best_predicted, others_predicted``. Of the
    augmentations' probabilities of the true class: ``lead`` (the best one's minus the highest
    other's), ``spread`` (standard deviation) and the extremes ``high_aug, high, low_aug, low``.
    """
    tested = predictions.tested
    columns = _of_networks(predictions) | _compared(predictions, best)
    columns |= {"patient": tested.patient, "site": tested.site}
    sheets = {  # which nuclei may be shown, and by what they are sorted, the last key first
        WRONG: (columns["wrong"] > 0, [columns["true"], -columns["wrong"]]),
        BEST_ALONE: (columns["alone"], [-columns["lead"]]),
        # Equal ones differ a little in float32.
        DISAGREED: (columns["spread"] > 1e-6, [-columns["spread"]]),
    }
    rows = []
    for sheet, (eligible, keys) in sheets.items():
        order = np.lexsort(keys)
        for code, label in enumerate(CLASSES):
            of_class = order[(eligible & (tested.label == code))[order]]
            patient = tested.patient[of_class]
            earlier = pd.Series(patient).groupby(patient).cumcount().to_numpy()
            chosen = of_class[earlier < _OF_ONE_PATIENT][:examples]
            for rank, nucleus in enumerate(chosen, 1):
                row = {"sheet": sheet, "label": label, "rank": rank, "nucleus": nucleus}
                rows.append(row | {name: values[nucleus] for name, values in columns.items()})
    return pd.DataFrame(rows, columns=[*_COLUMNS, *_COMPARED])


def _vote(networks: Iterable[np.ndarray], shape: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Return how many predict each class of each nucleus, and the mean probability: (N, C) each."""
    votes, total = np.zeros((2, *shape), np.float32)
    # One network after the other: a study of 28 configurations with 220,000 nuclei holds 150 MB of
    # probabilities, which float64 or a stack of them all would double.
    for probabilities in networks:
        votes[np.arange(len(votes)), probabilities.argmax(axis=1)] += 1
        total += probabilities
    return votes, total / votes[0].sum()


def _of_networks(predictions: Predictions) -> dict[str, np.ndarray]:
    """Return ``wrong, predicted, true`` of all networks, (N,) each; true: mean probability."""
    label = predictions.tested.label
    votes, mean = _vote(chain(*predictions.configurations.values()), (len(label), len(CLASSES)))
    every, networks = np.arange(len(label)), votes[0].sum()
    wrong = (networks - votes[every, label]) / networks
    return {"wrong": wrong, "predicted": _most(votes, mean), "true": mean[every, label]}


def _compared(predictions: Predictions, best: str) -> dict[str, np.ndarray]:
    """Return _COMPARED, and whether the best augmentation is right ``alone``, (N,) each."""
    means, label = _means(predictions), predictions.tested.label
    if len(means) < 2:
        unknown = np.full(len(label), np.nan)
        return dict.fromkeys(_COMPARED, unknown) | {"alone": np.zeros(len(label), bool)}
    every, names = np.arange(len(label)), np.array(list(means))
    true = np.stack([mean[every, label] for mean in means.values()])  # float32 (names, N)
    best_predicted = means.pop(best).argmax(axis=1)
    votes, mean = _vote(means.values(), (len(label), len(CLASSES)))
    return {
        "best_predicted": np.array(CLASSES)[best_predicted],
        "others_predicted": _most(votes, mean),
        "alone": (best_predicted == label) & (votes[every, label] == 0),
        "lead": true[names == best][0] - true[names != best].max(axis=0),
        "spread": true.std(axis=0),
        "high_aug": names[true.argmax(axis=0)],
        "high": true.max(axis=0),
        "low_aug": names[true.argmin(axis=0)],
        "low": true.min(axis=0),
    }


def _means(predictions: Predictions) -> dict[str, np.ndarray]:
    """Return each augmentation's mean probabilities over repeats and shared volumes, (N, C)."""
    means: dict[str, np.ndarray] = {}
    volumes = shared_volumes(list(predictions.configurations))
    for (aug, volume), probabilities in predictions.configurations.items():
        if volume in volumes:
            part = probabilities.mean(axis=0) / len(volumes)
            means[aug] = means[aug] + part if aug in means else part
    return means


def _most(votes: np.ndarray, probability: np.ndarray) -> np.ndarray:
    """Return the class of most votes, of equal ones the more probable: names, (N, C) -> (N,)."""
    return np.array(CLASSES)[(votes + probability / 2).argmax(axis=1)]
