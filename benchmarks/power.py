"""Whether the power table is right: studies of known truth, as large as the table says.

A first study, of those in verdicts.py, says how many patients find a true difference of the margin,
and which difference it finds itself. Further studies then have so many patients, and that
difference: four of five should find it. Without a difference one of twenty may.
"""

from itertools import product
from multiprocessing import Pool

import numpy as np
import pandas as pd
import results
from tqdm import tqdm
from verdicts import MARGIN, PROCESSES, REPEATS, SKEWNESS, drawn

from nuclei.statistics import inference, power
from nuclei.statistics.bootstrap import Contrast, contrast

STUDIES = 500
PATIENTS = (15, 54, 113)
LARGEST = 1000  # patients of a further study


def main() -> None:
    """Print and record how often a difference is found that the table says is found."""
    tasks = list(product(PATIENTS, SKEWNESS, (REPEATS, power.MORE_REPEATS), range(STUDIES)))
    with Pool(PROCESSES) as pool:
        found = pool.imap_unordered(_study, tasks, chunksize=20)
        rows = list(tqdm(found, total=len(tasks), disable=None))
    keys = ["patients", "skewness", "repeats"]
    names = [
        "needed",
        "found with as many",
        "smallest found",
        "found by itself",
        "found of nothing",
    ]
    table = pd.DataFrame(rows, columns=[*keys, *names])
    grouped = table.groupby(keys, sort=False)
    shown = (
        grouped[["needed", "smallest found"]]
        .median()
        .join(grouped[["found with as many", "found by itself", "found of nothing"]].mean() * 100)
    )
    found = shown.reset_index().to_dict("records")
    print(results.power(found))
    results.record("power", {"studies": STUDIES, "margin": MARGIN, "found": found})


def _study(task: tuple[int, int, int, int]) -> tuple:
    patients, skewness, repeats, _ = task
    random = np.random.default_rng([*task])
    first = _gap(random, patients, skewness, REPEATS)
    measured = power.variances(first)
    needed = power.patients_needed(measured, MARGIN, repeats)
    as_many = int(min(needed, LARGEST))
    smallest = float(power.detectable(measured, np.array(patients), repeats))
    return (
        *(patients, skewness, repeats, needed),
        _is_found(_gap(random, as_many, skewness, repeats), MARGIN),
        smallest,
        _is_found(_gap(random, patients, skewness, repeats), smallest),
        _is_found(_gap(random, as_many, skewness, repeats), 0),
    )


def _gap(random: np.random.Generator, patients: int, skewness: int, repeats: int) -> Contrast:
    """One arm minus none, of a study in which they are equal."""
    study = drawn(random, 2, patients, skewness, repeats)
    return contrast(study, "score", {study.configurations[1]: 1, study.configurations[0]: -1})


def _is_found(gap: Contrast, difference: float) -> bool:
    moved = gap._replace(estimate=gap.estimate + difference, samples=gap.samples + difference)
    return inference.p_value(moved) < power.LEVEL and moved.estimate > 0


if __name__ == "__main__":
    main()
