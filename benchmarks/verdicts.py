"""How often verdicts are wrong: every rule, on studies whose true differences are known.

A patient's score in a configuration is the configuration's truth, what the patient does to all
configurations and to this one, and what a repeat does to the fold. A configuration's score is the
mean over patients, who are resampled as `bootstrap.resample` does. Training sets are not resampled,
nor are intervals widened for them.
"""

from itertools import combinations, product
from multiprocessing import Pool

import numpy as np
import pandas as pd
from results import record
from tqdm import tqdm

from nuclei.statistics import bootstrap, comparisons, inference
from nuclei.statistics.rules import CONTRADICTED, RULES, SUPPORTED

STUDIES, RESAMPLES, FOLDS, REPEATS, PROCESSES = 1000, 2000, 5, 2, 2
MARGIN, SKEWNESS = 0.01, (0, 1, 2)  # of what patients do to a difference from configuration 0
PATIENT, OWN, FOLD = 0.08, 0.024, 0.003  # standard deviations; a score is 0..1
SINGLE = ("better", "worse", "same", "no better", "near zero")
FAR = (-3.0, -2.0, -1.0, -0.5, 0.0, 0.5, 1.0, 2.0, 3.0)  # true differences, in margins
BEST = {  # leads over the others, in margins
    "tied with one of 6": (0, 3, 3, 3, 3, 3),
    "tied with 6": (0,) * 6,
    "tied with 20": (0,) * 20,
    "one of 6 better by the margin": (-1, 3, 3, 3, 3, 3),
    "6 better by the margin": (-1,) * 6,
    "20 better by the margin": (-1,) * 20,
    "6 worse by twice the margin": (2,) * 6,
    "20 worse by twice the margin": (2,) * 20,
    "one of 6 better by 3 margins": (-3, 0, 0, 0, 0, 0),
}
ORDERS = {  # scores of 4 augmentations at both volumes, in margins; 1e-9: ordered, hardly
    "same order, a margin apart": ((0, 1, 2, 3), (0, 1, 2, 3)),
    "same order, 3 margins apart": ((0, 3, 6, 9), (0, 3, 6, 9)),
    "all equal": ((0, 0, 0, 0), (0, 0, 0, 0)),
    "a pair apart at one volume, equal at the other": ((0, 1, 5, 9), (0, 0, 5, 9)),
    "a pair swaps, by the margin and hardly": ((0, 1, 5, 9), (0, -1e-9, 5, 9)),
    "a pair swaps, by twice the margin and hardly": ((0, 2, 6, 10), (0, -1e-9, 6, 10)),
    "a pair swaps, by the margin both times": ((0, 1, 5, 9), (0, -1, 5, 9)),
    "a pair swaps, by 3 margins both times": ((0, 3, 7, 11), (0, -3, 7, 11)),
}


def main() -> None:
    """Print how often each rule says what, and how often that is wrong; record both."""
    tasks = list(product((54, 113), SKEWNESS, range(STUDIES)))
    with Pool(PROCESSES) as pool:
        studies = pool.imap_unordered(_study, tasks, chunksize=20)
        rows = [row for rows in tqdm(studies, total=len(tasks), disable=None) for row in rows]
    keys = ["rule", "truth", "patients", "skewness"]
    table = pd.DataFrame(rows, columns=[*keys, "supported", "contradicted", "false"])
    verdicts = table.groupby(keys, sort=False)[["supported", "contradicted"]].mean() * 100
    wrong = _wrong(table, keys)
    print(f"{STUDIES} studies each; standard error at most {50 / STUDIES**0.5:.1f} points")
    print(wrong.to_markdown(index=False, floatfmt=".1f"))
    print(verdicts.reset_index().to_markdown(index=False, floatfmt=".1f"))
    shown = {
        "false": wrong.to_dict("records"),
        "verdicts": verdicts.reset_index().to_dict("records"),
    }
    record("verdicts", {"studies": STUDIES, "margin": MARGIN} | shown)


