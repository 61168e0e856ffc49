"""Which augmentation helps: each one against none, at each volume and over all, with a verdict."""

from collections.abc import Collection
from itertools import pairwise

import numpy as np
import pandas as pd

from nuclei.augmentation.recipes import generates, of_real_nuclei
from nuclei.statistics import inference
from nuclei.statistics.bootstrap import Bootstrap, Contrast, contrast
from nuclei.statistics.predictions import CONFIGURATION, Configuration
from nuclei.statistics.scores import METRICS

BETTER, WORSE, EQUIVALENT, UNDECIDED = "better", "worse", "equivalent", "undecided"
SATURATED, RISING, DECLINING = "saturated", "still rising", "declining"
METRIC = "macro_auc"  # the one that augmentations are judged by
LEVEL = 0.05  # of every test, after its adjustment

_COLUMNS = ["difference", *inference.DESCRIBED, "p", "p_holm", "p_tost", "p_tost_holm", "verdict"]


def differences(bootstrap: Bootstrap, margin: float, planned: Collection[str]) -> pd.DataFrame:
    """Compare every augmentation with none at the same volume; see `_judged`.

    A score's difference below `margin` counts as none. The p-values of the planned augmentations
    are adjusted together, those of the others apart. A row per augmentation, volume (with none) and
    metric has ``aug, volume, metric, difference``, what `inference.describe` gives, ``p`` of no
    difference, ``p_tost`` against ± margin (NaN where the metric has no margin), both adjusted
    (``_holm``) and the ``verdict``.
    """
    rows = []
    for aug, volume in bootstrap.configurations:
        if aug == "none" or ("none", volume) not in bootstrap.configurations:
            continue
        for metric in bootstrap.metrics:
            gap = contrast(bootstrap, metric, {(aug, volume): 1, ("none", volume): -1})
            key = {"aug": aug, "volume": volume, "metric": metric}
            rows.append(key | _tested(gap, metric, margin))
    table = pd.DataFrame(rows, columns=[*CONFIGURATION, "metric", *_COLUMNS])
    return _judged(table, ["volume", "metric"], planned)


def against_none(bootstrap: Bootstrap, margin: float, planned: Collection[str]) -> pd.DataFrame:
    """Compare every augmentation with none, as the mean over `compared_volumes`.

    The columns are those of `differences` but ``volume``. No rows if the study has no none, or no
    volume that all augmentations have.
    """
    augs = dict(bootstrap.configurations)
    compared = "none" in augs and shared_volumes(bootstrap.configurations)
    rows = []
    for aug in [aug for aug in augs if aug != "none"] if compared else []:
        for metric in bootstrap.metrics:
            gap = minus_none(bootstrap, metric, aug)
            rows.append({"aug": aug, "metric": metric} | _tested(gap, metric, margin))
    return _judged(pd.DataFrame(rows, columns=["aug", "metric", *_COLUMNS]), ["metric"], planned)


def synthetic_against_real(bootstrap: Bootstrap, margin: float) -> pd.DataFrame:
    """Compare every augmentation that has synthetic nuclei with the same one without: ``other``.

    Only at volumes above 1: up to 1 both show the same, real nuclei. The other columns are those of
    `differences`, for macro AUC. P-values are adjusted over the rows of a volume.
    """
    rows = []
    for aug, volume in bootstrap.configurations:
        other = of_real_nuclei(aug), volume
        if volume > 1 and generates(aug) and other in bootstrap.configurations:
            gap = contrast(bootstrap, METRIC, {(aug, volume): 1, other: -1})
            row = {"aug": aug, "other": other[0], "volume": volume, "metric": METRIC}
            rows.append(row | _tested(gap, METRIC, margin))
    columns = ["aug", "other", "volume", "metric", *_COLUMNS]
    return _judged(pd.DataFrame(rows, columns=columns), ["volume"], planned=())


def shared_volumes(configurations: list[Configuration]) -> list[float]:
    """Return the volumes that every augmentation has, ascending: over these they are compared."""
    volumes: dict[str, set[float]] = {}
    for aug, volume in configurations:
        volumes.setdefault(aug, set()).add(volume)
    return sorted(set.intersection(*volumes.values()))


def compared_volumes(configurations: list[Configuration], aug: str) -> list[float]:
    """Return the volumes over which an augmentation is compared with none: those that all share.

    With synthetic nuclei only those above 1, if there are any: up to 1 it has no synthetic ones.
    """
    shared = shared_volumes(configurations)
    return [volume for volume in shared if volume > 1 or not generates(aug)] or shared


