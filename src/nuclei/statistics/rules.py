"""The rules by which a claim is judged: each has a name, a text and a function that applies it."""

from collections.abc import Callable
from typing import NamedTuple

from nuclei.statistics.bootstrap import Contrast
from nuclei.statistics.inference import p_one_sided, p_tost, percentile_interval

SUPPORTED, CONTRADICTED, UNDECIDED = "supported", "contradicted", "undecided"
LEVEL = 0.05  # of both verdicts together

Judge = Callable[[list[Contrast], float], str]  # contrasts and margin -> verdict


class Rule(NamedTuple):
    """How contrasts become a verdict; a difference below the margin counts as none."""

    name: str
    text: str
    judge: Judge


def _verdict(supported: bool, contradicted: bool) -> str:
    """Give *supported* precedence: a rule's text says *else* where both may hold."""
    return SUPPORTED if supported else CONTRADICTED if contradicted else UNDECIDED


def _by_interval(findings: Callable[[float, float, float], tuple[bool, bool]]) -> Judge:
    """Judge one contrast by its 95 % interval: low, high, margin -> supported, contradicted."""
    return lambda gaps, margin: _verdict(*findings(*percentile_interval(gaps[0]), margin))


def _same(gaps: list[Contrast], margin: float) -> str:
    low, high = percentile_interval(gaps[0])
    return _verdict(p_tost(gaps[0], margin) < LEVEL, low > 0 or high < 0)


def _best(gaps: list[Contrast], margin: float) -> str:
    # Against all others: each test at the full level is enough (Berger 1982). Against any of
    # them: the smallest of so many p-values is one of a family (Bonferroni's first step of Holm).
    # It lies far out on a tail, where skewed patients make percentiles too bold: half the level.
    supported = all(p_one_sided(gap, 0, -1) < LEVEL / 2 for gap in gaps)
    behind = min(p_one_sided(gap, -margin, 1) for gap in gaps)
    return _verdict(supported, len(gaps) * behind < LEVEL / 4)


def _same_order(gaps: list[Contrast], margin: float) -> str:
    pairs = list(zip(gaps[::2], gaps[1::2], strict=True))
    supported = all(_alike(*pair) or _equivalent(*pair, margin) for pair in pairs)
    swapped = min(min(_p_swapped(*pair, 1), _p_swapped(*pair, -1)) for pair in pairs)
    return _verdict(supported, 2 * len(pairs) * swapped < LEVEL)


def _alike(one: Contrast, other: Contrast) -> bool:
    above = [p_one_sided(gap, 0, -1) < LEVEL / 2 for gap in (one, other)]
    below = [p_one_sided(gap, 0, 1) < LEVEL / 2 for gap in (one, other)]
    return all(above) or all(below)


def _equivalent(one: Contrast, other: Contrast, margin: float) -> bool:
    # At half the level, as `_alike`: a pair may pass by the one or by the other.
    return max(p_tost(one, margin), p_tost(other, margin)) < LEVEL / 2


def _p_swapped(one: Contrast, other: Contrast, side: int) -> float:
    """Return the p-value of no swap, in which `other` lies on `side` of 0 and `one` opposite."""
    return max(p_one_sided(one, 0, side), p_one_sided(other, 0, -side))


BETTER = Rule(
    "better",
    "Supported: the 95 % interval lies above 0. Contradicted: else, it lies below the margin.",
    _by_interval(lambda low, high, margin: (low > 0, high < margin)),
)
WORSE = Rule(
    "worse",
    "Supported: the 95 % interval lies below 0. Contradicted: else, it lies above -margin.",
    _by_interval(lambda low, high, margin: (high < 0, low > -margin)),
)
SAME = Rule(
    "same",
    "Supported: equivalent within ± margin at 5 %. Contradicted: else, the interval excludes 0.",
    _same,
)
NO_BETTER = Rule(
    "no better",
    "Supported: the 95 % interval lies below the margin. Contradicted: else, it lies above 0.",
    _by_interval(lambda low, high, margin: (high < margin, low > 0)),
)
NEAR_ZERO = Rule(
    "near zero",
    "Supported: the 95 % interval lies within ± margin. Contradicted: it lies wholly outside.",
    _by_interval(
        lambda low, high, margin: (-margin < low and high < margin, high < -margin or low > margin)
    ),
)
BEST = Rule(
    "best",
    "Supported: better than every other one, each 95 % interval above 0. Contradicted: else, some "
    "other one is better by more than the margin, adjusted for their number, at half the level "
    "because effects are skewed. Shown: the gap to the strongest other one.",
    _best,
)
SAME_ORDER = Rule(
    "same order",
    "Supported: every pair is ordered alike at both volumes, its 95 % intervals on one side of 0, "
    "or equivalent at both, its 95 % intervals within ± margin. Contradicted: else, some pair "
    "changes its order, adjusted for the number of pairs. Shown: Kendall's tau.",
    _same_order,
)
RULES = {r.name: r for r in (BETTER, WORSE, SAME, NO_BETTER, NEAR_ZERO, BEST, SAME_ORDER)}
