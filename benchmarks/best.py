"""How often the set of arms that may be the best holds the best one, and how large it is.

Studies are those of verdicts.py: their true scores are known. `share` is how often an arm is the
best in a study's resamples.
"""

from itertools import product
from multiprocessing import Pool

import numpy as np
import pandas as pd
from results import record
from tqdm import tqdm
from verdicts import MARGIN, PROCESSES, SKEWNESS, drawn

from nuclei.statistics import best
from nuclei.statistics.bootstrap import Bootstrap

STUDIES = 250
ARMS = (7, 21)
PATIENTS = (15, 54, 113)
BEST = 1  # the arm that is the best one; 0 is none, whose patients are less skewed
TRUTHS = {  # what the best arm leads the others by, in margins
    "all tied": lambda arms: np.zeros(arms),
    "none is best, by a hair": lambda arms: np.where(np.arange(arms) == 0, 0, -1e-9),
    "half tied, half 3 margins worse": lambda arms: -3.0 * (np.arange(arms) > arms // 2),
    "each half a margin below the next": lambda arms: -0.5 * np.roll(np.arange(arms), BEST),
    "none is best, by the margin": lambda arms: np.where(np.arange(arms) == 0, 0, -1.0),
}


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
    sure = table[(table["share of the leader"] >= 0.95) & (table["truth"] != "all tied")]
    of_sure = sure.groupby("truth", sort=False)["leader is best"].agg(["mean", "size"])
    print(means.reset_index().to_markdown(index=False, floatfmt=".2f"))
    print(of_sure.to_markdown(floatfmt=".3f"))
    record(
        "best",
        {"studies": STUDIES, "margin": MARGIN, "found": means.reset_index().to_dict("records")},
    )


def _study(task: tuple[int, int, int, int]) -> list[tuple]:
    """The standings of one study at every truth: noise is drawn once for all."""
    patients, skewness, arms, _ = task
    noise = drawn(np.random.default_rng([*task]), arms, patients, skewness)
    rows = []
    for truth, leads in TRUTHS.items():
        scores = leads(arms) * MARGIN
        true_best = int(scores.argmax()) if truth != "all tied" else BEST
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
