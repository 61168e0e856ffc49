"""Where a number of the study should not be trusted: each caution with its bound, and why."""

from typing import Any

import numpy as np
import pandas as pd

from nuclei.core.classes import CLASSES
from nuclei.report.markdown import times
from nuclei.statistics import sites
from nuclei.statistics.predictions import Configuration, Tested, share_of_patients

FEW_PATIENTS = 30  # Cameron, Gelbach and Miller 2008, doi:10.1162/rest.90.3.414
FEW_NUCLEI = 100  # a recall of 0.5 then has a standard error of 0.05, were nuclei independent
# Of the loss on validation, over the last fifth of a training: on the embedded data, 3 % less loss
# went with 0.008 more macro AUC.
STILL_FALLING = 0.03
_NAMED = 6  # configurations that are listed, at most
_OF_A_RECIPE = "generator."  # entries that only recipes with synthetic nuclei record
_OF_A_VOLUME = ("nuclei", "updates")  # entries of a record that may differ between configurations


def cautions(
    tested: Tested, configurations: pd.DataFrame, checkpoints: pd.DataFrame, knobs: dict[str, Any]
) -> dict[str, Any]:
    """Return what the report's template says of each caution, by its name; empty if all is well.

    `checkpoints` tell of every network by how much its loss fell in the end (``late_fall``).
    """
    patients = len(set(tested.patient))
    counts = np.bincount(tested.label, minlength=len(CLASSES)).tolist()
    counted = zip(CLASSES, counts, strict=True)
    few_nuclei = [f"{count} {name}" for name, count in counted if count < FEW_NUCLEI]
    causes = {
        "no_sites": not sites.known(tested),
        "few_patients": patients if patients < FEW_PATIENTS else None,
        "few_nuclei": few_nuclei,
        "below_guessing": _below_guessing(tested, configurations),
        "too_short": _too_short(checkpoints) if knobs["train.checkpoint"] == "best" else None,
        "one_repeat": knobs["train.repeats"] == 1,
    }
    return {name: cause for name, cause in causes.items() if cause}


def mixed(records: dict[Configuration, dict[str, Any]]) -> str | None:
    """Say in what the training of one configuration first differs from that of an earlier one.

    Other knobs, another version or another processor give other weights. So does another number of
    replicas, because batch normalisation sees each replica's share of a batch alone. Records are
    of the circumstances and the knobs of a training, by name.
    """
    for name in dict.fromkeys(name for record in records.values() for name in record):
        values = {
            configuration: record.get(name, "not recorded")
            for configuration, record in records.items()
            if name in record or not name.startswith(_OF_A_RECIPE)
        }
        ((aug, volume), expected), *others = values.items()
        for (other_aug, other_volume), value in others:
            if name not in _OF_A_VOLUME and value != expected:
                return (
                    f"{other_aug} at volume {other_volume:g} was trained with {name} {value}, "
                    f"{aug} at volume {volume:g} with {expected}"
                )
    return None


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
    """Name the configurations of which most networks were still learning at the end."""
    learning = checkpoints.assign(late=checkpoints["late_fall"] > STILL_FALLING)
    late = learning.groupby(["aug", "volume"], sort=False)["late"].mean()
    rows = late[late > 0.5].reset_index()
    return None if rows.empty else _named(rows, len(late))


def _named(rows: pd.DataFrame, count: int) -> str:
    """Name a few configurations, or say how many of all they are."""
    if len(rows) > _NAMED:
        return f"{len(rows)} of {count} configurations"
    return ", ".join(f"`{row.aug}` {times(row.volume)}" for row in rows.itertuples())
