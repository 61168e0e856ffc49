"""What the study was made from: data, knobs, and what it ran on."""

import pandas as pd

from nuclei.classes import CLASSES
from nuclei.params.study import StudyParams
from nuclei.report.markdown import times


def counts(splits: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Nuclei by class, patients and sites of each split."""
    return pd.DataFrame(
        {
            "split": name,
            "nuclei": len(rows),
            **{label: int((rows["label"] == label).sum()) for label in CLASSES},
            "patients": rows["patient"].nunique(),
            "sites": rows["site"].nunique(),
        }
        for name, rows in splits.items()
    )


def dropped(summary: dict) -> list[str]:
    """A sentence on what prepare dropped, by reason; none where nothing was."""
    reasons = summary.get("dropped", {})
    listed = ", ".join(f"{count} {reason}" for reason, count in reasons.items())
    return [f"Dropped: {listed}."] if listed else []


def knobs(params: StudyParams) -> pd.DataFrame:
    """Every knob on which a score depends: ``setting, value``."""
    drawn = params.simulate if params.data == "simulated" else ()
    shown = {
        "data": params.data,
        "network": params.network,
        **{f"simulate.{key}": value for key, value in drawn},
        **{f"prepare.{key}": value for key, value in params.prepare},
        "augment.seed": params.augment.seed,
        "train.seed": params.train.seed,
        "train.repeats": params.train.repeats,
        **{f"{params.network}.{key}": value for key, value in params.networks[params.network]},
        **{f"evaluate.{key}": value for key, value in params.evaluate},
    }
    return pd.DataFrame({"setting": shown.keys(), "value": [str(v) for v in shown.values()]})


def used(records: pd.DataFrame) -> pd.DataFrame:
    """Training records, one row per cell, with equal ones counted in ``cells``."""
    named = records.assign(volume=[times(volume) for volume in records["volume"]])
    return named.value_counts(sort=False).rename("cells").reset_index()
