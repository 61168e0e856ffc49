"""What the statistics start from: every cell's probabilities, and the nuclei they belong to."""

from typing import NamedTuple

import numpy as np
import pandas as pd

from nuclei.core.classes import CLASSES, codes
from nuclei.core.errors import InputError
from nuclei.core.folds import Fold, tested_by
from nuclei.statistics.scores import Totals, totals

Configuration = tuple[str, float]  # augmentation and volume
CONFIGURATION = ["aug", "volume"]

_TOLERANCE = 1e-3  # of a sum of probabilities


class Tested(NamedTuple):
    """The nuclei that are tested, N of them in one order, and how they are grouped."""

    label: np.ndarray  # (N,) int64, positions in CLASSES
    patient: np.ndarray  # (N,) str
    site: np.ndarray  # (N,) str
    fold: np.ndarray  # (N,) int64, the fold that tests it


class Predictions(NamedTuple):
    """Every cell's probabilities of the tested nuclei: float32 (R, N, 3), R repeats."""

    tested: Tested
    configurations: dict[Configuration, np.ndarray]


def tested_nuclei(nuclei: pd.DataFrame, folds: list[Fold]) -> tuple[Tested, np.ndarray]:
    """Find the nuclei that a fold tests.

    Args:
        nuclei: the prepared nuclei, with ``label, patient, site``.
        folds: of `folds.of_tables`.

    Returns:
        The tested nuclei; and which rows of `nuclei` they are, int64 (N,).
    """
    fold = tested_by(folds, len(nuclei))
    rows = np.flatnonzero(fold)
    of = nuclei.iloc[rows]
    patient, site = of["patient"].to_numpy(str), of["site"].to_numpy(str)
    return Tested(codes(of["label"]), patient, site, fold[rows]), rows


def checked(found: np.ndarray, rows: np.ndarray, nuclei: int, where: str) -> np.ndarray:
    """Return a cell's probabilities of the tested nuclei, once it is sure that they are that.

    Args:
        found: what the cell's file holds, for every prepared nucleus.
        rows: of `tested_nuclei`.
        nuclei: how many there are in all.
        where: the file that an error names.

    Raises:
        InputError: naming `where`, what was found and what would be valid.
    """
    valid = f"float32 (repeats, {nuclei}, {len(CLASSES)})"
    if found.dtype != np.float32 or found.ndim != 3 or found.shape[1:] != (nuclei, len(CLASSES)):
        raise InputError(f"{where}: {found.dtype} {found.shape}; valid: {valid}")
    if not len(found):
        raise InputError(f"{where}: no repeat; valid: {valid}, at least one")
    tested = found[:, rows]
    right = (tested >= 0).all(axis=2) & (abs(tested.sum(axis=2) - 1) < _TOLERANCE)
    if not right.all():
        repeat, nucleus = np.argwhere(~right)[0]
        told = ", ".join(f"{value:g}" for value in tested[repeat, nucleus])
        raise InputError(
            f"{where}: repeat {repeat}, row {rows[nucleus]} of nuclei.csv: probabilities {told}; "
            "three from 0 to 1 that sum to 1 are valid"
        )
    return tested


def share_of_patients(tested: Tested) -> dict[int, float]:
    """How much each fold weighs in a score: its share of the tested patients.

    Scores of two networks are never put on one scale: what ranks nuclei ranks them within a fold. A
    mean over folds then speaks of a patient to come, whichever fold's hospitals send them, if each
    fold weighs as its patients do. (Weights by pairs of nuclei would have the lowest variance if
    nuclei were independent; a patient with many would then outweigh the others by the square.)
    """
    patients = {
        int(fold): len(np.unique(tested.patient[tested.fold == fold]))
        for fold in np.unique(tested.fold)
    }
    return {fold: count / sum(patients.values()) for fold, count in patients.items()}


def totals_of_repeats(
    tested: Tested, probabilities: np.ndarray, rows: np.ndarray, unit: np.ndarray, units: int
) -> list[Totals]:
    """Reduce every repeat of one cell to what its scores need, per unit, on some of the nuclei.

    Args:
        tested: the nuclei.
        probabilities: the cell's, float32 (R, N, 3).
        rows: which nuclei, int (n,), all tested by one fold.
        unit: (n,) int in [0, units), the patient or site of each of them.
        units: how many there are.
    """
    return [
        totals(tested.label[rows], of_repeat[rows].astype(np.float64), unit, units)
        for of_repeat in probabilities
    ]
