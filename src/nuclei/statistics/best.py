"""Which arms may be the best: arms against each other, over all volumes, on the same resamples."""

from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.special import ndtr, stdtrit

from nuclei.statistics.bootstrap import Bootstrap, Contrast
from nuclei.statistics.comparisons import over_volumes, shared_volumes
from nuclei.statistics.inference import degrees_of_freedom

# Half of 5 %: far out on the tail of skewed patients percentiles are too bold (benchmarks/best.py).
LEVEL = 0.025
COLUMNS = ["aug", "lead", "low", "high", "leads", "may_be_best", "share"]


class _Gaps(NamedTuple):
    """How far every arm lies above one arm; above itself by 0."""

    estimates: np.ndarray  # (A,) float64
    deviations: np.ndarray  # (A,) float64, standard
    critical: np.ndarray  # (A,) float64, so many of them cover all gaps at once, from below


def standings(bootstrap: Bootstrap, metric: str) -> pd.DataFrame:
    """Compare every arm with the best of the others: COLUMNS.

    Multiple comparisons with the best (Hsu 1981, doi:10.1214/aos/1176345582; ends: Edwards and Hsu
    1983): ``lead`` is an arm's score minus that of the best other one. An arm ``may_be_best``
    unless it lies further below some rival than all gaps together allow at LEVEL; ``low`` and
    ``high`` are ends that hold for all arms at once. ``share`` is that of the resamples in which
    the arm is the best, equal ones sharing alike. Gaps are in units of their own standard errors,
    because arms are not all alike; their joint distribution comes from the resamples, and is
    widened to Student's t of each gap's own degrees of freedom. No rows where there are not two
    arms with a score.

    Args:
        bootstrap: the study's cells.
        metric: a score of which more is better.
    """
    arms = list(dict(bootstrap.configurations))
    if len(arms) < 2 or not shared_volumes(bootstrap.configurations):
        return pd.DataFrame(columns=COLUMNS)
    scores = [over_volumes(bootstrap, metric, aug) for aug in arms]
    defined = ~np.isnan([score.samples for score in scores]).any(axis=0)
    if not defined.any():
        return pd.DataFrame(columns=COLUMNS)
    scores = [score._replace(samples=score.samples[defined]) for score in scores]
    gaps = [_gaps(scores, arm) for arm in range(len(arms))]
    highest = [_highest(own, arm) for arm, own in enumerate(gaps)]
    possible = [arm for arm, bound in enumerate(highest) if bound >= 0]
    samples = np.array([score.samples for score in scores])
    first = samples == samples.max(axis=0)
    shares = (first / first.sum(axis=0)).mean(axis=1)
    rows = []
    for arm, aug in enumerate(arms):
        lead = -np.delete(gaps[arm].estimates, arm).max()
        ends = {"low": _lowest(gaps, arm, possible), "high": max(highest[arm], 0.0)}
        told = {"may_be_best": arm in possible, "share": shares[arm]}
        rows.append({"aug": aug, "lead": lead} | ends | told)
    table = pd.DataFrame(rows)
    return table.assign(leads=table.index == table["lead"].idxmax())[COLUMNS]


def leader(standings: pd.DataFrame) -> str:
    """The arm of the highest score over all volumes; ``none`` where arms cannot be compared.

    Args:
        standings: of `standings`.
    """
    leaders = standings.loc[standings["leads"].astype(bool), "aug"]
    return leaders.iloc[0] if len(leaders) else "none"


def _gaps(scores: list[Contrast], arm: int) -> _Gaps:
    estimates, samples = (np.array(values) for values in list(zip(*scores, strict=True))[:2])
    gaps, drawn = estimates - estimates[arm], samples - samples[arm]
    deviations = drawn.std(axis=1)
    standard = np.maximum(deviations, 1e-12)[:, None]
    others = np.arange(len(scores)) != arm
    farthest = ((gaps[:, None] - drawn) / standard)[others].max(axis=0)
    z = max(float(np.quantile(farthest, 1 - LEVEL)), 0.0)
    freedom = [degrees_of_freedom(_difference(score, scores[arm])) for score in scores]
    # As far out on the tail of Student's t as z is on the normal one.
    return _Gaps(gaps, deviations, -stdtrit(freedom, ndtr(-z)))


def _difference(one: Contrast, other: Contrast) -> Contrast:
    estimate, samples = one.estimate - other.estimate, one.samples - other.samples
    influence, repeats = one.influence - other.influence, one.repeats - other.repeats
    return Contrast(estimate, samples, influence, repeats)


def _highest(gaps: _Gaps, arm: int) -> float:
    """The upper bound of an arm's lead over the best of the others."""
    return float(np.delete(-gaps.estimates + gaps.critical * gaps.deviations, arm).min())


def _lowest(gaps: list[_Gaps], arm: int, possible: list[int]) -> float:
    """The lower bound: behind those alone that may be the best."""
    behind = [
        gaps[other].estimates[arm] - gaps[other].critical[arm] * gaps[other].deviations[arm]
        for other in possible
        if other != arm
    ]
    return float(min([0.0, *behind]))
