"""What more training nuclei, and more draws of them, buy: gains, and a verdict each."""

from itertools import pairwise

import pandas as pd

from nuclei.statistics.bootstrap import Bootstrap, Contrast, contrast
from nuclei.statistics.inference import DESCRIBED, describe, p_tost, percentile_interval

SATURATED, RISING, DECLINING, UNDECIDED = "saturated", "still rising", "declining", "undecided"


def gains(bootstrap: Bootstrap, metric: str, margin: float) -> pd.DataFrame:
    """Return what each volume gains over the next smaller one, per augmentation, with a verdict.

    Up to volume 1 more volume is more nuclei; beyond it, more draws of the same ones. `none` draws
    nothing: beyond 1 it has the same pictures, and no row.

    Returns:
        ``aug, smaller, larger, gain``, what `inference.describe` gives, ``p_tost, verdict``.
    """
    columns = ["aug", "smaller", "larger", "gain", *DESCRIBED, "p_tost", "verdict"]
    rows = []
    for aug in dict(bootstrap.configurations):
        volumes = sorted(volume for name, volume in bootstrap.configurations if name == aug)
        for smaller, larger in pairwise(volumes):
            if aug != "none" or larger <= 1:
                gain = contrast(bootstrap, metric, {(aug, larger): 1, (aug, smaller): -1})
                key = {"aug": aug, "smaller": smaller, "larger": larger, "gain": gain.estimate}
                judged = {"p_tost": p_tost(gain, margin), "verdict": verdict(gain, margin)}
                rows.append(key | describe(gain) | judged)
    return pd.DataFrame(rows, columns=columns)


def verdict(gain: Contrast, margin: float) -> str:
    """Judge a gain in a metric of which more is better.

    Saturated: equivalent to 0 within ± margin (two one-sided tests at 5 %). Still rising: else, the
    95 % interval lies above 0. Declining: else, it lies below 0. Undecided: else.
    """
    if p_tost(gain, margin) < 0.05:
        return SATURATED
    low, high = percentile_interval(gain)
    return RISING if low > 0 else DECLINING if high < 0 else UNDECIDED
