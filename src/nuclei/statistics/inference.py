"""Intervals, p-values and equivalence of contrasts between configurations, from their resamples.

All of them widen the bootstrap from the normal to Student's t (`degrees_of_freedom`), and agree
with one another, exactly: p < 0.05 where the 95 % percentile interval excludes 0, equivalence at
5 % where the 90 % interval lies inside the margin.
"""

import numpy as np
import pandas as pd
from scipy.special import ndtr, ndtri, stdtr, stdtrit

from nuclei.core.classes import CLASSES
from nuclei.statistics.bootstrap import Bootstrap, Contrast, contrast
from nuclei.statistics.predictions import CONFIGURATION

DESCRIBED = ("low", "high", "undefined")  # the keys of `describe`


def degrees_of_freedom(contrast: Contrast) -> float:
    """Return the degrees of freedom of a contrast's variance (Satterthwaite 1946).

    The variance has a part from patients, by the jackknife, and one from repeats, which has R - 1
    degrees for each fold. With one repeat, what training adds is unknown and left out.
    """
    folds, repeats = contrast.repeats.shape
    freedom = freedom_of_patients(contrast)
    variance = np.nansum(contrast.influence**2)
    of_folds = contrast.repeats.var(axis=1, ddof=1) / repeats if repeats > 1 else np.zeros(1)
    training = of_folds.sum()
    if not training or (~np.isnan(contrast.influence)).sum() <= folds:
        return freedom
    lost = variance**2 / freedom + (of_folds**2).sum() / (repeats - 1)
    return float((variance + training) ** 2 / lost)


def freedom_of_patients(contrast: Contrast) -> float:
    """Return the degrees of freedom of the patients' part in a contrast's variance, at least 1.

    P patients, centred within F folds, have P - F, fewer if few of them contribute most: for
    contributions l it is 3 (Σl²)² / Σl⁴ (P - F) / P - 1, near P - F for normal ones (in the spirit
    of Bell and McCaffrey 2002 for clusters of unequal size).
    """
    squares = contrast.influence[~np.isnan(contrast.influence)] ** 2
    patients, folds = len(squares), len(contrast.repeats)
    if patients <= folds:
        return 1.0
    if not squares.any():
        return float(patients - folds)
    even = 3 * squares.sum() ** 2 / (squares**2).sum() * (patients - folds) / patients
    return float(np.clip(even - 1, 1, patients - folds))


def percentile_interval(contrast: Contrast, confidence: float = 0.95) -> tuple[float, float]:
    """Return the percentile interval, expanded to Student's t (Efron 1981; Hesterberg 2015).

    Its bounds are resamples, counted as `p_value` counts them. If t asks for more than the
    resamples can tell, they lie on a normal tail. Resamples in which a class is absent are left
    out; both bounds are NaN if all are.
    """
    return _bound(contrast, confidence, -1), _bound(contrast, confidence, 1)


def p_value(contrast: Contrast) -> float:
    """Return the two-sided p-value of no difference; see `p_one_sided`."""
    tails = p_one_sided(contrast, 0, -1), p_one_sided(contrast, 0, 1)
    return float(np.minimum(1, 2 * min(tails)))  # unlike min, it keeps NaN


def p_one_sided(contrast: Contrast, null: float, side: int) -> float:
    """Return the p-value of a value at `null` or on that side of it: -1 below, 1 above.

    It is the share of resamples there, counting the data as one (Davison and Hinkley 1997, section
    4.2), widened to Student's t.
    """
    samples = contrast.samples[~np.isnan(contrast.samples)]
    if not len(samples):
        return np.nan
    beyond = (side * (samples - null) >= 0).sum()
    z = ndtri((beyond + 1) / (len(samples) + 1))
    if not beyond:
        # The resamples cannot tell how far beyond them it lies: go on along a normal tail.
        spread = samples.std()
        z = min(z, -abs(contrast.estimate - null) / spread if spread else -np.inf)
    return float(stdtr(degrees_of_freedom(contrast), z))


def p_tost(contrast: Contrast, margin: float) -> float:
    """Return the p-value of a difference of `margin` or more, by TOST (Schuirmann 1987)."""
    return max(p_one_sided(contrast, -margin, -1), p_one_sided(contrast, margin, 1))


def holm(p: pd.Series) -> np.ndarray:
    """Adjust the p-values of one family (Holm 1979), in their order; NaN stays NaN."""
    adjusted = p.to_numpy(np.float64, copy=True)
    defined = np.flatnonzero(~np.isnan(adjusted))
    ascending = defined[np.argsort(adjusted[defined], kind="stable")]
    multiplied = adjusted[ascending] * np.arange(len(ascending), 0, -1)
    adjusted[ascending] = np.minimum(np.maximum.accumulate(multiplied), 1)
    return adjusted


def describe(contrast: Contrast) -> dict[str, float]:
    """Return a contrast's 95 % interval, ``low, high``, and how many resamples are undefined."""
    low, high = percentile_interval(contrast)
    return {"low": low, "high": high, "undefined": int(np.isnan(contrast.samples).sum())}


def scores_of_configurations(bootstrap: Bootstrap) -> pd.DataFrame:
    """Return every configuration's scores, with intervals for new patients and training seeds.

    They are ``aug, volume`` and for each metric the mean over repeats, their deviation ``_sd`` (NaN
    for one repeat), and the bounds of the 95 % interval, ``_low`` and ``_high``.
    """
    values = np.full((4, *bootstrap.estimates.shape), np.nan)
    values[0] = bootstrap.estimates
    if bootstrap.repeats.shape[3] > 1:
        values[1] = bootstrap.repeats.sum(axis=2).std(axis=2, ddof=1)
    for row, configuration in enumerate(bootstrap.configurations):
        for column, metric in enumerate(bootstrap.metrics):
            score = contrast(bootstrap, metric, {configuration: 1})
            values[2:, row, column] = percentile_interval(score)
    columns = [f"{name}{end}" for end in ("", "_sd", "_low", "_high") for name in bootstrap.metrics]
    keys = pd.DataFrame(bootstrap.configurations, columns=CONFIGURATION)
    return keys.join(pd.DataFrame(np.concatenate(values, axis=1), columns=columns))


def per_class(scores: pd.DataFrame) -> pd.DataFrame:
    """Return AUC and recall of each class with their bounds: a row per ``aug, volume, class``."""
    tables = []
    for name in CLASSES:
        names = {
            f"{score}_{name}{bound}": f"{score}{bound}"
            for score in ("auc", "recall")
            for bound in ("", "_low", "_high")
        }
        table = scores[[*CONFIGURATION, *names]].rename(columns=names)
        table.insert(len(CONFIGURATION), "class", name)
        tables.append(table)
    return pd.concat(tables, ignore_index=True)


def _bound(contrast: Contrast, confidence: float, side: int) -> float:
    """Return the last value that `p_one_sided` does not reject; side is -1 for low, 1 for high."""
    samples = contrast.samples[~np.isnan(contrast.samples)]
    if not len(samples):
        return np.nan
    t = stdtrit(degrees_of_freedom(contrast), (1 - confidence) / 2)
    farthest_first = np.sort(side * samples)[::-1]
    # A value is rejected while (resamples beyond it + 1) / (resamples + 1) is below this share.
    beyond = int(np.ceil(ndtr(t) * (len(samples) + 1) - 1)) - 1
    if beyond >= 0:
        return float(side * farthest_first[beyond])
    return float(side * max(farthest_first[0], side * contrast.estimate - t * samples.std()))
