"""Pools of synthetic nuclei: one generator per fold, and how near its nuclei come to real ones."""

import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
from tqdm import tqdm

from nuclei.core.classes import CLASSES
from nuclei.core.errors import InputError
from nuclei.core.folds import Fold, evenly
from nuclei.generation import feature_extractor, generator, quality
from nuclei.generation.params import Generator
from nuclei.generation.quality import Features


def make(
    crops: np.ndarray, labels: np.ndarray, folds: list[Fold], knobs: Generator
) -> tuple[dict[int, np.ndarray], pd.DataFrame]:
    """Train a generator on each fold's training nuclei, and have it make a pool.

    The crops, uint8 RGB (N, S, S, 3), are all nuclei as they were prepared.

    Returns:
        The pool of each fold by its number, as `generator.pool` returns it; and the rows of
        `quality.compare` for every fold, with its number in the column ``fold``.

    Raises:
        InputError: before any training, if a class has too few training nuclei or is missing in
            validation.
    """
    compared = {fold.number: _validation_rows(fold, labels) for fold in folds}
    for fold in folds:
        generator.check(labels[fold.train], f"fold {fold.number}")

    def of_fold(fold: Fold) -> tuple[np.ndarray, pd.DataFrame]:
        training = crops[fold.train], labels[fold.train]
        pool = generator.pool(knobs, *training, progress.update)
        rows = compared[fold.number]
        table = _qualities(pool, *training, crops[rows], labels[rows], knobs.seed)
        table.insert(0, "fold", fold.number)
        return pool, table

    steps = len(folds) * generator.steps(knobs)
    with (
        tqdm(total=steps, unit=" steps", disable=None, leave=False) as progress,
        ThreadPoolExecutor(os.cpu_count()) as threads,
    ):
        pools, tables = zip(*threads.map(of_fold, folds), strict=True)
    return {fold.number: pool for fold, pool in zip(folds, pools, strict=True)}, pd.concat(tables)


def _qualities(
    pool: np.ndarray,
    crops: np.ndarray,
    labels: np.ndarray,
    validation_crops: np.ndarray,
    validation_labels: np.ndarray,
    seed: int,
) -> pd.DataFrame:
    """Compare a pool with validation nuclei, by a feature extractor of the training nuclei."""
    extract = feature_extractor.train(crops, labels, seed)
    sets = quality.sets(validation_labels, crops, labels, pool, seed)
    return quality.compare(
        Features(*extract(validation_crops), validation_labels),
        Features(*extract(crops), labels),
        {name: Features(*extract(chosen), validation_labels) for name, chosen in sets.items()},
    )


def _validation_rows(fold: Fold, labels: np.ndarray) -> np.ndarray:
    """Choose the nuclei of validation, of every class, with which synthetic ones are compared."""
    rows = evenly(fold.validation, quality.MOST)
    for code in sorted({*range(len(CLASSES))} - {*labels[rows]}):
        raise InputError(
            f"fold {fold.number}: no {CLASSES[code]} nucleus among the {len(rows)} of validation "
            "with which synthetic nuclei are compared; valid: some of each class"
        )
    return rows
