"""The 2022 notebook's nine claims, each judged by a rule that is written once.

A claim is a line of CLAIMS: what the notebook said, the quantity that it is about, and the rule
that turns the quantity's interval into *supported*, *contradicted* or *undecided*.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pandas as pd

from nuclei.bootstrap import Bootstrap, Cell, Contrast, contrast
from nuclei.inference import p_equivalence, percentile

SUPPORTED, CONTRADICTED, UNDECIDED = "supported", "contradicted", "undecided"

NOT_JUDGED = "not judged"  # the study at hand has not all the cells that the claim is about

SINGLES = ("crop", "rotation", "flip", "invert")
ARMS = ("none", *SINGLES, "invert+rotation", "invert+flip")


def better(quantity: Contrast, margin: float) -> str:
    """Supported: the 95 % interval lies above 0. Contradicted: else, it lies below the margin."""
    low, high = percentile(quantity)
    return SUPPORTED if low > 0 else CONTRADICTED if high < margin else UNDECIDED


def worse(quantity: Contrast, margin: float) -> str:
    """Supported: the 95 % interval lies below 0. Contradicted: else, it lies above -margin."""
    low, high = percentile(quantity)
    return SUPPORTED if high < 0 else CONTRADICTED if low > -margin else UNDECIDED


def same(quantity: Contrast, margin: float) -> str:
    """Supported: equivalent within ± margin at 5 %. Contradicted: else, the interval excludes 0."""
    low, high = percentile(quantity)
    if p_equivalence(quantity, margin) < 0.05:
        return SUPPORTED
    return CONTRADICTED if low > 0 or high < 0 else UNDECIDED


def no_better(quantity: Contrast, margin: float) -> str:
    """Supported: the 95 % interval lies below the margin. Contradicted: else, it lies above 0."""
    low, high = percentile(quantity)
    return SUPPORTED if high < margin else CONTRADICTED if low > 0 else UNDECIDED


def same_order(quantity: Contrast, margin: float) -> str:
    """Of a rank correlation. Contradicted: the interval excludes 1. Supported: else, it is > 0."""
    low, high = percentile(quantity)
    return CONTRADICTED if high < 1 else SUPPORTED if low > 0 else UNDECIDED


def near_zero(quantity: Contrast, margin: float) -> str:
    """Supported: the 95 % interval lies within ± margin. Contradicted: it lies wholly outside."""
    low, high = percentile(quantity)
    if -margin < low and high < margin:
        return SUPPORTED
    return CONTRADICTED if high < -margin or low > margin else UNDECIDED


def gap(metric: str, one: Cell, other: Cell) -> Callable[[Bootstrap], Contrast]:
    """One cell's score minus another's."""
    return lambda bootstrap: contrast(bootstrap, metric, {one: 1, other: -1})


def lead(metric: str, one: Cell, others: list[Cell]) -> Callable[[Bootstrap], Contrast]:
    """One cell's score minus the highest score among others."""

    def quantity(bootstrap: Bootstrap) -> Contrast:
        gaps = [gap(metric, one, other)(bootstrap) for other in others if other != one]
        return Contrast(*(np.min(parts, axis=0) for parts in zip(*gaps, strict=True)))

    return quantity


def doubling(metric: str) -> Callable[[Bootstrap], Contrast]:
    """What volume 2 gains over volume 1, the mean over the notebook's arms."""
    weights = {(aug, volume): (volume - 1.5) * 2 / len(ARMS) for aug in ARMS for volume in (1, 2)}
    return lambda bootstrap: contrast(bootstrap, metric, weights)


def agreement(metric: str) -> Callable[[Bootstrap], Contrast]:
    """Kendall's tau between the ranks of the single augmentations at volumes 0.5 and 1."""

    def quantity(bootstrap: Bootstrap) -> Contrast:
        half, original = (
            [contrast(bootstrap, metric, {(aug, volume): 1}) for aug in SINGLES]
            for volume in (0.5, 1)
        )
        parts = zip(zip(*half, strict=True), zip(*original, strict=True), strict=True)
        return Contrast(*(_tau(np.array(one), np.array(other)) for one, other in parts))

    return quantity


