"""What a fold trains on, is validated on, and tests; and how much of it a volume reads."""

from collections.abc import Mapping
from math import inf
from typing import NamedTuple

import numpy as np
import pandas as pd

from nuclei.core.errors import InputError

SPLITS = ("train", "validation", "test")


class Fold(NamedTuple):
    """One fold: its number, and the rows of nuclei.csv of each split, int64, ascending."""

    number: int
    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray


def of_tables(nuclei: pd.DataFrame, folds: pd.DataFrame) -> list[Fold]:
    """Return every fold, of the tables nuclei.csv and folds.csv of data/prepared."""
    of_folds = []
    for number, rows in folds.groupby("fold"):
        split_of = nuclei["patient"].map(dict(zip(rows["patient"], rows["split"], strict=True)))
        splits = [np.flatnonzero(split_of == split) for split in SPLITS]
        of_folds.append(Fold(int(str(number)), *splits))
    return of_folds


def tested_by(folds: list[Fold], nuclei: int) -> np.ndarray:
    """Return the number of the fold that tests each of N nuclei, int64 (N,); 0 if none does."""
    numbers = np.zeros(nuclei, np.int64)
    for fold in folds:
        numbers[fold.test] = fold.number
    return numbers


def at_volume(rows: np.ndarray, patients: np.ndarray, volume: float, order: str) -> np.ndarray:
    """Return which of a fold's training rows a volume reads, in their order, int64 (n,).

    A volume is a multiple of the training nuclei or, below 1 in the order `patients` instead of
    `nuclei`, of the training patients; `patients` are of all nuclei, (N,). Beyond volume 1 the rows
    repeat: their k-th repetition is read from the k-th copy. Fresh draws, the volume inf, read
    every row once. A volume that holds not a single nucleus raises InputError.
    """
    if volume == inf:
        return rows
    if order == "patients" and volume < 1:
        patient = patients[rows]
        # In this order the nuclei of a patient lie together.
        starts = np.flatnonzero(np.append(True, patient[1:] != patient[:-1]))
        last = round(volume * len(starts))
        count = int(np.append(starts, len(rows))[last])
    else:
        count = round(volume * len(rows))
    if count < 1:
        raise InputError(
            f"volume: a positive number such as 0.5, 1 or 2, or inf; {volume:g} holds no nucleus"
        )
    return np.resize(rows, count)


def evenly(rows: np.ndarray, most: int) -> np.ndarray:
    """Return at most `most` rows, spread evenly over all, so that every patient is in them."""
    count = min(len(rows), most)
    return rows[np.arange(count) * len(rows) // count]


def shared_sites(folds: pd.DataFrame, site_of: Mapping[str, str]) -> dict[int, list[str]]:
    """Return the sites that a fold tests and its networks have seen, by the fold's number.

    A fold without such a site is left out. Validation counts as seen: it chooses the checkpoint.
    A patient whom `site_of` lacks has no nuclei that a network could have seen.
    """
    shared = {}
    for fold, rows in folds[folds["patient"].isin([*site_of])].groupby("fold"):
        sites, tested = rows["patient"].map(site_of), rows["split"] == "test"
        if both := {*sites[~tested]} & {*sites[tested]}:
            shared[int(str(fold))] = sorted(both)
    return shared
