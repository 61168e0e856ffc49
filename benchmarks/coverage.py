"""How often the 95 % intervals are right: whole studies of models that are trained, truth known.

Patients of 18 sites are drawn, dealt to folds by whole sites, and two augmentations are trained and
tested in every fold, twice. The truth of a set of sites is the mean over many such studies: new
patients, and new trainings on as many of them.
"""

from multiprocessing import Pool
from typing import NamedTuple
from unittest.mock import patch

import numpy as np
import pandas as pd
from results import record
from tqdm import tqdm

from nuclei.data import splits
from nuclei.statistics import bootstrap
from nuclei.statistics.inference import percentile_interval
from nuclei.statistics.predictions import Predictions, Tested, share_of_patients
from nuclei.statistics.scores import METRICS, scores, totals

SETS, EVALUATED, REPLICATES = 30, 12, 48  # sets of sites; studies of each, for the truth too
RESAMPLES, REPEATS, PROCESSES = 2000, 2, 2
SHOWN = ("macro_auc", "accuracy", "log_loss")
FACTORS = (1.0, 1.25, 4 / 3, 2.0, 2.25)  # of the variance
PRINTED = (
    *("setting", "of", "metric", "truth", "sd", "needed", "needed crossed", "coverage crossed 1"),
    *(f"coverage {factor:.3g}" for factor in FACTORS),
    *("width crossed 1", "width 1", "new sites 1", "needed for new sites"),
)
OTHER, NONE = ("other", 1.0), ("none", 1.0)
CONTRASTS = {"difference": {OTHER: 1, NONE: -1}, "score of none": {NONE: 1}}
SIZES = {  # patients of each site
    54: (9, 7, 6, 5, 4, 4, 3, 3, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1),
    113: (19, 14, 12, 10, 9, 8, 7, 6, 5, 5, 4, 4, 3, 2, 2, 1, 1, 1),
}
BETWEEN, WITHIN = 0.5, 0.6  # standard deviations between sites, and between their patients
FEATURES, STAIN = 8, 3  # the first few features are those that stain changes


class Setting(NamedTuple):
    """What is simulated."""

    patients: int
    hidden: int  # random units between features and classes, as in a network
    seeds: bool = True  # whether a seed matters; if not, the other differs by its penalty alone
    folds: int = 5
    tested: int = 5  # how many of the folds


SETTINGS = {
    "54 patients, linear": Setting(54, 0),
    "113 patients, linear": Setting(113, 0),
    "54 patients, hidden units": Setting(54, 40),
    "113 patients, hidden units": Setting(113, 40),
    "54 patients, no seeds": Setting(54, 40, False),
    "113 patients, no seeds": Setting(113, 40, False),
    "113 patients, one fold of 4, hidden units": Setting(113, 40, True, 4, 1),
    "113 patients, one fold of 4, no seeds": Setting(113, 40, False, 4, 1),
}


def main() -> None:
    """Print a row per setting and score, and record them."""
    summaries = []
    for number, (name, setting) in enumerate(SETTINGS.items()):
        jobs = [(setting, [number, sites]) for sites in range(SETS)]
        with Pool(PROCESSES) as pool:
            sets = list(tqdm(pool.imap(_of_sites, jobs), name, SETS, disable=None))
        rows = pd.concat([pd.DataFrame(rows).assign(set=i) for i, rows in enumerate(sets)])
        summaries += [
            {"setting": name, "of": of, "metric": metric} | _summary(group)
            for (of, metric), group in rows.groupby(["of", "metric"], sort=False)
        ]
    table = pd.DataFrame(summaries)
    print(f"{SETS} sets of sites, {EVALUATED} studies each; standard error about 1 point")
    print(table[list(PRINTED)].to_markdown(index=False, floatfmt=".3g"))
    record("coverage", {"studies": SETS * EVALUATED, "rows": table.to_dict("records")})


