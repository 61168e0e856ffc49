"""Tables of curves: ROC, confusion, training."""

import numpy as np
import pandas as pd

from nuclei.classes import CLASSES
from nuclei.statistics.predictions import CELL

_CLASSES = list(CLASSES)
_ROC_POINTS = 101


def roc(predictions: pd.DataFrame) -> pd.DataFrame:
    """One-vs-rest ROC curves: ``aug, volume, class, fpr, tpr``, 101 points each.

    Repeats are averaged vertically, tpr at fixed fpr (Fawcett 2006, section 8.1).
    """
    grid = np.linspace(0, 1, _ROC_POINTS)
    tables = []
    for (aug, volume), rows in predictions.groupby(CELL, sort=False):
        for name in CLASSES:
            curves = []
            for _, repeat in rows.groupby("repeat"):
                positive = repeat["label"].to_numpy() == name
                curves.append(np.interp(grid, *_roc(repeat[name].to_numpy(), positive)))
            tpr = np.mean(curves, axis=0)
            tpr[0] = 0  # the curve climbs at fpr 0: begin at its foot
            key = {"aug": aug, "volume": volume, "class": name}
            tables.append(pd.DataFrame(key | {"fpr": grid, "tpr": tpr}))
    return pd.concat(tables, ignore_index=True)


def _roc(score: np.ndarray, positive: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """False and true positive rates at every threshold, from none to all taken for positive."""
    order = np.argsort(-score)
    last = np.append(np.diff(score[order]) != 0, True)  # of the nuclei that share a score
    rates = [
        np.append(0, part[order].cumsum()[last]) / part.sum() for part in (~positive, positive)
    ]
    return rates[0], rates[1]


def confusion(predictions: pd.DataFrame) -> pd.DataFrame:
    """Which class is taken for which: ``aug, volume, actual, predicted, share``.

    ``share`` is the fraction of the nuclei of class ``actual``, over all repeats.
    """
    predicted = predictions[_CLASSES].idxmax(axis=1)
    tables = []
    for (aug, volume), rows in predictions.groupby(CELL, sort=False):
        share = pd.crosstab(rows["label"], predicted[rows.index], normalize="index")
        share = share.reindex(index=_CLASSES, columns=_CLASSES, fill_value=0.0)
        long = share.rename_axis("actual").rename_axis("predicted", axis=1).stack().rename("share")
        tables.append(long.reset_index().assign(aug=aug, volume=volume))
    return pd.concat(tables, ignore_index=True)[[*CELL, "actual", "predicted", "share"]]


def training_curves(training: pd.DataFrame) -> pd.DataFrame:
    """Training curves averaged over repeats: ``aug, volume, split, updates`` and the means."""
    points = training.groupby([*CELL, "split", "updates"], sort=False)
    return points[["loss", "accuracy", "macro_auc"]].mean().reset_index()
