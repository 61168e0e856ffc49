"""What more training nuclei buy: gains between volumes, a fitted curve, and a verdict."""

from itertools import pairwise

import numpy as np
import pandas as pd

from nuclei.statistics.bootstrap import Bootstrap, Contrast, contrast
from nuclei.statistics.inference import describe, p_tost, percentile_interval

SATURATED, RISING, DECLINING = "saturated", "still rising", "declining"
UNDECIDED = "undecided"

_FEWEST_VOLUMES = 4  # three would fit the law's three parameters exactly


def gains(bootstrap: Bootstrap, metric: str, margin: float) -> pd.DataFrame:
    """What each volume gains over the next smaller one, per augmentation.

    ``aug, smaller, larger, gain``, what `inference.describe` gives, ``p_tost``.
    """
    rows = []
    for aug, volumes in _volumes(bootstrap).items():
        for smaller, larger in pairwise(volumes):
            rows.append(_gain(bootstrap, metric, margin, aug, smaller, larger))
    return pd.DataFrame(rows)


def verdicts(bootstrap: Bootstrap, metric: str, margin: float) -> pd.DataFrame:
    """Whether volume is saturated, per augmentation: a row of `gains`, and ``verdict``.

    The gain judged is that of the largest volume over the largest one of at most half its size, so
    of at least a doubling; an augmentation without such a pair is undecided, its numbers NaN.
    """
    rows = []
    for aug, volumes in _volumes(bootstrap).items():
        halves = [volume for volume in volumes if volume <= volumes[-1] / 2]
        if halves:
            row = _gain(bootstrap, metric, margin, aug, halves[-1], volumes[-1])
            cells = {(aug, volumes[-1]): 1.0, (aug, halves[-1]): -1.0}
            row["verdict"] = verdict(contrast(bootstrap, metric, cells), margin)
        else:
            row = {"aug": aug, "verdict": UNDECIDED}
        rows.append(row)
    return pd.DataFrame(rows)


def verdict(gain: Contrast, margin: float) -> str:
    """The rule, for a metric of which more is better.

    - saturated: the gain is equivalent to 0 within ± margin (two one-sided tests at 5 %);
    - still rising: else, the 95 % interval of the gain lies above 0;
    - declining: else, it lies below 0;
    - undecided: else.
    """
    if p_tost(gain, margin) < 0.05:
        return SATURATED
    low, high = percentile_interval(gain)
    return RISING if low > 0 else DECLINING if high < 0 else UNDECIDED


def fits(bootstrap: Bootstrap, metric: str) -> pd.DataFrame:
    """The inverse power law of each augmentation with four volumes or more: ``aug, a, b, c``."""
    rows = []
    for aug, volumes in _volumes(bootstrap).items():
        if len(volumes) >= _FEWEST_VOLUMES:
            scores = [contrast(bootstrap, metric, {(aug, v): 1}).estimate for v in volumes]
            a, b, c = inverse_power_law(np.array(volumes), np.array(scores))
            rows.append({"aug": aug, "a": a, "b": b, "c": c})
    return pd.DataFrame(rows, columns=["aug", "a", "b", "c"])


def inverse_power_law(volumes: np.ndarray, scores: np.ndarray) -> tuple[float, float, float]:
    """Least squares of score = a + b · volume^-c (Figueroa et al. 2012), 0 ≤ a ≤ 1, 0 < c ≤ 4.

    Args:
        volumes: (V,) float, V ≥ 4.
        scores: (V,) float from 0 to 1.

    Returns:
        a, the score that endless data tend to; b, negative where data help; c, how fast. NaN where
        the fit does not converge.
    """
    from scipy.optimize import curve_fit  # slow to import, and seldom needed

    start = (scores[-1], scores[0] - scores[-1], 1.0)
    try:
        with np.errstate(all="ignore"):
            best, _ = curve_fit(_law, volumes, scores, start, bounds=([0, -1, 0.01], [1, 1, 4]))
    except RuntimeError:
        return np.nan, np.nan, np.nan
    return tuple(best.tolist())


def _law(volume: np.ndarray, a: float, b: float, c: float) -> np.ndarray:
    return a + b * volume**-c


def _volumes(bootstrap: Bootstrap) -> dict[str, list[float]]:
    """The volumes of each augmentation, ascending; augmentations in the order of the cells."""
    return {
        aug: sorted(volume for name, volume in bootstrap.cells if name == aug)
        for aug in dict(bootstrap.cells)
    }


def _gain(
    bootstrap: Bootstrap, metric: str, margin: float, aug: str, smaller: float, larger: float
) -> dict:
    gain = contrast(bootstrap, metric, {(aug, larger): 1, (aug, smaller): -1})
    key = {"aug": aug, "smaller": smaller, "larger": larger, "gain": gain.estimate}
    return key | describe(gain) | {"p_tost": p_tost(gain, margin)}
