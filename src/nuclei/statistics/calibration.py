"""Whether a stated probability can be believed: reliability curve and calibration error."""

import numpy as np
import pandas as pd

from nuclei.classes import CLASSES

BINS = 10  # of equal width from 0 to 1; the top of three probabilities is never below 1/3


def reliability(predictions: pd.DataFrame) -> pd.DataFrame:
    """The reliability curve of each cell (Niculescu-Mizil and Caruana 2005), repeats averaged.

    Nuclei are binned by their top probability. A bin's lower end belongs to it, and 1 to the last.

    Args:
        predictions: as `predictions.check` passes them, with ``aug`` and ``volume``.

    Returns:
        ``aug, volume, bin`` (0 to BINS - 1), ``share`` of the nuclei, mean ``confidence`` (the top
        probability) and ``accuracy``; bins without a nucleus have no row.
    """
    cells = _binned(predictions).groupby(["aug", "volume"], sort=False)
    tables = []
    for (aug, volume), rows in cells:
        bins = rows.groupby("bin")[["confidence", "accuracy"]]
        table = bins.mean().assign(aug=aug, volume=volume, share=bins.size() / len(rows))
        tables.append(table.reset_index())
    columns = ["aug", "volume", "bin", "share", "confidence", "accuracy"]
    return pd.concat(tables, ignore_index=True)[columns]


def errors(predictions: pd.DataFrame) -> pd.DataFrame:
    """Expected calibration error of each cell, the mean over repeats: ``aug, volume, ece``.

    The mean over nuclei of their bin's |confidence - accuracy| (Naeini et al. 2015; Guo et al.
    2017). It has no interval: a resample's error is larger than the sample's by construction.
    """
    binned = _binned(predictions)
    binned["gap"] = binned["confidence"] - binned["accuracy"]
    keys = ["aug", "volume", "repeat"]
    gaps = binned.groupby([*keys, "bin"], sort=False)["gap"].sum().abs()
    ece = gaps.groupby(keys, sort=False).sum() / binned.groupby(keys, sort=False).size()
    return ece.groupby(["aug", "volume"], sort=False).mean().rename("ece").reset_index()


def _binned(predictions: pd.DataFrame) -> pd.DataFrame:
    probability = predictions[list(CLASSES)].to_numpy(np.float64)
    top = probability.max(axis=1)
    return predictions[["aug", "volume", "repeat"]].assign(
        bin=np.minimum((top * BINS).astype(int), BINS - 1),
        confidence=top,
        accuracy=np.array(CLASSES)[probability.argmax(axis=1)] == predictions["label"].to_numpy(),
    )
