"""Tables of curves: ROC, confusion, training."""

import numpy as np
import pandas as pd

from nuclei.core.classes import CLASSES
from nuclei.statistics.predictions import CONFIGURATION, Predictions, share_of_patients

_ROC_POINTS = 101


def roc(predictions: Predictions) -> pd.DataFrame:
    """Return one-vs-rest ROC curves: ``aug, volume, class, fpr, tpr``, 101 points each.

    Folds and repeats are averaged vertically, tpr at fixed fpr (Fawcett 2006, section 8.1), folds
    by `predictions.share_of_patients`: the area below is the mean AUC.
    """
    grid = np.linspace(0, 1, _ROC_POINTS)
    shares = share_of_patients(predictions.tested)
    rows = {fold: np.flatnonzero(predictions.tested.fold == fold) for fold in shares}
    tables = []
    for (aug, volume), probabilities in predictions.configurations.items():
        for code, name in enumerate(CLASSES):
            tpr = np.zeros(_ROC_POINTS)
            for fold, share in shares.items():
                positive = predictions.tested.label[rows[fold]] == code
                for of_repeat in probabilities[:, rows[fold], code]:
                    curve = np.interp(grid, *_roc(of_repeat, positive))
                    tpr += share * curve / len(probabilities)
            tpr[0] = 0  # the curve climbs at fpr 0: begin at its foot
            key = {"aug": aug, "volume": volume, "class": name}
            tables.append(pd.DataFrame(key | {"fpr": grid, "tpr": tpr}))
    return pd.concat(tables, ignore_index=True)


def _roc(score: np.ndarray, positive: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return false and true positive rates at every threshold, from none to all taken as positive.

    Args:
        score: (n,) float, higher for positives.
        positive: (n,) bool.
    """
    order = np.argsort(-score)
    last = np.append(np.diff(score[order]) != 0, True)  # of the nuclei that share a score
    rates = [
        np.append(0, part[order].cumsum()[last]) / part.sum() for part in (~positive, positive)
    ]
    return rates[0], rates[1]


def confusion(predictions: Predictions) -> pd.DataFrame:
    """Return which class is taken for which: ``aug, volume, actual, predicted, share``.

    ``share`` is the fraction of the nuclei of class ``actual``, over all folds and repeats.
    """
    classes = len(CLASSES)
    rows = []
    for (aug, volume), probabilities in predictions.configurations.items():
        pairs = predictions.tested.label * classes + probabilities.argmax(axis=2)
        counts = np.bincount(pairs.ravel(), minlength=classes**2).reshape(classes, classes)
        for (actual, predicted), share in np.ndenumerate(counts / counts.sum(axis=1)[:, None]):
            rows.append((aug, volume, CLASSES[actual], CLASSES[predicted], share))
    return pd.DataFrame(rows, columns=[*CONFIGURATION, "actual", "predicted", "share"])


def training_curves(training: pd.DataFrame) -> pd.DataFrame:
    """Average training curves over networks.

    A point is the mean over networks of the k-th point of each. If the length of a training is
    given in passes, folds of other sizes reach that point after other updates: ``updates`` is a
    mean too, rounded.

    Args:
        training: a row per network and point: ``aug, volume, fold, repeat, split, updates, loss,
            accuracy, macro_auc``.

    Returns:
        ``aug, volume, split, updates`` and the mean ``loss, accuracy, macro_auc``.
    """
    point = training.groupby([*CONFIGURATION, "split", "fold", "repeat"]).cumcount().rename("point")
    points = training.groupby([*CONFIGURATION, "split", point], sort=False)
    means = points[["updates", "loss", "accuracy", "macro_auc"]].mean().reset_index()
    whole = means["updates"].round().astype(int)
    return means.assign(updates=whole).drop(columns="point")