def _summary(rows: pd.DataFrame) -> dict:
    """Coverage in %, of studies that were evaluated; the variances come from all."""
    # A study is held against the others of its sites; leaving it out keeps them independent.
    by_set = rows.groupby("set")["estimate"]
    others = (by_set.transform("sum") - rows["estimate"]) / (by_set.transform("size") - 1)
    anywhere = by_set.mean().mean()
    of_patients, of_sites = by_set.var().mean(), by_set.mean().var()
    used = rows[evaluated := rows["variance"].notna()]
    summary = {"truth": anywhere, "needed": of_patients / used["variance"].mean()}
    summary["needed crossed"] = of_patients / used["crossed variance"].mean()
    for kind in ("crossed 1", *(f"{factor:.3g}" for factor in FACTORS)):
        low, high = used[f"low {kind}"], used[f"high {kind}"]
        covered = (low <= others[evaluated]) & (others[evaluated] <= high)
        summary[f"coverage {kind}"] = 100 * covered.mean()
        summary[f"width {kind}"] = (high - low).mean()
        summary[f"new sites {kind}"] = 100 * ((low <= anywhere) & (anywhere <= high)).mean()
    # The means of sets vary by chance as well, by the variance of a mean of so many studies.
    between = max(of_sites - of_patients / by_set.size().mean(), 0.0)
    spreads = {"sd": of_patients**0.5, "sd of sites": between**0.5}
    return (
        summary
        | spreads
        | {"needed for new sites": (of_patients + between) / used["variance"].mean()}
    )


def _of_sites(job: tuple[Setting, list[int]]) -> list[dict]:
    """Every study of one set of sites: a row per contrast and score."""
    setting, seed = job
    sizes = SIZES[setting.patients]
    site = np.repeat(np.arange(len(sizes)), sizes)
    names = {f"{p:03}": f"{h:02}" for p, h in enumerate(site)}
    fold = np.array(list(splits.dealt(names, setting.folds, 1).values()))
    effects = _effects(np.random.default_rng([*seed, 0]), len(sizes), BETWEEN)
    rows = []
    for study in range(REPLICATES):
        random = np.random.default_rng([*seed, 1, study])
        predictions = _study(random, setting, effects[site], fold, site)
        estimates = {key: _estimates(predictions, key) for key in (OTHER, NONE)}
        drawn = _resampled(predictions, study) if study < EVALUATED else {}
        for of, weights in CONTRASTS.items():
            values = sum(weight * estimates[key] for key, weight in weights.items())
            for metric in SHOWN:
                row = {"of": of, "metric": metric, "estimate": values[metric]}
                for way, found in drawn.items():
                    row |= _intervals(way, bootstrap.contrast(found, metric, weights), setting)
                rows.append(row)
    return rows


def _effects(random: np.random.Generator, units: int, size: float) -> np.ndarray:
    """What stain adds to each feature of each class, alike for all classes but for a third."""
    shared, own = random.normal(size=(units, 1, FEATURES)), random.normal(size=(units, 3, FEATURES))
    strength = np.where(np.arange(FEATURES) < STAIN, 1.0, 0.3)
    return size * strength * (0.8 * shared + 0.6 * own)


def _study(
    random: np.random.Generator,
    setting: Setting,
    effects: np.ndarray,
    fold: np.ndarray,
    site: np.ndarray,
) -> Predictions:
    """Draw new patients, train both in every fold, and predict the patients that it tests."""
    patients = len(fold)
    count = random.lognormal(np.log(40), 0.6, patients).astype(int).clip(10, 120)
    mixes = random.dirichlet([0.8, 0.45, 1.4], patients)
    label = np.concatenate(
        [random.choice(3, n, p=mix) for n, mix in zip(count, mixes, strict=True)]
    )
    patient = np.repeat(np.arange(patients), count)
    means = np.random.default_rng(0).normal(size=(3, FEATURES)) * 0.55
    own = effects + _effects(random, patients, WITHIN)
    features = (means + own)[patient, label] + random.normal(size=(len(label), FEATURES))
    predicted = {key: np.zeros((REPEATS, len(label), 3), np.float32) for key in (OTHER, NONE)}
    for number in range(1, setting.tested + 1):
        test = fold[patient] == number
        for repeat in range(REPEATS):
            seed = random.integers(2**32)  # one for both, as in the study
            for key, probabilities in predicted.items():
                start = np.random.default_rng(seed)
                probabilities[repeat, test] = _trained(
                    start, features[~test], label[~test], features[test], setting, key
                )
    rows = fold[patient] <= setting.tested
    names = np.char.mod("%03d", patient), np.char.mod("%02d", site[patient])
    tested = Tested(label[rows], names[0][rows], names[1][rows], fold[patient][rows])
    return Predictions(tested, {key: values[:, rows] for key, values in predicted.items()})


