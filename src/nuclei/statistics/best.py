"""Which augmentations may be the best: against each other, over all volumes, on one bootstrap."""

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
    """How far each of A augmentations lies above one of them, which lies above itself by 0."""

    estimates: np.ndarray  # (A,) float64
    deviations: np.ndarray  # (A,) float64, standard
    critical: np.ndarray  # (A,) float64, so many deviations cover all gaps at once, from below


def standings(bootstrap: Bootstrap, metric: str) -> pd.DataFrame:
    """Compare every augmentation with the best of the others.

    These are multiple comparisons with the best (Hsu 1981, doi:10.1214/aos/1176345582; bounds:
    Edwards and Hsu 1983). Gaps are in units of their own standard errors, because augmentations
    are not all alike; their joint distribution comes from the resamples, and is widened to
    Student's t of each gap's own degrees of freedom.

    Args:
        bootstrap: of the study's configurations.
        metric: a score of which more is better.

    Returns:
        COLUMNS, a row per augmentation; none unless two augmentations have a score. ``lead`` is the
        augmentation's score minus that of the best other one, ``low`` and ``high`` are bounds that
        hold for all augmentations at once, and the one that ``leads`` has the highest score. An
        augmentation ``may_be_best`` unless it lies further below some rival than all gaps together
        allow at LEVEL. ``share`` is that of the resamples in which it is the best; equal ones share
        alike.
    """
    augs = list(dict(bootstrap.configurations))
    nothing = pd.DataFrame(columns=COLUMNS).astype({"leads": bool, "may_be_best": bool})
    if len(augs) < 2 or not shared_volumes(bootstrap.configurations):
        return nothing
    scores = [over_volumes(bootstrap, metric, aug) for aug in augs]
    defined = ~np.isnan([score.samples for score in scores]).any(axis=0)
    if not defined.any():
        return nothing
    scores = [score._replace(samples=score.samples[defined]) for score in scores]
    gaps = [_gaps(scores, number) for number in range(len(augs))]
    highest = [_highest(gaps_to_one, number) for number, gaps_to_one in enumerate(gaps)]
    possible = [number for number, bound in enumerate(highest) if bound >= 0]
    samples = np.array([score.samples for score in scores])
    first = samples == samples.max(axis=0)
    shares = (first / first.sum(axis=0)).mean(axis=1)
    leads = [-np.delete(to_one.estimates, number).max() for number, to_one in enumerate(gaps)]
    rows = [
        {"aug": aug, "lead": leads[number], "leads": number == np.argmax(leads)}
        | {"low": _lowest(gaps, number, possible), "high": max(highest[number], 0.0)}
        | {"may_be_best": number in possible, "share": shares[number]}
        for number, aug in enumerate(augs)
    ]
    return pd.DataFrame(rows)[COLUMNS]


def leader(standings: pd.DataFrame) -> str:
    """Return the augmentation of the highest score; ``none`` where they cannot be compared.

    Args:
        standings: of `standings`, exact.
    """
    leaders = standings.loc[standings["leads"], "aug"]
    return leaders.iloc[0] if len(leaders) else "none"


def _gaps(scores: list[Contrast], number: int) -> _Gaps:
    estimates, samples = (np.array(values) for values in list(zip(*scores, strict=True))[:2])
    gaps, sampled_gaps = estimates - estimates[number], samples - samples[number]
    deviations = sampled_gaps.std(axis=1)
    standard = np.maximum(deviations, 1e-12)[:, None]
    others = np.arange(len(scores)) != number
    farthest = ((gaps[:, None] - sampled_gaps) / standard)[others].max(axis=0)
    z = max(float(np.quantile(farthest, 1 - LEVEL)), 0.0)
    freedom = [degrees_of_freedom(_difference(score, scores[number])) for score in scores]
    # As far out on the tail of Student's t as z is on the normal one.
    return _Gaps(gaps, deviations, -stdtrit(freedom, ndtr(-z)))


def _difference(one: Contrast, other: Contrast) -> Contrast:
    estimate, samples = one.estimate - other.estimate, one.samples - other.samples
    influence, repeats = one.influence - other.influence, one.repeats - other.repeats
    return Contrast(estimate, samples, influence, repeats)


def _highest(gaps: _Gaps, number: int) -> float:
    """Return the upper bound of an augmentation's lead over the best of the others."""
    bounds = -gaps.estimates + gaps.critical * gaps.deviations
    return float(np.delete(bounds, number).min())


def _lowest(gaps: list[_Gaps], number: int, possible: list[int]) -> float:
    """Return the lower bound: how far it may lie behind those that may be the best."""
    behind = [
        gaps[other].estimates[number]
        - gaps[other].critical[number] * gaps[other].deviations[number]
        for other in possible
        if other != number
    ]
    return float(min([0.0, *behind]))
