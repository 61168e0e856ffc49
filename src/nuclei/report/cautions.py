"""Where a number of the study should not be trusted: each caution with its bound, and why."""

import numpy as np
import pandas as pd

from nuclei.core.classes import CLASSES
from nuclei.report.markdown import times
from nuclei.statistics import sites
from nuclei.statistics.predictions import Tested, share_of_patients
from nuclei.training.params import Train

FEW_PATIENTS = 30  # Cameron, Gelbach and Miller 2008, doi:10.1162/rest.90.3.414
_NAMED = 6  # cells that are listed, at most
FEW_NUCLEI = 100  # a recall of 0.5 then has a standard error of 0.05, were nuclei independent


def cautions(tested: Tested, cells: pd.DataFrame, ends: pd.DataFrame, train: Train) -> list[str]:
    """Say what should not be trusted, a sentence each; none where all is well.

    Args:
        tested: the nuclei that are tested.
        cells: the study's cells with their ``accuracy``.
        ends: of every network, after how many ``updates`` of how many it was kept.
        train: knobs of the stage train.
    """
    found = [
        _no_hospitals(tested),
        _few_patients(tested),
        _few_nuclei(tested),
        _below_guessing(tested, cells),
        _too_short(ends) if train.checkpoint == "best" else "",
        _one_repeat(train.repeats),
    ]
    return [caution for caution in found if caution]


def _no_hospitals(tested: Tested) -> str:
    if sites.known(tested):
        return ""
    return (
        "**No hospitals**: the data are of one hospital, or do not say of which. Patients take "
        "their place: a network is tested on patients whom it has not seen, stained and scanned as "
        "those that it has. At another hospital it may do worse, and another arm may be the best."
    )


def _few_patients(tested: Tested) -> str:
    patients = len(set(tested.patient))
    if patients >= FEW_PATIENTS:
        return ""
    return (
        f"**Few patients**: {patients} were tested. Intervals that rest on fewer than about "
        f"{FEW_PATIENTS} are too short more often than they say; take a difference for shown only "
        "where it is far from 0, and do not read the third decimal."
    )


def _few_nuclei(tested: Tested) -> str:
    counts = np.bincount(tested.label, minlength=len(CLASSES))
    few = [
        f"{count} {name}" for name, count in zip(CLASSES, counts, strict=True) if count < FEW_NUCLEI
    ]
    if not few:
        return ""
    return (
        f"**Few nuclei of a class**: {', '.join(few)} were tested. Below {FEW_NUCLEI} the share "
        "that is recognised may be off by 5 points and more, as nuclei of a patient are alike; and "
        "macro AUC counts that class as a third."
    )


def _below_guessing(tested: Tested, cells: pd.DataFrame) -> str:
    # As a cell's accuracy: within each fold, folds weighing as their patients.
    guessed = [
        sum(
            share * (tested.label[tested.fold == fold] == code).mean()
            for fold, share in share_of_patients(tested).items()
        )
        for code in range(len(CLASSES))
    ]
    below = cells[cells["accuracy"] < max(guessed)]
    if below.empty:
        return ""
    return (
        f"**Accuracy below guessing**: to call every nucleus {CLASSES[int(np.argmax(guessed))]} is "
        f"right in {100 * max(guessed):.0f} %. Worse: {_cells(below, len(cells))}."
    )


def _too_short(ends: pd.DataFrame) -> str:
    """Name the cells whose networks would mostly have gone on: their budget is too short."""
    late = (ends["updates"] == ends["of"]).groupby([ends["aug"], ends["volume"]], sort=False).mean()
    named = late[late > 0.5].reset_index()
    if named.empty:
        return ""
    return (
        f"**Trainings too short**: in {_cells(named, len(late))}, most networks were best at the "
        "very end; with more updates they might be better."
    )


def _one_repeat(repeats: int) -> str:
    if repeats > 1:
        return ""
    return (
        "**One repeat**: how much another seed of training would change is unknown, and in no "
        "interval. `train.repeats` sets how many there are."
    )


def _cells(rows: pd.DataFrame, cells: int) -> str:
    if len(rows) > _NAMED:
        return f"{len(rows)} of {cells} cells"
    return ", ".join(f"`{row.aug}` {times(row.volume)}" for row in rows.itertuples())
