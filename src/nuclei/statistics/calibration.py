"""Whether a stated probability can be believed: reliability curve and calibration error."""

import numpy as np
import pandas as pd

from nuclei.statistics.predictions import Predictions

BINS = 10  # of equal width from 0 to 1; the top of three probabilities is never below 1/3


def reliability(predictions: Predictions) -> pd.DataFrame:
    """The reliability curve of each cell (Niculescu-Mizil and Caruana 2005), repeats averaged.

    Nuclei are binned by their top probability. A bin's lower end belongs to it, and 1 to the last.

    Returns:
        ``aug, volume, bin`` (0 to BINS - 1), ``share`` of the nuclei, mean ``confidence`` (the top
        probability) and ``accuracy``; bins without a nucleus have no row.
    """
    tables = []
    for (aug, volume), probabilities in predictions.configurations.items():
        count, confidence, right = _binned(predictions, probabilities).sum(axis=1)
        used = np.flatnonzero(count)
        found = {"share": count / count.sum(), "confidence": confidence, "accuracy": right}
        table = pd.DataFrame({"bin": used, "share": found["share"][used]})
        for name in ("confidence", "accuracy"):
            table[name] = found[name][used] / count[used]
        tables.append(table.assign(aug=aug, volume=volume))
    columns = ["aug", "volume", "bin", "share", "confidence", "accuracy"]
    return pd.concat(tables, ignore_index=True)[columns]


def errors(predictions: Predictions) -> pd.DataFrame:
    """Expected calibration error of each cell, the mean over repeats: ``aug, volume, ece``.

    The mean over nuclei of their bin's |confidence - accuracy| (Naeini et al. 2015; Guo et al.
    2017). It has no interval: a resample's error is larger than the sample's by construction.
    """
    rows = []
    for (aug, volume), probabilities in predictions.configurations.items():
        count, confidence, right = _binned(predictions, probabilities)
        gaps = abs(confidence - right).sum(axis=1) / count.sum(axis=1)
        rows.append({"aug": aug, "volume": volume, "ece": gaps.mean()})
    return pd.DataFrame(rows)


def _binned(predictions: Predictions, probabilities: np.ndarray) -> np.ndarray:
    """Per repeat and bin: how many nuclei, their summed top probability, how many are right.

    Returns:
        float64 (3, R, BINS).
    """
    found = []
    for of_repeat in probabilities:
        top = of_repeat.max(axis=1).astype(np.float64)
        bins = np.minimum((top * BINS).astype(int), BINS - 1)
        right = of_repeat.argmax(axis=1) == predictions.tested.label
        found.append([np.bincount(bins, weights, BINS) for weights in (None, top, right)])
    return np.moveaxis(np.array(found, np.float64), 1, 0)
