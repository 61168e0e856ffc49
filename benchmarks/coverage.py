"""How often the 95 % intervals are right: arms of known difference, nuclei alike within patients.

Every simulated set has two arms, three repeats each, and patients that differ in size, in their mix
of classes and in how well either arm does on them.
"""

from typing import NamedTuple

import numpy as np
import pandas as pd
from tqdm import tqdm

from nuclei.classes import CLASSES, codes
from nuclei.statistics import bootstrap, inference

SETS, RESAMPLES, REPEATS, NUCLEI = 500, 2000, 3, 50
METRICS = ("macro_auc", "accuracy", "balanced_accuracy", "macro_f1", "log_loss")
GAP = {("arm", 1.0): 1.0, ("none", 1.0): -1.0}


class Situation(NamedTuple):
    """What is simulated; effects are on the scale of the logits, where nuclei vary by 1."""

    patients: int = 30
    effect: float = 0.0  # by how much the arm's signal exceeds that of none
    training: float = 0.1  # standard deviation between repeats


SITUATIONS = {
    "30 patients, equal arms": Situation(),
    "30 patients, arm better": Situation(effect=0.6),
    "12 patients, equal arms": Situation(patients=12),
    "30 patients, equal arms, unstable training": Situation(training=0.3),
}


def main() -> None:
    """Print coverage in every situation; power and false equivalence where a gap is planted."""
    tables = []
    for name, situation in SITUATIONS.items():
        rows = [
            row
            for number in tqdm(range(SETS), name, disable=None)
            for row in _judge(_simulate(np.random.default_rng([7, number]), situation), number)
        ]
        tables.append(_summary(pd.DataFrame(rows), situation).assign(situation=name))
    table = pd.concat(tables)
    print(f"{SETS} sets each, {RESAMPLES} resamples; standard error about 1 point")
    print("\nCoverage of the true difference, %")
    print(_wide(table, "coverage"))
    planted = table[table["true"] != 0]
    print("\nA planted difference: intervals that exclude 0 (power), %")
    print(_wide(planted, "excludes 0"))
    print("\nThe same: its size, the percentile interval's width, and how often it is taken")
    print("for equivalent at 5 % when the margin is its very size")
    columns = ["metric", "true", "width", "false equivalence"]
    rows = planted.loc[planted["method"] == "percentile", columns]
    print(rows.to_markdown(index=False, floatfmt=".3f"))


def _wide(table: pd.DataFrame, column: str) -> str:
    rows = table[["situation", "method"]].drop_duplicates()
    wide = table.pivot(index=["situation", "method"], columns="metric", values=column)
    wide = 100 * wide.loc[list(rows.itertuples(index=False, name=None)), list(METRICS)]
    return wide.reset_index().to_markdown(index=False, floatfmt=".1f")


def _simulate(random: np.random.Generator, situation: Situation) -> pd.DataFrame:
    """Predictions of two arms; class mix and sizes spread as in BRCA-M2C's test patients."""
    patients = situation.patients
    size = random.lognormal(np.log(NUCLEI) - 0.18, 0.6, patients).astype(int).clip(5)
    mixes = random.dirichlet([0.8, 0.45, 1.4], patients)
    label = np.concatenate([random.choice(3, n, p=p) for n, p in zip(size, mixes, strict=True)])
    patient = np.repeat(np.arange(patients), size)
    truth = np.eye(3)[label]
    easy, alike = random.normal(size=patients), random.normal(size=(patients, 3))
    nucleus = random.normal(size=(len(label), 3))
    tables = []
    for aug, effect in (("none", 0), ("arm", situation.effect)):
        signal = 1.8 + effect + 0.3 * (easy + random.normal(size=patients))
        shift = 0.7 * alike + 0.5 * random.normal(size=(patients, 3))
        for repeat in range(REPEATS):
            trained = situation.training * random.normal(size=4)
            own = signal + trained[0] + 0.1 * random.normal(size=patients)
            lean = shift + trained[1:] + 0.2 * random.normal(size=(patients, 3))
            noise = 0.8 * nucleus + 0.6 * random.normal(size=nucleus.shape)
            odds = np.exp(own[patient, None] * truth + lean[patient] + noise)
            table = pd.DataFrame(odds / odds.sum(axis=1, keepdims=True), columns=list(CLASSES))
            table["label"], table["patient"] = np.array(CLASSES)[label], patient
            tables.append(table.assign(aug=aug, volume=1.0, repeat=repeat))
    return pd.concat(tables, ignore_index=True)


