"""How the strength of an operation changes the score, in a study that has several strengths."""

from collections.abc import Iterator

import pandas as pd

from nuclei.augmentation.recipes import OPERATIONS, Step, parse
from nuclei.statistics.predictions import CONFIGURATION

_POINT = ["series", "operation", "unit", "strength", "aug"]
_SCORE = ["macro_auc", "macro_auc_low", "macro_auc_high"]
_GAP = ["difference", "low", "high"]


def doses(scores: pd.DataFrame, differences: pd.DataFrame) -> pd.DataFrame:
    """Return macro AUC over strength: _POINT, volume, _SCORE and, against none, _GAP.

    A series is a recipe with the number of one ``operation`` left open, such as `flip+stain`; the
    other numbers are written out, defaults too, so that `stain+rotation-36` is open in `stain`
    alone. It has rows at a volume where the difference to none is known of two or more of its
    strengths: augmentations share patients, so their own intervals do not compare them.
    `scores` has ``aug, volume``, _SCORE; `differences` is of `comparisons.differences`.
    """
    points = pd.DataFrame(
        (point for aug in scores["aug"].unique() for point in _points(aug)), columns=_POINT
    )
    gaps = differences.loc[differences["metric"] == "macro_auc", [*CONFIGURATION, *_GAP]]
    gaps = gaps.astype({"volume": float})  # a table without rows has no type
    scored = points.merge(scores[[*CONFIGURATION, *_SCORE]], on="aug").merge(gaps, on=CONFIGURATION)
    strengths = scored.groupby(["series", "volume"])["strength"].transform("nunique")
    several = scored.loc[strengths > 1, [*_POINT, "volume", *_SCORE, *_GAP]]
    return several.sort_values(["series", "volume", "strength"], kind="stable", ignore_index=True)


def _points(aug: str) -> Iterator[dict[str, object]]:
    """Leave each number of a recipe open in turn."""
    steps = parse(aug)
    for place, (name, strength) in enumerate(steps):
        if valid := OPERATIONS[name].strength:
            opened = [*steps[:place], Step(name, None), *steps[place + 1 :]]
            series = "+".join(map(_word, opened))
            about = {"series": series, "operation": name, "unit": valid.unit}
            yield about | {"strength": strength, "aug": aug}


def _word(step: Step) -> str:
    return step.name if step.strength is None else f"{step.name}-{step.strength:g}"