def _trained(
    random: np.random.Generator,
    features: np.ndarray,
    label: np.ndarray,
    new: np.ndarray,
    setting: Setting,
    configuration: tuple[str, float],
) -> np.ndarray:
    """Train a linear discriminant, on hidden units if any, and predict new nuclei: (n, 3).

    A seed draws the hidden units and how much each nucleus weighs, as the order of batches does.
    `OTHER` moves each nucleus's stain at random; without seeds it has a stronger penalty.
    """
    units = np.random.default_rng(0).normal(size=(FEATURES + 1, setting.hidden)) / 2
    weight, penalty = np.ones(len(label)), 0.01
    if setting.seeds:
        units = random.normal(size=units.shape) / 2
        weight = random.exponential(size=len(label))
    if configuration == OTHER and setting.seeds:
        moves = random.normal(size=(len(label), STAIN))
        features = features + np.pad(0.7 * moves, [(0, 0), (0, FEATURES - STAIN)])
    elif configuration == OTHER:
        penalty = 0.5
    if setting.hidden:
        features, new = (np.maximum(x @ units[1:] + units[0], 0) for x in (features, new))
    member = np.eye(3)[label] * weight[:, None]
    counts = member.sum(axis=0)
    means = member.T @ features / counts[:, None]
    centred = (features - means[label]) * np.sqrt(weight / weight.sum())[:, None]
    spread = centred.T @ centred + penalty * np.eye(features.shape[1])
    slopes = np.linalg.solve(spread, means.T)
    logits = new @ slopes - (means * slopes.T).sum(axis=1) / 2 + np.log(counts)
    odds = np.exp(logits - logits.max(axis=1, keepdims=True))
    return odds / odds.sum(axis=1, keepdims=True)


def _estimates(predictions: Predictions, cell: tuple[str, float]) -> pd.Series:
    """Return a configuration's scores by name, as `bootstrap.resample` has them."""
    tested, means = predictions[0], pd.Series(0.0, index=METRICS)
    for fold, share in share_of_patients(tested).items():
        rows = tested.fold == fold
        alone = np.zeros(rows.sum(), np.int64)
        for of_repeat in predictions.configurations[cell]:
            counted = totals(tested.label[rows], of_repeat[rows].astype(np.float64), alone, 1)
            means += share * scores(counted, np.ones((1, 1)))[0] / REPEATS
    return means


def _resampled(predictions: Predictions, seed: int) -> dict[str, bootstrap.Bootstrap]:
    """Resamples as they are in use; and, to compare, those that cross patients and repeats."""
    with patch.object(bootstrap, "_joined", _crossed):
        crossed = bootstrap.resample(predictions, RESAMPLES, seed)
    return {"": bootstrap.resample(predictions, RESAMPLES, seed), "crossed ": crossed}


def _crossed(scored: np.ndarray, _: np.ndarray, picked: np.ndarray) -> np.ndarray:
    """Score the drawn patients by the drawn repeats (Owen 2007)."""
    return np.einsum("br,rbm->mb", picked / picked.sum(axis=1, keepdims=True), scored)


def _intervals(way: str, gap: bootstrap.Contrast, setting: Setting) -> dict[str, float]:
    """The interval under each factor, and the variance of the resamples as they are drawn."""
    in_use = bootstrap.variance_factor(setting.tested)
    deviations = (gap.samples - gap.estimate) / np.sqrt(in_use)
    row = {f"{way}variance": np.nanvar(deviations)}
    for factor in FACTORS[: 1 if way else None]:
        widened = gap._replace(samples=gap.estimate + np.sqrt(factor) * deviations)
        row[f"low {way}{factor:.3g}"], row[f"high {way}{factor:.3g}"] = percentile_interval(widened)
    return row


if __name__ == "__main__":
    main()
