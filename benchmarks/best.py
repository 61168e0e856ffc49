"""How often the set of arms that may be the best holds the best one, and how large it is.

Studies are those of verdicts.py: their true scores are known. `share` is how often an arm is the
best in a study's resamples.
"""

from itertools import product
from multiprocessing import Pool

import numpy as np
import pandas as pd
import results
from tqdm import tqdm
from verdicts import MARGIN, PROCESSES, SKEWNESS, drawn

from nuclei.statistics import best
from nuclei.statistics.bootstrap import Bootstrap

STUDIES = 250
ARMS = (7, 21)
PATIENTS = (15, 54, 113)
NONE, OTHER = 0, 1  # arms; the patients of none are less skewed
TRUTHS = {  # which arm the set is to hold; and the arms' scores, in margins
    "all tied, looked for another": (OTHER, lambda arms: np.zeros(arms)),
    "all tied, looked for `none`": (NONE, lambda arms: np.zeros(arms)),
    "half tied, half 3 margins worse": (NONE, lambda arms: -3.0 * (np.arange(arms) > arms // 2)),
    "each half a margin below the next": (
        OTHER,
        lambda arms: -0.5 * ((np.arange(arms) - 1) % arms),
    ),
    "`none` best by the margin": (NONE, lambda arms: -1.0 * (np.arange(arms) != NONE)),
    "another best by the margin": (OTHER, lambda arms: -1.0 * (np.arange(arms) != OTHER)),
    "another best by 3 margins": (OTHER, lambda arms: -3.0 * (np.arange(arms) != OTHER)),
}
SURE = 0.95  # a leader's share of the resamples


def main() -> None:
    """Print and record how often each truth's best arm is in the set, its size, its share."""
    tasks = list(product(PATIENTS, SKEWNESS, ARMS, range(STUDIES)))
    with Pool(PROCESSES) as pool:
        found = pool.imap_unordered(_study, tasks, chunksize=20)
        rows = [row for rows in tqdm(found, total=len(tasks), disable=None) for row in rows]
    keys = ["truth", "arms", "patients", "skewness"]
    measured = [
        "holds the best",
        "all intervals hold",
        "size",
        "share of the best",
        "leader is best",
    ]
    table = pd.DataFrame(rows, columns=[*keys, *measured, "share of the leader"])
    means = table.groupby(keys, sort=False)[measured].mean()
    means[["holds the best", "all intervals hold", "leader is best"]] *= 100
    sure = table[table["share of the leader"] >= SURE]
    of_sure = sure.groupby("truth", sort=False)["leader is best"].agg(["mean", "size"])
    found = means.reset_index().to_dict("records")
    told = {"found": found, "sure": of_sure.reset_index().to_dict("records")}
    print(results.best(found))
    print(of_sure.to_markdown(floatfmt=".3f"))
    results.record("best", {"studies": STUDIES, "margin": MARGIN} | told)


def _study(task: tuple[int, int, int, int]) -> list[tuple]:
    """The standings of one study at every truth: noise is drawn once for all."""
    patients, skewness, arms, _ = task
    noise = drawn(np.random.default_rng([*task]), arms, patients, skewness)
    rows = []
    for truth, (true_best, in_margins) in TRUTHS.items():
        scores = in_margins(arms) * MARGIN
        table = best.standings(_shifted(noise, scores), "score")
        others = [np.delete(scores, arm).max() for arm in range(arms)]
        held = (table["low"] <= scores - others + 1e-12) & (
            scores - others - 1e-12 <= table["high"]
        )
        leader = int(table["lead"].argmax())
        right = scores[leader] == scores.max()
        rows.append(
            (
                *(truth, arms, patients, skewness),
                *(table["may_be_best"][true_best], held.all(), table["may_be_best"].sum()),
                *(table["share"][true_best], right, table["share"].max()),
            )
        )
    return rows


def _shifted(noise: Bootstrap, scores: np.ndarray) -> Bootstrap:
    """The same study of arms whose true scores are these."""
    shift = scores[:, None]
    return noise._replace(
        estimates=noise.estimates + shift, samples=noise.samples + shift[..., None]
    )


if __name__ == "__main__":
    main()
