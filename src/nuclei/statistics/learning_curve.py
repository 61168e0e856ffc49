"""What more training nuclei, and more draws of them, buy: gains, verdicts, a fitted curve."""

from itertools import pairwise

import numpy as np
import pandas as pd

from nuclei.statistics.bootstrap import Bootstrap, Contrast, contrast
from nuclei.statistics.inference import DESCRIBED, describe, p_tost, percentile_interval

SATURATED, RISING, DECLINING = "saturated", "still rising", "declining"
UNDECIDED = "undecided"

_FEWEST_VOLUMES = 4  # three would fit the law's three parameters exactly


def gains(bootstrap: Bootstrap, metric: str, margin: float) -> pd.DataFrame:
    """What each volume gains over the next smaller one, per augmentation, with a verdict.

    Up to volume 1 more volume is more nuclei; beyond it, more draws of the same ones. `none` draws
    nothing: beyond 1 it has the same pictures, and no row.

    ``aug, smaller, larger, gain``, what `inference.describe` gives, ``p_tost, verdict``.
    """
    columns = ["aug", "smaller", "larger", "gain", *DESCRIBED, "p_tost", "verdict"]
    rows = []
    for aug, volumes in _volumes(bootstrap).items():
        for smaller, larger in pairwise(volumes):
            if aug != "none" or larger <= 1:
                gain = contrast(bootstrap, metric, {(aug, larger): 1, (aug, smaller): -1})
                key = {"aug": aug, "smaller": smaller, "larger": larger, "gain": gain.estimate}
                judged = {"p_tost": p_tost(gain, margin), "verdict": verdict(gain, margin)}
                rows.append(key | describe(gain) | judged)
    return pd.DataFrame(rows, columns=columns)


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
    """The inverse power law of each augmentation with four volumes up to 1: ``aug, a, b, c``.

    Beyond 1, more volume is no more data.
    """
    rows = []
    for aug, volumes in _volumes(bootstrap).items():
        data = [volume for volume in volumes if volume <= 1]
        if len(data) >= _FEWEST_VOLUMES:
            scores = [contrast(bootstrap, metric, {(aug, v): 1}).estimate for v in data]
            a, b, c = inverse_power_law(np.array(data), np.array(scores))
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
        aug: sorted(volume for name, volume in bootstrap.configurations if name == aug)
        for aug in dict(bootstrap.configurations)
    }