def _wrong(table: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """The worst truth of each rule: the highest share of false verdicts; and the best power."""
    rows = []
    for verdict in ("supported", "contradicted"):
        barred = table[table["false"].map(lambda false, verdict=verdict: verdict in false)]
        share = barred.groupby(keys, sort=False)[verdict].mean() * 100
        worst = share.groupby("rule", sort=False).agg(["idxmax", "max"])
        rows.append(worst["max"].rename(f"false {verdict}"))
        rows.append(worst["idxmax"].map(_where).rename(f"where {verdict}"))
    for patients in (54, 113):
        of = table[(table["patients"] == patients) & (table["skewness"] == 0)]
        for verdict in ("supported", "contradicted"):
            clear = of[of["false"].map(lambda false, verdict=verdict: verdict not in false)]
            share = clear.groupby(["rule", "truth"])[verdict].mean() * 100
            rows.append(share.groupby("rule").max().rename(f"{verdict}, best of {patients}"))
    return pd.concat(rows, axis=1).reset_index()


def _where(key: tuple) -> str:
    _, truth, patients, skewness = key
    return f"{truth}; {patients} patients, skewness {skewness}"


def _study(task: tuple[int, int, int]) -> list[tuple]:
    """Every rule's verdicts at every truth, of one study: the noise is the same for all."""
    patients, skewness, seed = task
    random = np.random.default_rng([patients, skewness, seed])
    noise = resampled(random, 21, patients, skewness)
    rows = []

    def add(rule: str, truth: object, verdict: str, false: tuple[str, ...]) -> None:
        verdicts = verdict == SUPPORTED, verdict == CONTRADICTED
        rows.append((rule, str(truth), patients, skewness, *verdicts, false))

    for d in FAR:
        gap = _gap(noise, 1, 0, d)
        for rule in SINGLE:
            add(rule, d, RULES[rule].judge([gap], MARGIN), _barred(rule, d))
        verdict = comparisons.verdict_of_gain(gap, MARGIN)
        saturated = {comparisons.SATURATED: SUPPORTED}.get(verdict, "")
        add("saturated", d, saturated, (SUPPORTED,) if abs(d) >= 1 else ())
        rising = {comparisons.RISING: SUPPORTED, comparisons.DECLINING: CONTRADICTED}
        barred = ((SUPPORTED,) if d <= 0 else ()) + ((CONTRADICTED,) if d >= 0 else ())
        add("still rising, declining", d, rising.get(verdict, ""), barred)
    for truth, leads in BEST.items():
        gaps = [_gap(noise, 0, other, lead) for other, lead in enumerate(leads, 1)]
        barred = ((SUPPORTED,) if min(leads) <= 0 else ()) + (
            (CONTRADICTED,) if min(leads) >= -1 else ()
        )
        add("best", truth, RULES["best"].judge(gaps, MARGIN), barred)
        add("best, before", truth, _best_before(gaps), barred)
    for truth, scores in ORDERS.items():
        gaps = [
            _gap(
                noise,
                one + 4 * volume,
                other + 4 * volume,
                scores[volume][one] - scores[volume][other],
            )
            for one, other in combinations(range(4), 2)
            for volume in range(2)
        ]
        barred = _barred_orders(*scores)
        add("same order", truth, RULES["same order"].judge(gaps, MARGIN), barred)
        add("same order, before", truth, _order_before(gaps), barred)
    for truth, real in {"6 augmentations equal": 0, "3 of 6 augmentations equal": 3}.items():
        # Supported: an augmentation that equals none is called different.
        gaps = [_gap(noise, aug, 0, 2.0 * (aug <= real)) for aug in range(1, 7)]
        p = inference.holm(pd.Series([inference.p_value(gap) for gap in gaps]))
        add(
            "Holm, any of 6 augmentations",
            truth,
            SUPPORTED if (p[real:] < 0.05).any() else "",
            (SUPPORTED,),
        )
    return rows


def _barred(rule: str, d: float) -> tuple[str, ...]:
    """Which verdicts are false of a true difference, in margins."""
    false = {
        "better": (d <= 0, d >= 1),
        "worse": (d >= 0, d <= -1),
        "same": (abs(d) >= 1, d == 0),
        "no better": (d >= 1, d <= 0),
        "near zero": (abs(d) >= 1, abs(d) <= 1),
    }[rule]
    return tuple(v for v, at in zip((SUPPORTED, CONTRADICTED), false, strict=True) if at)


def _barred_orders(one: tuple, other: tuple) -> tuple[str, ...]:
    """Which verdicts are false: a pair equal at one volume is no swap, nor is it ordered alike."""
    pairs = [(one[a] - one[b], other[a] - other[b]) for a, b in combinations(range(len(one)), 2)]
    differ = any(np.sign(a) != np.sign(b) and max(abs(a), abs(b)) >= 1 for a, b in pairs)
    swap = any(a * b < 0 for a, b in pairs)
    return ((SUPPORTED,) if differ else ()) + (() if swap else (CONTRADICTED,))


def resampled(
    random: np.random.Generator,
    configurations: int,
    patients: int,
    skewness: int,
    repeats: int = REPEATS,
) -> bootstrap.Bootstrap:
    """Resample equal configurations; skewed: a few patients are far worse, but in number 0."""
    folds = np.array_split(np.arange(patients), FOLDS)
    by_fold, samples, influence = [], 0.0, []
    for members in folds:
        count, share = len(members), len(members) / patients
        own = random.normal(size=(configurations, 1, count))
        if skewness:
            shape = 4 / skewness**2
            own = (shape - random.gamma(shape, size=own.shape)) / shape**0.5
            own[0], own[1:] = 0.2 * own[0], 1.4 * own[1:]
        fold = FOLD * random.normal(size=(configurations, repeats, 1))
        effects = PATIENT * random.normal(size=count) + OWN * own + fold
        counts = random.multinomial(count - 1, np.full(count, 1 / count), RESAMPLES)
        counts = counts / (count - 1)
        picked = random.multinomial(repeats - 1, np.full(repeats, 1 / repeats), RESAMPLES)
        by_fold.append(share * effects.mean(axis=2))
        scored = (effects.mean(axis=1) @ counts.T).T[None]  # of the mean over repeats: all linear
        samples = samples + share * bootstrap._joined(scored, effects.mean(axis=2), picked)
        deviations = effects.mean(axis=1) - effects.mean(axis=(1, 2))[:, None]
        influence.append(share * np.sqrt((count - 1) / count) * deviations / (count - 1))
    of_repeats = np.stack(by_fold, axis=1)
    names = [(str(number), 1.0) for number in range(configurations)]
    estimates = of_repeats.mean(axis=2).sum(axis=1)
    arrays = (samples, np.concatenate(influence, axis=1), of_repeats)
    return bootstrap.Bootstrap(names, ("score",), estimates[:, None], *(x[:, None] for x in arrays))


def _gap(noise: bootstrap.Bootstrap, one: int, other: int, d: float) -> bootstrap.Contrast:
    """One configuration minus another, of a true difference in margins."""
    gap = bootstrap.contrast(
        noise, "score", {noise.configurations[one]: 1, noise.configurations[other]: -1}
    )
    return gap._replace(estimate=gap.estimate + d * MARGIN, samples=gap.samples + d * MARGIN)


def _best_before(gaps: list[bootstrap.Contrast]) -> str:
    """The former rule: the interval of the smallest lead lies above 0; or below the margin."""
    low, high = inference.percentile_interval(_combined(gaps, lambda values: values.min(axis=0)))
    return SUPPORTED if low > 0 else CONTRADICTED if high < MARGIN else ""


def _order_before(gaps: list[bootstrap.Contrast]) -> str:
    """The former rule: the interval of Kendall's tau lies above 0; else, below 1."""
    tau = _combined(gaps, lambda v: (np.sign(v[::2]) * np.sign(v[1::2])).mean(axis=0))
    low, high = inference.percentile_interval(tau)
    return CONTRADICTED if high < 1 else SUPPORTED if low > 0 else ""


def _combined(gaps: list[bootstrap.Contrast], function) -> bootstrap.Contrast:
    columns = zip(*gaps, strict=True)
    estimates, samples, influence, repeats = (function(np.array(values)) for values in columns)
    return bootstrap.Contrast(float(estimates), samples, influence, repeats)


if __name__ == "__main__":
    main()
