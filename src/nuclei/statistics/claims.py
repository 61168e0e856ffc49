"""The 2022 notebook's nine claims, each judged by a rule that is written once.

A claim is a line of CLAIMS: what the notebook said, the quantity that it is about, and the rule
that turns the quantity's interval into a verdict.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from nuclei.statistics.bootstrap import (
    Bootstrap,
    Contrast,
    MissingCellError,
    combine,
    contrast,
)
from nuclei.statistics.inference import percentile_interval
from nuclei.statistics.predictions import Cell
from nuclei.statistics.rules import BETTER, NEAR_ZERO, NO_BETTER, SAME, SAME_ORDER, WORSE, Rule

NOT_JUDGED = "not judged"  # the study at hand has not all the cells that the claim is about

SINGLES = ("crop", "rotation", "flip", "invert")
ARMS = ("none", *SINGLES, "invert+rotation", "invert+flip")

Quantity = Callable[[Bootstrap], Contrast]


def gap(metric: str, one: Cell, other: Cell) -> Quantity:
    """One cell's score minus another's."""
    return lambda bootstrap: contrast(bootstrap, metric, {one: 1, other: -1})


def lead(metric: str, one: Cell, others: list[Cell]) -> Quantity:
    """One cell's score minus the highest score among others."""

    def quantity(bootstrap: Bootstrap) -> Contrast:
        gaps = [gap(metric, one, other)(bootstrap) for other in others if other != one]
        return combine(gaps, lambda values: values.min(axis=0))

    return quantity


def doubling(metric: str) -> Quantity:
    """What volume 2 gains over volume 1, the mean over the notebook's arms."""
    weights: dict[Cell, float] = {}
    for aug in ARMS:
        weights |= {(aug, 1): -1 / len(ARMS), (aug, 2): 1 / len(ARMS)}
    return lambda bootstrap: contrast(bootstrap, metric, weights)


def agreement(metric: str) -> Quantity:
    """Kendall's tau between the ranks of the single augmentations at volumes 0.5 and 1."""

    def quantity(bootstrap: Bootstrap) -> Contrast:
        scores = [
            contrast(bootstrap, metric, {(aug, volume): 1})
            for volume in (0.5, 1)
            for aug in SINGLES
        ]
        return combine(scores, lambda values: kendall_tau(*np.split(values, 2)))

    return quantity


def kendall_tau(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """The rank correlation of K scores with K others, (K, ...) each; a tied pair counts 0."""
    pairs = np.triu_indices(len(one), 1)
    agree = np.sign(one[pairs[0]] - one[pairs[1]]) * np.sign(other[pairs[0]] - other[pairs[1]])
    return agree.mean(axis=0)


def excess(metric: str, cell: Cell, threshold: float) -> Quantity:
    """How much a cell's score exceeds a threshold."""
    return lambda bootstrap: combine(
        [contrast(bootstrap, metric, {cell: 1})], lambda values: values[0] - threshold
    )


class Claim(NamedTuple):
    """One claim; `margin` replaces the study's where the quantity is on another scale."""

    number: str
    said: str
    about: str
    quantity: Quantity
    rule: Rule
    margin: float | None = None


_AT_1 = [(aug, 1.0) for aug in ARMS]
_ALL = [(aug, volume) for aug in ARMS for volume in (0.5, 1.0, 2.0)]
_CHOSEN = ("invert+flip", 0.5)

# fmt: off
CLAIMS = (
    Claim("1", "at original volume, invert beats no augmentation",
          "macro AUC, invert - none, ×1", gap("macro_auc", ("invert", 1), ("none", 1)), BETTER),
    Claim("2", "crop is worse than no augmentation",
          "macro AUC, crop - none, ×1", gap("macro_auc", ("crop", 1), ("none", 1)), WORSE),
    Claim("3a", "rotation is about the same as no augmentation",
          "macro AUC, rotation - none, ×1", gap("macro_auc", ("rotation", 1), ("none", 1)), SAME),
    Claim("3b", "flip is about the same as no augmentation",
          "macro AUC, flip - none, ×1", gap("macro_auc", ("flip", 1), ("none", 1)), SAME),
    Claim("4", "invert+flip is the best of all arms at original volume",
          "macro AUC, invert+flip - best other, ×1",
          lead("macro_auc", ("invert+flip", 1), _AT_1), BETTER),
    Claim("5", "at half volume the single augmentations rank as they do at original volume",
          "Kendall's tau of their macro AUC, ×0.5 and ×1", agreement("macro_auc"), SAME_ORDER, 0.0),
    Claim("6a", "at half volume invert+rotation improves clearly",
          "macro AUC, invert+rotation - none, ×0.5",
          gap("macro_auc", ("invert+rotation", 0.5), ("none", 0.5)), BETTER),
    Claim("6b", "at half volume invert+flip improves clearly",
          "macro AUC, invert+flip - none, ×0.5",
          gap("macro_auc", ("invert+flip", 0.5), ("none", 0.5)), BETTER),
    Claim("7", "volume is saturated: double is no better than original",
          "macro AUC, ×2 - ×1, mean of the seven arms", doubling("macro_auc"), NO_BETTER),
    Claim("8a", "the best model is invert+flip at half volume",
          "accuracy, invert+flip ×0.5 - best other cell", lead("accuracy", _CHOSEN, _ALL), BETTER),
    Claim("8b", "it reaches about 90 % accuracy",
          "accuracy, invert+flip ×0.5, less 0.9",
          excess("accuracy", _CHOSEN, 0.9), NEAR_ZERO, 0.02),
    Claim("9a", "loss: flip is lower than rotation",
          "BCE, flip - rotation, ×1", gap("bce", ("flip", 1), ("rotation", 1)), WORSE, 0.0),
    Claim("9b", "loss: crop has the highest",
          "BCE, crop - highest other, ×1", lead("bce", ("crop", 1), _AT_1), BETTER, 0.0),
)
# fmt: on


def judge(bootstrap: Bootstrap, margin: float) -> pd.DataFrame:
    """Judge every claim on the study at hand.

    Args:
        bootstrap: the study's cells.
        margin: a difference of macro AUC below this counts as none.

    Returns:
        A row per claim: ``claim, said, about, estimate, low, high`` (95 %), ``margin, rule,
        verdict``. A claim about cells that the study has not is *not judged*, its numbers NaN.
    """
    rows = []
    for claim in CLAIMS:
        used = margin if claim.margin is None else claim.margin
        row: dict[str, Any] = {"claim": claim.number, "said": claim.said, "about": claim.about}
        try:
            quantity = claim.quantity(bootstrap)
        except MissingCellError:
            row |= {"verdict": NOT_JUDGED}
        else:
            low, high = percentile_interval(quantity)
            row |= {"estimate": quantity.estimate, "low": low, "high": high}
            row |= {"verdict": claim.rule.judge(quantity, used)}
        rows.append(row | {"margin": used, "rule": claim.rule.name})
    columns = ["claim", "said", "about", "estimate", "low", "high", "margin", "rule", "verdict"]
    return pd.DataFrame(rows, columns=columns)
