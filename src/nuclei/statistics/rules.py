"""The rules by which a claim is judged: each has a name, its text, and what applies it.

A rule looks at a quantity's interval and says *supported*, *contradicted* or *undecided*.
"""

from collections.abc import Callable
from typing import NamedTuple

from nuclei.statistics.bootstrap import Contrast
from nuclei.statistics.inference import p_tost, percentile_interval

SUPPORTED, CONTRADICTED, UNDECIDED = "supported", "contradicted", "undecided"


class Rule(NamedTuple):
    """How a quantity becomes a verdict; differences below the margin count as none."""

    name: str
    text: str
    judge: Callable[[Contrast, float], str]


def _verdict(supported: bool, contradicted: bool) -> str:
    """Of two findings the first leads: a rule's text says *else* where both may hold."""
    return SUPPORTED if supported else CONTRADICTED if contradicted else UNDECIDED


def _better(quantity: Contrast, margin: float) -> str:
    low, high = percentile_interval(quantity)
    return _verdict(low > 0, high < margin)


def _worse(quantity: Contrast, margin: float) -> str:
    low, high = percentile_interval(quantity)
    return _verdict(high < 0, low > -margin)


def _same(quantity: Contrast, margin: float) -> str:
    low, high = percentile_interval(quantity)
    return _verdict(p_tost(quantity, margin) < 0.05, low > 0 or high < 0)


def _no_better(quantity: Contrast, margin: float) -> str:
    low, high = percentile_interval(quantity)
    return _verdict(high < margin, low > 0)


def _same_order(quantity: Contrast, margin: float) -> str:
    low, high = percentile_interval(quantity)
    return CONTRADICTED if high < 1 else _verdict(low > 0, False)


def _near_zero(quantity: Contrast, margin: float) -> str:
    low, high = percentile_interval(quantity)
    return _verdict(-margin < low and high < margin, high < -margin or low > margin)


BETTER = Rule(
    "better",
    "Supported: the 95 % interval lies above 0. Contradicted: else, it lies below the margin.",
    _better,
)
WORSE = Rule(
    "worse",
    "Supported: the 95 % interval lies below 0. Contradicted: else, it lies above -margin.",
    _worse,
)
SAME = Rule(
    "same",
    "Supported: equivalent within ± margin at 5 %. Contradicted: else, the interval excludes 0.",
    _same,
)
NO_BETTER = Rule(
    "no better",
    "Supported: the 95 % interval lies below the margin. Contradicted: else, it lies above 0.",
    _no_better,
)
SAME_ORDER = Rule(
    "same order",
    "Of a rank correlation. Contradicted: the interval excludes 1. Supported: else, it is > 0.",
    _same_order,
)
NEAR_ZERO = Rule(
    "near zero",
    "Supported: the 95 % interval lies within ± margin. Contradicted: it lies wholly outside.",
    _near_zero,
)
RULES = {rule.name: rule for rule in (BETTER, WORSE, SAME, NO_BETTER, SAME_ORDER, NEAR_ZERO)}
