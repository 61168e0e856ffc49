"""What would decide the rest: patients and repeats that a comparison needs, from its variances."""

from math import inf, nan, sqrt
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.special import stdtrit

from nuclei.statistics.bootstrap import Bootstrap, Contrast, variance_factor
from nuclei.statistics.claims import CLAIMS
from nuclei.statistics.comparisons import METRIC, UNDECIDED, minus_none
from nuclei.statistics.inference import freedom_of_patients
from nuclei.statistics.rules import SAME_ORDER

POWER, LEVEL = 0.8, 0.05  # four of five studies detect a difference, by a two-sided test
MORE_REPEATS = 10
AUGMENTATION, CLAIM = "augmentation", "claim"  # what a comparison is of
_MOST = 10**6  # patients
COLUMNS = [
    *("of", "comparison", "verdict", "estimate", "target", "se_patients", "se_repeats"),
    *("detectable", "patients", "patients_more"),
]


class Variances(NamedTuple):
    """A contrast's variance, in two parts, and the study that it was measured in."""

    of_patients: float  # falls as 1 / patients; NaN where one alone holds a class of a fold
    of_repeats: float  # falls as 1 / repeats; 0 where one repeat cannot tell it
    evenness: float  # degrees of freedom of the patients' part, over patients less folds
    patients: int
    folds: int
    repeats: int


def variances(contrast: Contrast) -> Variances:
    """Split a contrast's variance, widened as the resamples are: of patients, of seeds."""
    patients, (folds, repeats) = len(contrast.influence), contrast.repeats.shape
    seeds = (contrast.repeats.var(axis=1, ddof=1) / repeats).sum() if repeats > 1 else 0.0
    factor = variance_factor(folds)
    return Variances(
        factor * float((contrast.influence**2).sum()),
        factor * float(seeds),
        freedom_of_patients(contrast) / max(patients - folds, 1),
        *(patients, folds, repeats),
    )


def detectable(measured: Variances, patients: np.ndarray, repeats: int) -> np.ndarray:
    """Return the smallest true differences that so many patients, int (n,), detect: float64 (n,).

    To detect means p < LEVEL in POWER of such studies (Cohen 1988), by Student's t of as many
    degrees of freedom as both parts of the variance together have (Satterthwaite 1946). Sites,
    folds, the nuclei of a patient and the length of trainings stay as they were.
    """
    of_patients = measured.of_patients * measured.patients / patients
    of_repeats = measured.of_repeats * measured.repeats / repeats
    variance = of_patients + of_repeats
    lost = of_patients**2 / (measured.evenness * (patients - measured.folds))
    if of_repeats:
        lost = lost + of_repeats**2 / (measured.folds * (repeats - 1))
    freedom = np.maximum(variance**2 / np.maximum(lost, 1e-300), 1.0)
    return (stdtrit(freedom, 1 - LEVEL / 2) + stdtrit(freedom, POWER)) * np.sqrt(variance)


def patients_needed(measured: Variances, difference: float, repeats: int) -> float:
    """Return how many patients detect a true difference; infinite if the seeds alone hide it.

    There are at least two for each fold, which an interval needs. Above some hundreds the count is
    rounded, to a hundredth. It is NaN if the variance is not known.
    """
    if np.isnan(measured.of_patients):
        return nan
    counts = np.unique(np.geomspace(2 * measured.folds, _MOST, 2000).astype(int))
    enough = detectable(measured, counts, repeats) <= difference
    return float(counts[enough.argmax()]) if enough.any() else inf


def needs(
    bootstrap: Bootstrap, overall: pd.DataFrame, judged: pd.DataFrame, margin: float
) -> pd.DataFrame:
    """Return what each augmentation needs, and each undecided claim that is one comparison.

    `overall` is of `comparisons.against_none`, `judged` of `claims.judge`. ``target`` is the
    difference to be detected: the margin, or the estimate of a claim without one. ``detectable`` is
    the smallest difference that this study detects; so many ``patients`` would detect the target
    with as many repeats, and ``patients_more`` with MORE_REPEATS.
    """
    rows = []
    for _, row in overall[overall["metric"] == METRIC].iterrows():
        about = {"of": AUGMENTATION, "comparison": f"{row['aug']} − none"}
        gap = minus_none(bootstrap, METRIC, row["aug"])
        rows.append(about | {"verdict": row["verdict"]} | _row(gap, margin))
    undecided = set(judged.loc[judged["verdict"] == UNDECIDED, "claim"])
    for claim in CLAIMS:
        # An order is no single comparison.
        if claim.number not in undecided or claim.rule == SAME_ORDER:
            continue
        shown = min(claim.measure(bootstrap).contrasts, key=lambda gap: gap.estimate)
        target = margin if claim.margin is None else claim.margin
        about = {"of": CLAIM, "comparison": f"claim {claim.number}: {claim.quantity}"}
        rows.append(about | {"verdict": UNDECIDED} | _row(shown, target or abs(shown.estimate)))
    return pd.DataFrame(rows, columns=COLUMNS)


def _row(gap: Contrast, target: float) -> dict[str, float]:
    measured = variances(gap)
    return {
        **{"estimate": gap.estimate, "target": target},
        "se_patients": sqrt(measured.of_patients),
        "se_repeats": sqrt(measured.of_repeats),
        "detectable": float(detectable(measured, np.array(measured.patients), measured.repeats)),
        "patients": patients_needed(measured, target, measured.repeats),
        "patients_more": patients_needed(measured, target, MORE_REPEATS),
    }