def _judge(predictions: pd.DataFrame, seed: int) -> list[dict]:
    drawn = bootstrap.resample(predictions, RESAMPLES, seed)
    rows = []
    for metric in METRICS:
        gap = bootstrap.contrast(drawn, metric, GAP)
        key = {"metric": metric, "estimate": gap.estimate}
        methods = {"percentile": inference.percentile_interval, "bca": inference.bca_interval}
        for method, interval in methods.items():
            low, high = interval(gap)
            rows.append(key | {"method": method, "low": low, "high": high, "gap": gap})
        low, high = np.nanquantile(gap.samples, [0.025, 0.975])
        rows.append(key | {"method": "percentile, not widened", "low": low, "high": high})
    for metric, samples in _nucleus_level(predictions, seed).items():
        low, high = np.quantile(samples, [0.025, 0.975])
        estimate = bootstrap.contrast(drawn, metric, GAP).estimate
        key = {"metric": metric, "estimate": estimate, "method": "nuclei drawn, not patients"}
        rows.append(key | {"low": low, "high": high})
    return rows


def _nucleus_level(predictions: pd.DataFrame, seed: int) -> dict[str, np.ndarray]:
    """Resampled differences as if nuclei were independent, the mistake that patients avoid."""
    random = np.random.default_rng(seed)
    count = len(predictions) // (2 * REPEATS)
    resamples = RESAMPLES // 4  # enough to see it fail
    weights = random.multinomial(count, np.full(count, 1 / count), resamples).astype(float)
    picked = random.multinomial(REPEATS - 1, np.full(REPEATS, 1 / REPEATS), resamples)
    total = {"macro_auc": np.zeros(resamples), "accuracy": np.zeros(resamples)}
    for (aug, repeat), rows in predictions.groupby(["aug", "repeat"]):
        label = codes(rows["label"])
        probability = rows[list(CLASSES)].to_numpy()
        aucs = [_auc(probability[:, k], label == k, weights) for k in range(len(CLASSES))]
        right = weights @ (probability.argmax(axis=1) == label) / count
        share = (1 if aug == "arm" else -1) * picked[:, repeat] / (REPEATS - 1)
        total["macro_auc"] += share * np.mean(aucs, axis=0)
        total["accuracy"] += share * right
    return total


def _auc(score: np.ndarray, positive: np.ndarray, weights: np.ndarray) -> np.ndarray:
    order = score.argsort()  # no ties: these scores are continuous
    ranked, positive = weights[:, order], positive[order]
    below = (ranked * ~positive).cumsum(axis=1)
    ordered = (ranked[:, positive] * below[:, positive]).sum(axis=1)
    return ordered / (ranked[:, positive].sum(axis=1) * below[:, -1])


def _summary(rows: pd.DataFrame, situation: Situation) -> pd.DataFrame:
    """Coverage of the true difference: 0, or where one is planted the mean over all sets."""
    summaries = []
    for (metric, method), group in rows.groupby(["metric", "method"], sort=False):
        true = group["estimate"].mean() if situation.effect else 0.0
        covered = (group["low"] <= true) & (true <= group["high"])
        excluded = (group["low"] > 0) | (group["high"] < 0)
        row = {"metric": metric, "method": method, "true": true, "coverage": covered.mean()}
        row |= {"excludes 0": excluded.mean(), "width": (group["high"] - group["low"]).mean()}
        if situation.effect and method == "percentile":  # a margin the difference just reaches
            p = [inference.p_tost(gap, abs(true)) for gap in group["gap"]]
            row["false equivalence"] = (np.array(p) < 0.05).mean()
        summaries.append(row)
    return pd.DataFrame(summaries)


if __name__ == "__main__":
    main()
