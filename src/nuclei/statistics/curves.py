"""Tables of curves: ROC, confusion, calibration, training."""

import numpy as np
import pandas as pd

from nuclei.core.classes import CLASSES
from nuclei.statistics.predictions import CONFIGURATION, Predictions, share_of_patients

BINS = 10  # of equal width from 0 to 1; the top of three probabilities is never below 1/3
_ROC_POINTS = 101


def roc(predictions: Predictions) -> pd.DataFrame:
    """Return one-vs-rest ROC curves: ``aug, volume, class, fpr, tpr``, 101 points each.

    Folds and repeats are averaged vertically, tpr at fixed fpr (Fawcett 2006, section 8.1), folds
    by `predictions.share_of_patients`: the area below is the mean AUC.
    """
    from sklearn.metrics import roc_curve  # a second to import

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
                    rates = roc_curve(positive, of_repeat, drop_intermediate=False)[:2]
                    tpr += share * np.interp(grid, *rates) / len(probabilities)
            tpr[0] = 0  # the curve climbs at fpr 0: begin at its foot
            key = {"aug": aug, "volume": volume, "class": name}
            tables.append(pd.DataFrame(key | {"fpr": grid, "tpr": tpr}))
    return pd.concat(tables, ignore_index=True)


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


def reliability(predictions: Predictions) -> pd.DataFrame:
    """Return the reliability curve (Niculescu-Mizil and Caruana 2005) of every configuration.

    Nuclei are binned by their top probability, over all repeats. A bin's lower bound belongs to it,
    and 1 to the last. ``share`` is that of the nuclei, ``confidence`` the mean top probability; a
    ``bin`` (0 to BINS - 1) without a nucleus has no row.
    """
    tables = []
    for (aug, volume), probabilities in predictions.configurations.items():
        count, confidence, right = _binned(predictions, probabilities).sum(axis=1)
        used = np.flatnonzero(count)
        table = pd.DataFrame({"aug": aug, "volume": volume, "bin": used})
        table["share"] = (count / count.sum())[used]
        for name, sums in (("confidence", confidence), ("accuracy", right)):
            table[name] = sums[used] / count[used]
        tables.append(table)
    return pd.concat(tables, ignore_index=True)


def calibration_errors(predictions: Predictions) -> pd.DataFrame:
    """Return the expected calibration error of every configuration: ``aug, volume, ece``.

    It is the mean over nuclei of their bin's |confidence - accuracy| (Naeini et al. 2015; Guo et
    al. 2017), and over repeats.
    """
    rows = []
    for configuration, probabilities in predictions.configurations.items():
        count, confidence, right = _binned(predictions, probabilities)
        gaps = abs(confidence - right).sum(axis=1) / count.sum(axis=1)
        rows.append((*configuration, gaps.mean()))
    return pd.DataFrame(rows, columns=[*CONFIGURATION, "ece"])


def _binned(predictions: Predictions, probabilities: np.ndarray) -> np.ndarray:
    """Count nuclei, and sum top probabilities and right answers: float64 (3, R, BINS)."""
    sums = []
    for of_repeat in probabilities:
        top = of_repeat.max(axis=1).astype(np.float64)
        bins = np.minimum((top * BINS).astype(int), BINS - 1)
        right = of_repeat.argmax(axis=1) == predictions.tested.label
        sums.append([np.bincount(bins, weights, BINS) for weights in (None, top, right)])
    return np.moveaxis(np.array(sums, np.float64), 1, 0)


def training_curves(training: pd.DataFrame) -> pd.DataFrame:
    """Return ``aug, volume, split, updates`` and networks' mean ``loss, accuracy, macro_auc``.

    A point is the mean over networks of the k-th point of each. If the length of a training is
    given in passes, folds of other sizes reach that point after other updates: ``updates`` is a
    mean too, rounded.
    """
    point = training.groupby([*CONFIGURATION, "split", "fold", "repeat"]).cumcount().rename("point")
    points = training.groupby([*CONFIGURATION, "split", point], sort=False)
    means = points[["updates", "loss", "accuracy", "macro_auc"]].mean().reset_index()
    whole = means["updates"].round().astype(int)
    return means.assign(updates=whole).drop(columns="point")
