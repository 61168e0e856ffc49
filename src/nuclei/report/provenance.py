"""What the study was made from: data, knobs, and what it ran on."""

from typing import Any

import pandas as pd

from nuclei.core.folds import SPLITS
from nuclei.report.markdown import times
from nuclei.statistics.predictions import Configuration

_OF_A_VOLUME = ("nuclei", "updates")  # entries of a record that may differ between configurations


def counts(summary: dict) -> pd.DataFrame:
    """Nuclei by class, patients and sites of each split of each fold, of prepare's summary."""
    return pd.DataFrame(
        {"fold": fold, "split": split, **numbers[split]}
        for fold, numbers in summary["folds"].items()
        for split in SPLITS
    )


def used(records: pd.DataFrame) -> pd.DataFrame:
    """Training records, a row per configuration; equal ones are counted in ``configurations``."""
    rows = records.assign(volume=[times(volume) for volume in records["volume"]])
    return rows.value_counts(sort=False).rename("configurations").reset_index()


def mixed(records: dict[Configuration, dict[str, Any]]) -> str | None:
    """Say how the first configuration that was trained in another way differs from the first one.

    Other knobs, another version or another processor give other weights. So does another number of
    replicas, because batch normalisation sees each replica's share of a batch alone.

    Args:
        records: of each configuration, the circumstances and the knobs of its training, by name.

    Returns:
        Both configurations and their values of the first entry that differs, or None.
    """
    (first, expected), *others = records.items()
    for configuration, record in others:
        for name in {**expected, **record}:
            one, other = expected.get(name, "not recorded"), record.get(name, "not recorded")
            if name not in _OF_A_VOLUME and one != other:
                return (
                    f"{_named(configuration)} was trained with {name} {other}, {_named(first)} "
                    f"with {one}"
                )
    return None


def _named(configuration: Configuration) -> str:
    return f"{configuration[0]} at volume {configuration[1]:g}"
