"""What would decide the rest: patients and repeats that a comparison needs, from its variances."""

from bisect import bisect_left
from math import inf, sqrt
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.special import stdtrit

from nuclei.statistics.arms import METRIC, UNDECIDED, over_volumes
from nuclei.statistics.bootstrap import Bootstrap, Contrast, variance_factor
from nuclei.statistics.claims import CLAIMS

POWER, LEVEL = 0.8, 0.05  # a difference is found in four of five studies, by a two-sided test
MORE_REPEATS = 10
_MOST = 10**7  # patients
COLUMNS = [
    *("comparison", "verdict", "estimate", "target", "se_patients", "se_repeats"),
    *("found", "patients", "patients_more"),
]


class Variances(NamedTuple):
    """A contrast's variance, in two parts, and the study that it was measured in."""

    of_patients: float  # falls as 1 / patients
    of_repeats: float  # falls as 1 / repeats; NaN where one repeat cannot tell it
    patients: int
    folds: int
    repeats: int


def variances(contrast: Contrast) -> Variances:
    """Split a contrast's variance into what patients and what the seeds of trainings add.

    The part of patients is the jackknife's, widened as the resamples are; that of repeats is the
    variance between them within each fold.
    """
    influence = contrast.influence[~np.isnan(contrast.influence)]
    folds, repeats = contrast.repeats.shape
    seeds = (contrast.repeats.var(axis=1, ddof=1) / repeats).sum() if repeats > 1 else np.nan
    of_patients = variance_factor(folds) * float((influence**2).sum())
    return Variances(of_patients, float(seeds), len(influence), folds, repeats)


def found(measured: Variances, patients: int, repeats: int) -> float:
    """The smallest true difference that a study of so many patients and repeats finds.

    Found means p < LEVEL in POWER of such studies (Cohen 1988), by Student's t of as many degrees
    of freedom as both parts of the variance together have (Satterthwaite 1946). Hospitals, folds,
    the nuclei of a patient and the length of trainings stay as they were.
    """
    of_patients = measured.of_patients * measured.patients / patients
    of_repeats = np.nan_to_num(measured.of_repeats) * measured.repeats / repeats
    lost = of_patients**2 / (patients - measured.folds)
    if of_repeats:
        lost += of_repeats**2 / (measured.folds * (repeats - 1))
    variance = of_patients + of_repeats
    freedom = max(variance**2 / lost, 1.0) if lost else np.inf
    return float(stdtrit(freedom, 1 - LEVEL / 2) + stdtrit(freedom, POWER)) * sqrt(variance)


def patients_needed(measured: Variances, difference: float, repeats: int) -> float:
    """How many patients find a true difference; infinite where the seeds alone hide it.

    Args:
        measured: of `variances`.
        difference: the true difference, above 0.
        repeats: of every training.
    """
    if found(measured, _MOST, repeats) > difference:
        return inf
    counts = range(measured.folds + 1, _MOST)
    enough = bisect_left(
        counts, True, key=lambda count: found(measured, count, repeats) <= difference
    )
    return counts[enough]


def needs(
    bootstrap: Bootstrap, overall: pd.DataFrame, judged: pd.DataFrame, margin: float
) -> pd.DataFrame:
    """What it would take to decide: of every arm, and of every claim that is undecided.

    Args:
        bootstrap: the study's cells.
        overall: of `arms.against_none`.
        judged: of `claims.judge`.
        margin: a difference in a score below this counts as none.

    Returns:
        ``comparison, verdict, estimate, target`` (the difference to be found: the margin, or where
        a claim has none, the estimate), the standard errors due to patients and to repeats
        (``se_patients, se_repeats``), ``found``, the smallest difference that this study finds, and
        how many patients would find the target with as many repeats (``patients``) and with
        MORE_REPEATS (``patients_more``).
    """
    rows = []
    for _, arm in overall[overall["metric"] == METRIC].iterrows():
        gap = over_volumes(bootstrap, METRIC, arm["aug"], "none")
        rows.append(
            {"comparison": f"{arm['aug']} − none", "verdict": arm["verdict"]} | _row(gap, margin)
        )
    undecided = set(judged.loc[judged["verdict"] == UNDECIDED, "claim"])
    for claim in [claim for claim in CLAIMS if claim.number in undecided]:
        contrasts = claim.measure(bootstrap).contrasts
        hardest = max(contrasts, key=lambda gap: np.nanvar(gap.samples))
        target = margin if claim.margin is None else claim.margin
        told = {"comparison": f"claim {claim.number}: {claim.about}", "verdict": UNDECIDED}
        rows.append(told | _row(hardest, target or abs(hardest.estimate)))
    return pd.DataFrame(rows, columns=COLUMNS)


def _row(gap: Contrast, target: float) -> dict[str, float]:
    measured = variances(gap)
    return {
        **{"estimate": gap.estimate, "target": target},
        "se_patients": sqrt(measured.of_patients),
        "se_repeats": sqrt(measured.of_repeats),
        "found": found(measured, measured.patients, measured.repeats),
        "patients": patients_needed(measured, target, measured.repeats),
        "patients_more": patients_needed(measured, target, MORE_REPEATS),
    }
