"""Pools of synthetic nuclei: one generator per fold, and how near its nuclei come to real ones."""

import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
from tqdm import tqdm

from nuclei.core.folds import Fold
from nuclei.generation import feature_extractor, generator, quality
from nuclei.generation.params import Generator
from nuclei.generation.quality import Features
from nuclei.training.cross_validation import validation_rows


def make(
    crops: np.ndarray, labels: np.ndarray, folds: list[Fold], knobs: Generator
) -> tuple[dict[int, np.ndarray], pd.DataFrame]:
    """Return the pool of each fold by its number, and `quality.compare` with a column ``fold``.

    The crops, uint8 RGB (N, S, S, 3), are all nuclei as they were prepared. InputError before any
    training if a class has too few training nuclei or is missing in validation.
    """
    compared = {fold.number: validation_rows(fold, labels, quality.MOST) for fold in folds}
    for fold in folds:
        generator.check(labels[fold.train], f"fold {fold.number}")

    def of_fold(fold: Fold) -> tuple[np.ndarray, pd.DataFrame]:
        training = crops[fold.train], labels[fold.train]
        pool = generator.pool(knobs, *training, progress.update)
        extract = feature_extractor.train(*training, knobs.seed)
        rows = compared[fold.number]
        sets = quality.sets(labels[rows], *training, pool, knobs.seed)
        table = quality.compare(
            Features(*extract(crops[rows]), labels[rows]),
            Features(*extract(training[0]), training[1]),
            {name: Features(*extract(chosen), labels[rows]) for name, chosen in sets.items()},
        )
        table.insert(0, "fold", fold.number)
        return pool, table

    steps = len(folds) * generator.steps(knobs)
    with (
        tqdm(total=steps, unit=" steps", disable=None, leave=False) as progress,
        ThreadPoolExecutor(os.cpu_count()) as threads,
    ):
        pools, tables = zip(*threads.map(of_fold, folds), strict=True)
    return {fold.number: pool for fold, pool in zip(folds, pools, strict=True)}, pd.concat(tables)
