"""Whether a predicted probability can be believed: reliability curve and calibration error."""

import numpy as np
import pandas as pd

from nuclei.statistics.predictions import CONFIGURATION, Predictions

BINS = 10  # of equal width from 0 to 1; the top of three probabilities is never below 1/3


def reliability(predictions: Predictions) -> pd.DataFrame:
    """Return the reliability curve (Niculescu-Mizil and Caruana 2005) of every configuration.

    Nuclei are binned by their top probability, over all repeats. A bin's lower bound belongs to it,
    and 1 to the last.

    Returns:
        ``aug, volume, bin`` (0 to BINS - 1), ``share`` of the nuclei, mean ``confidence`` (the top
        probability) and ``accuracy``; bins without a nucleus have no row.
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


def errors(predictions: Predictions) -> pd.DataFrame:
    """Return the expected calibration error of every configuration: ``aug, volume, ece``.

    It is the mean over nuclei of their bin's |confidence - accuracy| (Naeini et al. 2015; Guo et
    al. 2017), and over repeats. It has no interval: a resample's error is larger than the sample's
    by construction.
    """
    rows = []
    for configuration, probabilities in predictions.configurations.items():
        count, confidence, right = _binned(predictions, probabilities)
        gaps = abs(confidence - right).sum(axis=1) / count.sum(axis=1)
        rows.append((*configuration, gaps.mean()))
    return pd.DataFrame(rows, columns=[*CONFIGURATION, "ece"])


def _binned(predictions: Predictions, probabilities: np.ndarray) -> np.ndarray:
    """Count nuclei, and sum their top probabilities and right answers, per repeat and bin.

    Returns:
        float64 (3, R, BINS).
    """
    sums = []
    for of_repeat in probabilities:
        top = of_repeat.max(axis=1).astype(np.float64)
        bins = np.minimum((top * BINS).astype(int), BINS - 1)
        right = of_repeat.argmax(axis=1) == predictions.tested.label
        sums.append([np.bincount(bins, weights, BINS) for weights in (None, top, right)])
    return np.moveaxis(np.array(sums, np.float64), 1, 0)
