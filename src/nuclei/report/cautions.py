"""Where a number of the study should not be trusted: each caution with its bound, and why."""

from typing import Any

import numpy as np
import pandas as pd

from nuclei.core.classes import CLASSES
from nuclei.report.markdown import times
from nuclei.statistics import sites
from nuclei.statistics.predictions import Tested, share_of_patients

FEW_PATIENTS = 30  # Cameron, Gelbach and Miller 2008, doi:10.1162/rest.90.3.414
FEW_NUCLEI = 100  # a recall of 0.5 then has a standard error of 0.05, were nuclei independent
_NAMED = 6  # configurations that are listed, at most


def cautions(
    tested: Tested,
    configurations: pd.DataFrame,
    checkpoints: pd.DataFrame,
    knobs: dict[str, Any],
) -> dict[str, Any]:
    """Find what in the study should not be trusted.

    Args:
        tested: the nuclei that are tested.
        configurations: the study's configurations with their ``accuracy``.
        checkpoints: of every network, after how many ``updates`` of how many (``of``) it was kept.
        knobs: the recorded ones.

    Returns:
        By the name of a caution, what the report's template says of it; empty where all is well.
    """
    patients = len(set(tested.patient))
    counts = np.bincount(tested.label, minlength=len(CLASSES)).tolist()
    causes = {
        "no_sites": not sites.known(tested),
        "few_patients": patients if patients < FEW_PATIENTS else None,
        "few_nuclei": [
            f"{count} {name}"
            for name, count in zip(CLASSES, counts, strict=True)
            if count < FEW_NUCLEI
        ],
        "below_guessing": _below_guessing(tested, configurations),
        "too_short": _too_short(checkpoints) if knobs["train.checkpoint"] == "best" else None,
        "one_repeat": knobs["train.repeats"] == 1,
    }
    return {name: cause for name, cause in causes.items() if cause}


def _below_guessing(tested: Tested, configurations: pd.DataFrame) -> dict[str, Any] | None:
    """Name the configurations that are less often right than one class is for every nucleus."""
    # As a configuration's accuracy: within each fold, folds weighing as their patients.
    shares = [
        sum(
            share * (tested.label[tested.fold == fold] == code).mean()
            for fold, share in share_of_patients(tested).items()
        )
        for code in range(len(CLASSES))
    ]
    below = configurations[configurations["accuracy"] < max(shares)]
    if below.empty:
        return None
    commonest = CLASSES[int(np.argmax(shares))]
    named = _named(below, len(configurations))
    return {"class": commonest, "share": max(shares), "configurations": named}


def _too_short(checkpoints: pd.DataFrame) -> str | None:
    """Name the configurations whose networks would mostly have gone on to learn."""
    at_the_end = checkpoints.assign(late=checkpoints["updates"] == checkpoints["of"])
    late = at_the_end.groupby(["aug", "volume"], sort=False)["late"].mean()
    rows = late[late > 0.5].reset_index()
    return None if rows.empty else _named(rows, len(late))


def _named(rows: pd.DataFrame, count: int) -> str:
    """Name a few configurations, or say how many of all they are."""
    if len(rows) > _NAMED:
        return f"{len(rows)} of {count} configurations"
    return ", ".join(f"`{row.aug}` {times(row.volume)}" for row in rows.itertuples())
