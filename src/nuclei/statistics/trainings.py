"""What trainings record: their knobs, and the rows of their curves and checkpoints."""

from typing import Any

import pandas as pd

from nuclei.core.errors import InputError
from nuclei.statistics.params import Evaluate
from nuclei.statistics.predictions import Configuration

KEYS = ("record", "knobs", "checkpoints", "curves", "draws")

Training = dict[str, Any]  # the content of a file of data/training


def checked(content: Any, where: str) -> Training:
    """Return the content of a file of data/training, `where`, if it records what evaluate needs."""
    lacking = [key for key in KEYS if key not in content] if isinstance(content, dict) else KEYS
    if lacking:
        raise InputError(
            f"{where}: it lacks {', '.join(lacking)}, so other code has written it; valid: "
            f"{', '.join(KEYS)}; train anew with `dvc repro`"
        )
    return content


def rows(trainings: dict[Configuration, Training], name: str) -> pd.DataFrame:
    """Join the rows `name` (curves or checkpoints) of all trainings, with ``aug, volume``."""
    return pd.concat(
        pd.DataFrame(training[name]).assign(aug=aug, volume=volume)
        for (aug, volume), training in trainings.items()
    )


def knobs(
    trainings: dict[Configuration, Training], prepare: dict[str, object], evaluate: Evaluate
) -> dict[str, object]:
    """Return the recorded knobs of the stages and those of evaluate, by names in params.yaml.

    Trainings differ in a knob only if `evaluate.mixed` allows a mixture: its value is then a text
    that names each. Only recipes with synthetic nuclei have recorded knobs of `generator`.
    `prepare` are those that this stage recorded.
    """
    values: dict[str, list[object]] = {}
    for training in trainings.values():
        for name, value in training["knobs"].items():
            if value not in values.setdefault(name, []):
                values[name].append(value)
    of_training = {
        name: used[0] if len(used) == 1 else " or ".join(map(str, used))
        for name, used in values.items()
    }
    return prepare | of_training | {f"evaluate.{name}": value for name, value in evaluate}
