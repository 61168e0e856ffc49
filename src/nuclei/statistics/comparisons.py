"""Which arm helps: every arm against none, at each volume and over all of them, and a verdict."""

import numpy as np
import pandas as pd

from nuclei.augmentation.recipes import generates, of_real_nuclei
from nuclei.statistics.bootstrap import Bootstrap, Contrast, contrast
from nuclei.statistics.inference import DESCRIBED, describe, holm, p_tost, p_value
from nuclei.statistics.planned import PLANNED
from nuclei.statistics.predictions import CONFIGURATION, Configuration
from nuclei.statistics.scores import METRICS

BETTER, WORSE, EQUIVALENT, UNDECIDED = "better", "worse", "equivalent", "undecided"
METRIC = "macro_auc"  # on which an arm is judged
LEVEL = 0.05  # of every test, after its adjustment

_COLUMNS = ["difference", *DESCRIBED, "p", "p_holm", "p_tost", "p_tost_holm", "verdict"]


def differences(bootstrap: Bootstrap, margin: float) -> pd.DataFrame:
    """Every arm minus none at the same volume: a row per arm, volume and metric.

    ``aug, volume, metric, difference``, what `inference.describe` gives, ``p`` of no difference,
    ``p_tost`` against ± margin (NaN for losses), both adjusted (``_holm``) and the ``verdict``; see
    `_judged`. Volumes without none have no rows.
    """
    rows = []
    for aug, volume in bootstrap.configurations:
        if aug == "none" or ("none", volume) not in bootstrap.configurations:
            continue
        for metric in bootstrap.metrics:
            gap = contrast(bootstrap, metric, {(aug, volume): 1, ("none", volume): -1})
            rows.append(
                {"aug": aug, "volume": volume, "metric": metric} | _told(gap, metric, margin)
            )
    return _judged(
        pd.DataFrame(rows, columns=[*CONFIGURATION, "metric", *_COLUMNS]), ["volume", "metric"]
    )


def against_none(bootstrap: Bootstrap, margin: float) -> pd.DataFrame:
    """Every arm minus none, the mean over `compared_volumes`: a row per arm and metric.

    The columns of `differences` without the volume. No rows where there is no none, or no volume
    that all arms have.
    """
    arms = dict(bootstrap.configurations)
    compared = "none" in arms and shared_volumes(bootstrap.configurations)
    rows = []
    for aug in [aug for aug in arms if aug != "none"] if compared else []:
        for metric in bootstrap.metrics:
            gap = minus_none(bootstrap, metric, aug)
            rows.append({"aug": aug, "metric": metric} | _told(gap, metric, margin))
    return _judged(pd.DataFrame(rows, columns=["aug", "metric", *_COLUMNS]), ["metric"])


def of_made_nuclei(bootstrap: Bootstrap, margin: float) -> pd.DataFrame:
    """Every arm that generates minus the same arm without, at the volumes that show made nuclei.

    The columns of `differences`, for macro AUC alone, and ``other``, the arm without. No rows where
    the study has no such two arms.
    """
    rows = []
    for aug, volume in bootstrap.configurations:
        other = of_real_nuclei(aug), volume
        if volume > 1 and generates(aug) and other in bootstrap.configurations:
            gap = contrast(bootstrap, METRIC, {(aug, volume): 1, other: -1})
            row = {"aug": aug, "other": other[0], "volume": volume, "metric": METRIC}
            rows.append(row | _told(gap, METRIC, margin))
    columns = ["aug", "other", "volume", "metric", *_COLUMNS]
    return _judged(pd.DataFrame(rows, columns=columns), ["volume"])


def shared_volumes(cells: list[Configuration]) -> list[float]:
    """The volumes at which every arm has a cell, ascending: over these, arms are compared."""
    of_arm: dict[str, set[float]] = {}
    for aug, volume in cells:
        of_arm.setdefault(aug, set()).add(volume)
    return sorted(set.intersection(*of_arm.values()))


def compared_volumes(cells: list[Configuration], aug: str) -> list[float]:
    """The volumes over which an arm is compared with none: those that all arms share.

    Of an arm that generates those above 1 alone, if there are any: up to 1 it has no made nucleus,
    and what is no effect of it would dilute what is one.
    """
    shared = shared_volumes(cells)
    return [volume for volume in shared if volume > 1 or not generates(aug)] or shared


def over_volumes(bootstrap: Bootstrap, metric: str, aug: str) -> Contrast:
    """The score of an arm, the mean over the volumes that all arms share."""
    volumes = shared_volumes(bootstrap.configurations)
    return contrast(bootstrap, metric, {(aug, volume): 1 / len(volumes) for volume in volumes})


def minus_none(bootstrap: Bootstrap, metric: str, aug: str) -> Contrast:
    """An arm minus none, the mean over `compared_volumes`."""
    volumes = compared_volumes(bootstrap.configurations, aug)
    share = 1 / len(volumes)
    weights = {(aug, volume): share for volume in volumes}
    return contrast(bootstrap, metric, weights | {("none", volume): -share for volume in volumes})


def _told(gap: Contrast, metric: str, margin: float) -> dict[str, float]:
    same = p_tost(gap, margin) if METRICS[metric].has_margin else np.nan
    return {"difference": gap.estimate, **describe(gap), "p": p_value(gap), "p_tost": same}


def _judged(table: pd.DataFrame, families: list[str]) -> pd.DataFrame:
    """Fill in ``p_holm, p_tost_holm, verdict``.

    - equivalent: within ± margin, by two one-sided tests at 5 %, adjusted;
    - better, worse: else, different from none at 5 %, adjusted: above it, below it;
    - undecided: else.

    Adjusted by Holm (1979), over the planned arms that have the columns `families` in common, and
    for the others over these: an arm that is added to a study changes nothing about the arms that
    were planned. Only macro AUC is judged: one verdict per arm.
    """
    keys = [*(table[name] for name in families), table["aug"].isin(PLANNED)]
    for name in ("p", "p_tost"):
        table[f"{name}_holm"] = table.groupby(keys)[name].transform(holm)
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
    """What the forest shows of macro AUC: every arm over all volumes, and at each.

    Args:
        differences: of `differences`.
        overall: of `against_none`.

    Returns:
        ``aug, volume, difference, low, high, p_holm, significant, verdict``; volume is text: all,
        0.5, ..., inf.
    """
    columns = [*CONFIGURATION, "difference", "low", "high", "p_holm", "significant", "verdict"]
    ascending = differences.sort_values("volume", kind="stable")
    at_each = ascending.assign(volume=[f"{volume:g}" for volume in ascending["volume"]])
    both = pd.concat([overall.assign(volume="all"), at_each])
    both["significant"] = both["p_holm"] < LEVEL
    return both.loc[both["metric"] == METRIC, columns].reset_index(drop=True)
