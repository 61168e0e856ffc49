"""What the statistics start from: probabilities of every configuration, and their nuclei."""

from collections.abc import Callable
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
    """Probabilities of the tested nuclei: float32 (R, N, C), R repeats, for each configuration."""

    tested: Tested
    configurations: dict[Configuration, np.ndarray]

    def only(self, chosen: Callable[[Configuration], bool]) -> "Predictions":
        """Return the predictions of the configurations that `chosen` chooses."""
        return self._replace(
            configurations={key: of for key, of in self.configurations.items() if chosen(key)}
        )


def tested_nuclei(nuclei: pd.DataFrame, folds: list[Fold]) -> tuple[Tested, np.ndarray]:
    """Return the nuclei (``label, patient, site``) that a fold tests; and their rows, int64."""
    fold = tested_by(folds, len(nuclei))
    rows = np.flatnonzero(fold)
    tested = nuclei.iloc[rows]
    patient, site = tested["patient"].to_numpy(str), tested["site"].to_numpy(str)
    return Tested(codes(tested["label"]), patient, site, fold[rows]), rows


def checked(
    probabilities: np.ndarray, rows: np.ndarray, nuclei: int, repeats: int, where: str
) -> np.ndarray:
    """Return the tested `rows` of a configuration's file `where`; raise InputError if not valid."""
    shape = repeats, nuclei, len(CLASSES)
    if probabilities.dtype != np.float32 or probabilities.shape != shape:
        raise InputError(
            f"{where}: {probabilities.dtype} {probabilities.shape}; valid: float32 {shape}, which "
            f"are the {repeats} repeats that its training recorded, nuclei and classes"
        )
    tested = probabilities[:, rows]
    right = (tested >= 0).all(axis=2) & (abs(tested.sum(axis=2) - 1) < _TOLERANCE)
    if not right.all():
        repeat, nucleus = np.argwhere(~right)[0]
        values = ", ".join(f"{value:g}" for value in tested[repeat, nucleus])
        raise InputError(
            f"{where}: repeat {repeat}, row {rows[nucleus]} of nuclei.csv: probabilities {values}; "
            f"valid: {len(CLASSES)} from 0 to 1 that sum to 1"
        )
    return tested


def share_of_patients(tested: Tested) -> dict[int, float]:
    """Return how much each fold weighs in a score: its share of the tested patients.

    Networks rank nuclei within a fold only. If a fold weighs as its patients do, a mean over folds
    speaks of a patient to come; by pairs of nuclei, a patient with many would outweigh the others.
    """
    patients = pd.Series(tested.patient).groupby(tested.fold).nunique()
    return (patients / patients.sum()).to_dict()


def totals_of_repeats(
    tested: Tested, probabilities: np.ndarray, rows: np.ndarray, unit: np.ndarray, units: int
) -> list[Totals]:
    """Reduce every repeat of one configuration to what its scores need, on nuclei of one fold.

    The nuclei are the `rows`, int (n,), grouped by `unit`, (n,) int in [0, units): patient or site.
    """
    return [
        totals(tested.label[rows], of_repeat[rows].astype(np.float64), unit, units)
        for of_repeat in probabilities
    ]
