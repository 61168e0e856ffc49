"""How often the set of augmentations that may be the best holds the best one, and how large it is.

Studies are those of verdicts.py: their true scores are known. `share` is how often an augmentation
is the best in a study's resamples.
"""

from itertools import product
from multiprocessing import Pool

import numpy as np
import pandas as pd
import results
from tqdm import tqdm
from verdicts import MARGIN, PROCESSES, SKEWNESS, resampled

from nuclei.statistics import best
from nuclei.statistics.bootstrap import Bootstrap

STUDIES = 250
AUGMENTATIONS = (7, 21)
PATIENTS = (15, 54, 113)
NONE, OTHER = 0, 1  # augmentations; the patients of none are less skewed
TRUTHS = {  # which augmentation the set is to hold; and all scores, in margins
    "all tied, looked for another": (OTHER, lambda count: np.zeros(count)),
    "all tied, looked for `none`": (NONE, lambda count: np.zeros(count)),
    "half tied, half 3 margins worse": (NONE, lambda count: -3.0 * (np.arange(count) > count // 2)),
    "each half a margin below the next": (
        OTHER,
        lambda count: -0.5 * ((np.arange(count) - 1) % count),
    ),
    "`none` best by the margin": (NONE, lambda count: -1.0 * (np.arange(count) != NONE)),
    "another best by the margin": (OTHER, lambda count: -1.0 * (np.arange(count) != OTHER)),
    "another best by 3 margins": (OTHER, lambda count: -3.0 * (np.arange(count) != OTHER)),
}
SURE = 0.95  # a leader's share of the resamples


def main() -> None:
    """Print and record how often each truth's best one is in the set, its size, its share."""
    tasks = list(product(PATIENTS, SKEWNESS, AUGMENTATIONS, range(STUDIES)))
    with Pool(PROCESSES) as pool:
        studies = pool.imap_unordered(_study, tasks, chunksize=20)
        rows = [row for rows in tqdm(studies, total=len(tasks), disable=None) for row in rows]
    keys = ["truth", "augmentations", "patients", "skewness"]
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
    rows = means.reset_index().to_dict("records")
    tables = {"rows": rows, "sure": of_sure.reset_index().to_dict("records")}
    print(results.best(rows))
    print(of_sure.to_markdown(floatfmt=".3f"))
    results.record("best", {"studies": STUDIES, "margin": MARGIN} | tables)


def _study(task: tuple[int, int, int, int]) -> list[tuple]:
    """The standings of one study at every truth: the noise is the same for all."""
    patients, skewness, count, _ = task
    noise = resampled(np.random.default_rng([*task]), count, patients, skewness)
    rows = []
    for truth, (true_best, in_margins) in TRUTHS.items():
        scores = in_margins(count) * MARGIN
        table = best.standings(_shifted(noise, scores), "score")
        others = [np.delete(scores, number).max() for number in range(count)]
        held = (table["low"] <= scores - others + 1e-12) & (
            scores - others - 1e-12 <= table["high"]
        )
        leader = int(table["lead"].argmax())
        right = scores[leader] == scores.max()
        rows.append(
            (
                *(truth, count, patients, skewness),
                *(table["may_be_best"][true_best], held.all(), table["may_be_best"].sum()),
                *(table["share"][true_best], right, table["share"].max()),
            )
        )
    return rows


def _shifted(noise: Bootstrap, scores: np.ndarray) -> Bootstrap:
    """The same study of augmentations whose true scores are these."""
    shift = scores[:, None]
    return noise._replace(
        estimates=noise.estimates + shift, samples=noise.samples + shift[..., None]
    )


if __name__ == "__main__":
    main()
