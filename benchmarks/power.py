"""Whether the power table is right: studies of known truth, as large as the table says.

A first study, of those in verdicts.py, says how many patients it takes to detect a true difference
of the margin, and which difference it can detect itself. Further studies then have as many
patients, and that difference: four of five should detect it. Without one, one of twenty may.
"""

from itertools import product
from multiprocessing import Pool

import numpy as np
import pandas as pd
import results
from tqdm import tqdm
from verdicts import MARGIN, PROCESSES, REPEATS, SKEWNESS, resampled

from nuclei.statistics import inference, power
from nuclei.statistics.bootstrap import Contrast, contrast

STUDIES = 500
PATIENTS = (15, 54, 113)
LARGEST = 1000  # patients of a further study


def main() -> None:
    """Print and record how often a difference is detected that the table calls detectable."""
    tasks = list(product(PATIENTS, SKEWNESS, (REPEATS, power.MORE_REPEATS), range(STUDIES)))
    with Pool(PROCESSES) as pool:
        studies = pool.imap_unordered(_study, tasks, chunksize=20)
        rows = list(tqdm(studies, total=len(tasks), disable=None))
    keys = ["patients", "skewness", "repeats"]
    names = [
        "needed",
        "detected with as many",
        "smallest detectable",
        "detected by itself",
        "detected of nothing",
    ]
    table = pd.DataFrame(rows, columns=[*keys, *names])
    grouped = table.groupby(keys, sort=False)
    shares = grouped[["detected with as many", "detected by itself", "detected of nothing"]].mean()
    medians = grouped[["needed", "smallest detectable"]].median()
    rows = medians.join(shares * 100).reset_index().to_dict("records")
    print(results.power(rows))
    results.record("power", {"studies": STUDIES, "margin": MARGIN, "rows": rows})


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
        _is_detected(_gap(random, as_many, skewness, repeats), MARGIN),
        smallest,
        _is_detected(_gap(random, patients, skewness, repeats), smallest),
        _is_detected(_gap(random, as_many, skewness, repeats), 0),
    )


def _gap(random: np.random.Generator, patients: int, skewness: int, repeats: int) -> Contrast:
    """One augmentation minus none, of a study in which they are equal."""
    study = resampled(random, 2, patients, skewness, repeats)
    return contrast(study, "score", {study.configurations[1]: 1, study.configurations[0]: -1})


def _is_detected(gap: Contrast, difference: float) -> bool:
    moved = gap._replace(estimate=gap.estimate + difference, samples=gap.samples + difference)
    return inference.p_value(moved) < power.LEVEL and moved.estimate > 0


if __name__ == "__main__":
    main()