def above(metric: str, cell: Cell, level: float) -> Callable[[Bootstrap], Contrast]:
    """How much a cell's score exceeds a level."""

    def quantity(bootstrap: Bootstrap) -> Contrast:
        score = contrast(bootstrap, metric, {cell: 1})
        return Contrast(*(part - level for part in score))

    return quantity


class Claim(NamedTuple):
    """One claim; `margin` replaces the study's where the quantity is on another scale."""

    number: str
    said: str
    about: str
    quantity: Callable[[Bootstrap], Contrast]
    rule: Callable[[Contrast, float], str]
    margin: float | None = None


_AT_1 = [(aug, 1.0) for aug in ARMS]
_ALL = [(aug, volume) for aug in ARMS for volume in (0.5, 1.0, 2.0)]
_CHOSEN = ("invert+flip", 0.5)

# fmt: off
CLAIMS = (
    Claim("1", "at original volume, invert beats no augmentation",
          "macro AUC, invert - none, ×1", gap("macro_auc", ("invert", 1), ("none", 1)), better),
    Claim("2", "crop is worse than no augmentation",
          "macro AUC, crop - none, ×1", gap("macro_auc", ("crop", 1), ("none", 1)), worse),
    Claim("3a", "rotation is about the same as no augmentation",
          "macro AUC, rotation - none, ×1", gap("macro_auc", ("rotation", 1), ("none", 1)), same),
    Claim("3b", "flip is about the same as no augmentation",
          "macro AUC, flip - none, ×1", gap("macro_auc", ("flip", 1), ("none", 1)), same),
    Claim("4", "invert+flip is the best of all arms at original volume",
          "macro AUC, invert+flip - best other, ×1",
          lead("macro_auc", ("invert+flip", 1), _AT_1), better),
    Claim("5", "at half volume the single augmentations rank as they do at original volume",
          "Kendall's tau of their macro AUC, ×0.5 and ×1", agreement("macro_auc"), same_order, 0.0),
    Claim("6a", "at half volume invert+rotation improves clearly",
          "macro AUC, invert+rotation - none, ×0.5",
          gap("macro_auc", ("invert+rotation", 0.5), ("none", 0.5)), better),
    Claim("6b", "at half volume invert+flip improves clearly",
          "macro AUC, invert+flip - none, ×0.5",
          gap("macro_auc", ("invert+flip", 0.5), ("none", 0.5)), better),
    Claim("7", "volume is saturated: double is no better than original",
          "macro AUC, ×2 - ×1, mean of the seven arms", doubling("macro_auc"), no_better),
    Claim("8a", "the best model is invert+flip at half volume",
          "accuracy, invert+flip ×0.5 - best other cell", lead("accuracy", _CHOSEN, _ALL), better),
    Claim("8b", "it reaches about 90 % accuracy",
          "accuracy, invert+flip ×0.5, less 0.9", above("accuracy", _CHOSEN, 0.9), near_zero, 0.02),
    Claim("9a", "loss: flip is lower than rotation",
          "BCE, flip - rotation, ×1", gap("bce", ("flip", 1), ("rotation", 1)), worse, 0.0),
    Claim("9b", "loss: crop has the highest",
          "BCE, crop - highest other, ×1", lead("bce", ("crop", 1), _AT_1), better, 0.0),
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
        row = {"claim": claim.number, "said": claim.said, "about": claim.about}
        try:
            quantity = claim.quantity(bootstrap)
        except ValueError:
            row |= {"verdict": NOT_JUDGED}
        else:
            low, high = percentile(quantity)
            row |= {"estimate": quantity.estimate, "low": low, "high": high}
            row |= {"verdict": claim.rule(quantity, used)}
        rows.append(row | {"margin": used, "rule": claim.rule.__name__.replace("_", " ")})
    columns = ["claim", "said", "about", "estimate", "low", "high", "margin", "rule", "verdict"]
    return pd.DataFrame(rows, columns=columns)


def _tau(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Kendall's tau down the first axis, for each place of the others."""
    pairs = np.triu_indices(len(one), 1)
    agree = np.sign(one[pairs[0]] - one[pairs[1]]) * np.sign(other[pairs[0]] - other[pairs[1]])
    return agree.mean(axis=0)