def over_volumes(bootstrap: Bootstrap, metric: str, aug: str) -> Contrast:
    """Return an augmentation's score, the mean over the volumes that all augmentations share."""
    volumes = shared_volumes(bootstrap.configurations)
    return contrast(bootstrap, metric, {(aug, volume): 1 / len(volumes) for volume in volumes})


def minus_none(bootstrap: Bootstrap, metric: str, aug: str) -> Contrast:
    """Return an augmentation's score minus that of none, the mean over `compared_volumes`."""
    volumes = compared_volumes(bootstrap.configurations, aug)
    share = 1 / len(volumes)
    weights = {(aug, volume): share for volume in volumes}
    return contrast(bootstrap, metric, weights | {("none", volume): -share for volume in volumes})


def _tested(gap: Contrast, metric: str, margin: float) -> dict[str, float]:
    same = inference.p_tost(gap, margin) if METRICS[metric].has_margin else np.nan
    p_values = {"p": inference.p_value(gap), "p_tost": same}
    return {"difference": gap.estimate, **inference.describe(gap), **p_values}


def _judged(table: pd.DataFrame, families: list[str], planned: Collection[str]) -> pd.DataFrame:
    """Fill in ``p_holm, p_tost_holm, verdict``; only METRIC is judged.

    - equivalent: within ± margin, by two one-sided tests at 5 %, adjusted;
    - better, worse: else, different from none at 5 %, adjusted: above it, below it;
    - undecided: else.

    P-values are adjusted by Holm (1979) over rows that have the columns `families` in common, over
    the planned augmentations apart from the others: an added one changes nothing about them.
    """
    keys = [*(table[name] for name in families), table["aug"].isin(planned)]
    for name in ("p", "p_tost"):
        table[f"{name}_holm"] = table.groupby(keys)[name].transform(inference.holm)
    table["verdict"] = [_verdict(row) for _, row in table.iterrows()]
    return table


def _verdict(row: pd.Series) -> str:
    if row["metric"] != METRIC:
        return ""
    if row["p_tost_holm"] < LEVEL:
        return EQUIVALENT
    if not row["p_holm"] < LEVEL:
        return UNDECIDED
    more = row["difference"] > 0
    return BETTER if more == METRICS[METRIC].more_is_better else WORSE


def forest(differences: pd.DataFrame, overall: pd.DataFrame) -> pd.DataFrame:
    """Put together the forest plot of METRIC, from `differences` and `against_none`.

    ``significant`` is p_holm < LEVEL, ``volume`` is text: all, 0.5, ..., inf.
    """
    columns = [*CONFIGURATION, "difference", "low", "high", "p_holm", "significant", "verdict"]
    ascending = differences.sort_values("volume", kind="stable")
    at_each = ascending.assign(volume=[f"{volume:g}" for volume in ascending["volume"]])
    both = pd.concat([overall.assign(volume="all"), at_each])
    both["significant"] = both["p_holm"] < LEVEL
    return both.loc[both["metric"] == METRIC, columns].reset_index(drop=True)


def gains_of_volumes(bootstrap: Bootstrap, metric: str, margin: float) -> pd.DataFrame:
    """Return what each volume gains over the next smaller one, per augmentation, with a verdict.

    Up to volume 1 more volume is more nuclei; beyond it, more draws of the same ones. `none` draws
    nothing: beyond 1 it has the same pictures, and no row.
    """
    columns = ["aug", "smaller", "larger", "gain", *inference.DESCRIBED, "p_tost", "verdict"]
    rows = []
    for aug in dict(bootstrap.configurations):
        volumes = sorted(volume for name, volume in bootstrap.configurations if name == aug)
        for smaller, larger in pairwise(volumes):
            if aug != "none" or larger <= 1:
                gain = contrast(bootstrap, metric, {(aug, larger): 1, (aug, smaller): -1})
                key = {"aug": aug, "smaller": smaller, "larger": larger, "gain": gain.estimate}
                p_tost = inference.p_tost(gain, margin)
                judged = {"p_tost": p_tost, "verdict": verdict_of_gain(gain, margin)}
                rows.append(key | inference.describe(gain) | judged)
    return pd.DataFrame(rows, columns=columns)


def verdict_of_gain(gain: Contrast, margin: float) -> str:
    """Judge a gain in a metric of which more is better.

    Saturated: equivalent to 0 within ± margin (two one-sided tests at 5 %). Still rising: else, the
    95 % interval lies above 0. Declining: else, it lies below 0. Undecided: else.
    """
    if inference.p_tost(gain, margin) < LEVEL:
        return SATURATED
    low, high = inference.percentile_interval(gain)
    return RISING if low > 0 else DECLINING if high < 0 else UNDECIDED
