"""What the study was made from: data, knobs, and what it ran on."""

from nuclei.pipeline.params import StudyParams

import pandas as pd

from nuclei.core.folds import SPLITS
from nuclei.report.markdown import times
from nuclei.statistics.predictions import Configuration

# What DVC does not know of a cell, and its weights depend on.
CIRCUMSTANCES = ("tensorflow", "keras", "device", "replicas", "precision")


def counts(summary: dict) -> pd.DataFrame:
    """Nuclei by class, patients and sites of each split of each fold.

    Args:
        summary: of prepare.
    """
    return pd.DataFrame(
        {"fold": fold, "split": split, **counted[split]}
        for fold, counted in summary["folds"].items()
        for split in SPLITS
    )


def dropped(summary: dict) -> list[str]:
    """A sentence on what prepare dropped, by reason; none where nothing was."""
    reasons = summary.get("dropped", {})
    listed = ", ".join(f"{count} {reason}" for reason, count in reasons.items())
    return [f"Dropped: {listed}."] if listed else []


def knobs(params: StudyParams, generated: bool) -> pd.DataFrame:
    """Every knob on which a score depends: ``setting, value``; `generated`: nuclei were made."""
    drawn = params.simulate if params.data == "simulated" else ()
    shown = {
        "data": params.data,
        "network": params.network,
        **{f"simulate.{key}": value for key, value in drawn},
        **{f"prepare.{key}": value for key, value in params.prepare},
        "augment.seed": params.augment.seed,
        **{f"generator.{key}": value for key, value in (params.generator if generated else ())},
        **{f"train.{key}": value for key, value in params.train},
        **{f"{params.network}.{key}": value for key, value in params.networks[params.network]},
        **{f"evaluate.{key}": value for key, value in params.evaluate},
    }
    return pd.DataFrame({"setting": shown.keys(), "value": [str(v) for v in shown.values()]})


def used(records: pd.DataFrame) -> pd.DataFrame:
    """Training records, one row per cell, with equal ones counted in ``cells``."""
    named = records.assign(volume=[times(volume) for volume in records["volume"]])
    return named.value_counts(sort=False).rename("cells").reset_index()


def mixed(records: dict[Configuration, dict]) -> str | None:
    """Say how the first cell that was trained under other circumstances differs; None without one.

    Another version or processor gives other weights. So does another number of replicas, for batch
    normalisation sees each one's share of a batch alone.

    Args:
        records: what each cell was trained with and on.
    """
    (first, known), *others = records.items()
    for cell, record in others:
        for name in CIRCUMSTANCES:
            if record[name] != known[name]:
                return (
                    f"{_named(cell)} was trained with {name} {record[name]}, {_named(first)} with "
                    f"{known[name]}"
                )
    return None


def _named(cell: Configuration) -> str:
    return f"{cell[0]} at volume {cell[1]:g}"
