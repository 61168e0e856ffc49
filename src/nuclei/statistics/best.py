"""Which arms may be the best: arms against each other, over all volumes, on the same resamples."""

from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.special import ndtr, ndtri, stdtrit

from nuclei.statistics.arms import shared_volumes
from nuclei.statistics.bootstrap import Bootstrap, Contrast, contrast
from nuclei.statistics.inference import degrees_of_freedom

LEVEL = 0.05


class _Gaps(NamedTuple):
    """How far every arm lies above one arm; above itself by 0."""

    estimates: np.ndarray  # (A,) float64
    deviations: np.ndarray  # (A,) float64, standard
    critical: float  # so many of them cover all gaps at once, from below


def standings(bootstrap: Bootstrap, metric: str) -> pd.DataFrame:
    """Compare every arm with the best of the others: ``aug, lead, low, high, may_be_best, share``.

    Multiple comparisons with the best (Hsu 1981, doi:10.1214/aos/1176345582): ``lead`` is an arm's
    score minus that of the best other one; all intervals ``low`` to ``high`` hold their truths at
    once in 95 % of studies. An arm ``may_be_best`` unless its interval lies below 0: the set
    of these holds the best arm in 95 % of studies. ``share`` is that of the resamples in which the
    arm is the best. Gaps between arms are in units of their own standard error, because arms are
    not all alike; their joint distribution comes from the resamples, widened to Student's t.

    Args:
        bootstrap: the study's cells; at least two arms.
        metric: a score of which more is better.
    """
    arms = list(dict(bootstrap.cells))
    if len(arms) < 2 or not shared_volumes(bootstrap.cells):
        return pd.DataFrame(columns=["aug", "lead", "low", "high", "may_be_best", "share"])
    scores = [_score(bootstrap, metric, aug) for aug in arms]
    defined = ~np.isnan([score.samples for score in scores]).any(axis=0)
    scores = [score._replace(samples=score.samples[defined]) for score in scores]
    gaps = [_gaps(scores, arm) for arm in range(len(arms))]
    highest = [_highest(own, arm) for arm, own in enumerate(gaps)]
    possible = [arm for arm, bound in enumerate(highest) if bound >= 0]
    best = np.argmax([score.samples for score in scores], axis=0)
    rows = []
    for arm, aug in enumerate(arms):
        lead = -np.delete(gaps[arm].estimates, arm).max()
        ends = {"low": _lowest(gaps, arm, possible), "high": max(highest[arm], 0.0)}
        told = {"may_be_best": arm in possible, "share": (best == arm).mean()}
        rows.append({"aug": aug, "lead": lead} | ends | told)
    return pd.DataFrame(rows)


def leader(standings: pd.DataFrame) -> str:
    """The arm of the highest score over all volumes; ``none`` where arms cannot be compared.

    Args:
        standings: of `standings`.
    """
    return standings.loc[standings["lead"].idxmax(), "aug"] if len(standings) else "none"


def _score(bootstrap: Bootstrap, metric: str, aug: str) -> Contrast:
    """An arm's score, the mean over the volumes that all arms share."""
    volumes = shared_volumes(bootstrap.cells)
    return contrast(bootstrap, metric, {(aug, volume): 1 / len(volumes) for volume in volumes})


def _gaps(scores: list[Contrast], arm: int) -> _Gaps:
    estimates, samples = (np.array(values) for values in list(zip(*scores, strict=True))[:2])
    gaps, drawn = estimates - estimates[arm], samples - samples[arm]
    deviations = drawn.std(axis=1)
    others = np.flatnonzero(np.arange(len(scores)) != arm)
    standard = np.maximum(deviations, 1e-12)
    farthest = ((gaps[:, None] - drawn) / standard[:, None])[others].max(axis=0)
    strongest = others[np.argmax((gaps / standard)[others])]
    parts = (one - other for one, other in zip(scores[strongest], scores[arm], strict=True))
    return _Gaps(gaps, deviations, _critical(farthest, Contrast(*parts), len(others)))


def _critical(farthest: np.ndarray, strongest: Contrast, gaps: int) -> float:
    """So many standard errors below their estimates all gaps' lower bounds lie, at LEVEL."""
    beyond = ndtr(stdtrit(degrees_of_freedom(strongest), LEVEL))
    if beyond * (len(farthest) + 1) >= 1:
        return float(np.quantile(farthest, 1 - beyond))
    # The resamples cannot tell how far out that is: a normal tail, by Bonferroni over the gaps.
    return float(-ndtri(beyond / gaps))


def _highest(gaps: _Gaps, arm: int) -> float:
    """The upper bound of an arm's lead over the best of the others."""
    return float(np.delete(-gaps.estimates + gaps.critical * gaps.deviations, arm).min())


def _lowest(gaps: list[_Gaps], arm: int, possible: list[int]) -> float:
    """The lower bound: behind those alone that may be the best."""
    behind = [
        gaps[other].estimates[arm] - gaps[other].critical * gaps[other].deviations[arm]
        for other in possible
        if other != arm
    ]
    return float(min([0.0, *behind]))
