"""The 2022 notebook's nine claims, planned before any result: each is judged at 5 % by itself."""

from collections.abc import Callable
from itertools import combinations
from math import nan
from typing import NamedTuple

import numpy as np
import pandas as pd

from nuclei.statistics.bootstrap import Bootstrap, Contrast, MissingConfigurationError, contrast
from nuclei.statistics.inference import percentile_interval
from nuclei.statistics.notebook import AUGMENTATIONS, SINGLES
from nuclei.statistics.predictions import Configuration
from nuclei.statistics.rules import (
    BEST,
    BETTER,
    NEAR_ZERO,
    NO_BETTER,
    SAME,
    SAME_ORDER,
    WORSE,
    Rule,
)

NOT_JUDGED = "not judged"  # the study at hand lacks a configuration that the claim is about


class Quantity(NamedTuple):
    """What a claim is about: the contrasts that its rule looks at, and what is shown of them."""

    contrasts: list[Contrast]
    estimate: float
    low: float = nan
    high: float = nan


Measure = Callable[[Bootstrap], Quantity]


def _shown(shown: Contrast, contrasts: list[Contrast]) -> Quantity:
    return Quantity(contrasts, shown.estimate, *percentile_interval(shown))


def weighted(metric: str, weights: dict[Configuration, float], less: float = 0.0) -> Measure:
    """Return a measure of a weighted sum of scores, less a constant."""

    def measure(bootstrap: Bootstrap) -> Quantity:
        total = contrast(bootstrap, metric, weights)
        excess = total._replace(estimate=total.estimate - less, samples=total.samples - less)
        return _shown(excess, [excess])

    return measure


def gap(metric: str, one: Configuration, other: Configuration) -> Measure:
    """Return a measure of one configuration's score minus another's."""
    return weighted(metric, {one: 1, other: -1})


def lead(metric: str, one: Configuration, others: list[Configuration]) -> Measure:
    """Return a measure of one score minus each other one; shown is the smallest difference."""

    def measure(bootstrap: Bootstrap) -> Quantity:
        gaps = [
            contrast(bootstrap, metric, {one: 1, other: -1}) for other in others if other != one
        ]
        return _shown(min(gaps, key=lambda gap: gap.estimate), gaps)

    return measure


def doubling(metric: str) -> Measure:
    """Return a measure of volume 2 minus volume 1, the mean over the notebook's augmentations."""
    # None is not among them: its second copy is its first one.
    augs = AUGMENTATIONS[1:]
    signs = {1.0: -1, 2.0: 1}
    weights = {(aug, volume): signs[volume] / len(augs) for aug in augs for volume in signs}
    return weighted(metric, weights)


def agreement(metric: str) -> Measure:
    """Return a measure (Kendall's tau) of how SINGLES are ordered at volumes 0.5 and 1."""

    def measure(bootstrap: Bootstrap) -> Quantity:
        gaps = [
            contrast(bootstrap, metric, {(one, volume): 1, (other, volume): -1})
            for one, other in combinations(SINGLES, 2)
            for volume in (0.5, 1)
        ]
        signs = np.sign([gap.estimate for gap in gaps])
        return Quantity(gaps, float((signs[::2] * signs[1::2]).mean()))

    return measure


class Claim(NamedTuple):
    """One claim; `margin` replaces the study's if the quantity is on another scale."""

    number: str
    statement: str
    quantity: str
    measure: Measure
    rule: Rule
    margin: float | None = None


_AT_1 = [(aug, 1.0) for aug in AUGMENTATIONS]
_ALL = [(aug, volume) for aug in AUGMENTATIONS for volume in (0.5, 1.0, 2.0)]
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
    Claim("4", "invert+flip is the best of all augmentations at original volume",
          "macro AUC, invert+flip - best other, ×1",
          lead("macro_auc", ("invert+flip", 1), _AT_1), BEST),
    Claim("5", "at half volume the single augmentations rank as they do at original volume",
          "Kendall's tau of their macro AUC, ×0.5 and ×1", agreement("macro_auc"), SAME_ORDER),
    Claim("6a", "at half volume invert+rotation improves clearly",
          "macro AUC, invert+rotation - none, ×0.5",
          gap("macro_auc", ("invert+rotation", 0.5), ("none", 0.5)), BETTER),
    Claim("6b", "at half volume invert+flip improves clearly",
          "macro AUC, invert+flip - none, ×0.5",
          gap("macro_auc", ("invert+flip", 0.5), ("none", 0.5)), BETTER),
    Claim("7", "volume is saturated: double is no better than original",
          "macro AUC, ×2 - ×1, mean of the six augmentations that draw", doubling("macro_auc"),
          NO_BETTER),
    Claim("8a", "the best model is invert+flip at half volume",
          "accuracy, invert+flip ×0.5 - best other configuration",
          lead("accuracy", _CHOSEN, _ALL), BEST),
    Claim("8b", "it reaches about 90 % accuracy",
          "accuracy, invert+flip ×0.5, less 0.9",
          weighted("accuracy", {_CHOSEN: 1}, less=0.9), NEAR_ZERO, 0.02),
    Claim("9a", "loss: flip is lower than rotation",
          "BCE, flip - rotation, ×1", gap("bce", ("flip", 1), ("rotation", 1)), WORSE, 0.0),
    Claim("9b", "loss: crop has the highest",
          "BCE, crop - highest other, ×1", lead("bce", ("crop", 1), _AT_1), BEST, 0.0),
)
# fmt: on


def judge(bootstrap: Bootstrap, margin: float) -> pd.DataFrame:
    """Judge every claim on the study at hand; differences of scores below `margin` count as none.

    A row per claim, its interval of 95 %. A claim about configurations that the study lacks is *not
    judged*, its numbers NaN.
    """
    rows = []
    for claim in CLAIMS:
        used = margin if claim.margin is None else claim.margin
        try:
            contrasts, *shown = claim.measure(bootstrap)
            verdict = claim.rule.judge(contrasts, used)
        except MissingConfigurationError:
            shown, verdict = [nan, nan, nan], NOT_JUDGED
        about = claim.number, claim.statement, claim.quantity
        rows.append((*about, *shown, used, claim.rule.name, verdict))
    columns = ["claim", "statement", "quantity", "estimate", "low", "high"]
    return pd.DataFrame(rows, columns=[*columns, "margin", "rule", "verdict"])
