"""Which augmentations may be the best: against each other, over all volumes, on one bootstrap."""

import numpy as np
import pandas as pd
from scipy.special import ndtr, stdtrit

from nuclei.statistics.bootstrap import Bootstrap, Contrast
from nuclei.statistics.comparisons import over_volumes, shared_volumes
from nuclei.statistics.inference import degrees_of_freedom

# Half of 5 %: far out on the tail of skewed patients percentiles are too bold (benchmarks/best.py).
LEVEL = 0.025
COLUMNS = ["aug", "lead", "low", "high", "leads", "may_be_best", "share"]


def standings(bootstrap: Bootstrap, metric: str) -> pd.DataFrame:
    """Compare every augmentation with the best of the others, on a metric of which more is better.

    These are multiple comparisons with the best (Hsu 1981, doi:10.1214/aos/1176345582; bounds:
    Edwards and Hsu 1983).

    There is a row per augmentation; none unless two augmentations have a score. ``lead`` is the
    score minus that of the best other one, its bounds hold for all augmentations at once. An
    augmentation ``may_be_best`` unless it lies further below some rival than all gaps together
    allow at LEVEL. ``share`` is that of the resamples in which it is the best.
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
    # Row i: how far each augmentation lies above augmentation i, and how far it might be wrong.
    gaps, allowances = np.array([_gaps(scores, one) for one in scores]).swapaxes(0, 1)
    itself = np.eye(len(augs), dtype=bool)
    lead = -np.where(itself, -np.inf, gaps).max(axis=1)
    high = np.where(itself, np.inf, allowances - gaps).min(axis=1)
    # How far it may lie behind those that may be the best: behind the others it does not matter.
    rivals = (high >= 0)[:, None] & ~itself
    low = np.where(rivals, gaps - allowances, np.inf).min(axis=0)
    samples = np.array([score.samples for score in scores])
    first = samples == samples.max(axis=0)
    shares = (first / first.sum(axis=0)).mean(axis=1)
    leads, may_be_best = np.arange(len(augs)) == lead.argmax(), high >= 0
    columns = augs, lead, np.minimum(low, 0), np.maximum(high, 0), leads, may_be_best, shares
    return pd.DataFrame(dict(zip(COLUMNS, columns, strict=True)))


def leader(standings: pd.DataFrame) -> str:
    """Return the augmentation that leads in `standings`; ``none`` if they cannot be compared."""
    leaders = standings.loc[standings["leads"], "aug"]
    return leaders.iloc[0] if len(leaders) else "none"


def _gaps(scores: list[Contrast], one: Contrast) -> tuple[np.ndarray, np.ndarray]:
    """Return how far each score lies above one, and by how much all may be wrong at LEVEL: (A,)."""
    # In units of their own standard errors, because augmentations are not all alike.
    differences = [_difference(score, one) for score in scores]
    gaps, samples = (np.array([gap[field] for gap in differences]) for field in (0, 1))
    deviations = samples.std(axis=1)
    standard = np.maximum(deviations, 1e-12)[:, None]
    others = [score is not one for score in scores]
    farthest = ((gaps[:, None] - samples) / standard)[others].max(axis=0)
    z = max(float(np.quantile(farthest, 1 - LEVEL)), 0.0)
    # As far out on the tail of Student's t as z is on the normal one.
    critical = -stdtrit([degrees_of_freedom(gap) for gap in differences], ndtr(-z))
    return gaps, critical * deviations


def _difference(one: Contrast, other: Contrast) -> Contrast:
    estimate, samples = one.estimate - other.estimate, one.samples - other.samples
    influence, repeats = one.influence - other.influence, one.repeats - other.repeats
    return Contrast(estimate, samples, influence, repeats)
