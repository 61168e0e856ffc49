"""Time and peak memory of the statistics at full size: 21 cells, 9,000 nuclei, 2,000 resamples."""

import resource
import time

import numpy as np
import pandas as pd

from nuclei.classes import CLASSES
from nuclei.statistics import bootstrap, calibration, inference, learning_curve, sites

AUGS = ("none", "crop", "rotation", "flip", "invert", "invert+rotation", "invert+flip")
VOLUMES, REPEATS, NUCLEI, PATIENTS, SITES = (0.5, 1.0, 2.0), 3, 9000, 124, 18
RESAMPLES, MARGIN = 2000, 0.01


def main() -> None:
    """Print the seconds of each step, their sum, and the process's peak memory."""
    predictions = _predictions()
    before, total = _megabytes(), 0.0
    start = time.perf_counter()
    drawn = bootstrap.resample(predictions, RESAMPLES)
    total += _told("bootstrap", start)
    steps = {
        "intervals": lambda: inference.intervals(drawn),
        "differences": lambda: inference.differences(drawn, MARGIN),
        "verdicts": lambda: learning_curve.verdicts(drawn, "macro_auc", MARGIN),
        "sites": lambda: sites.scores_of_sites(predictions),
        "reliability": lambda: calibration.reliability(predictions),
        "errors": lambda: calibration.errors(predictions),
    }
    for name, step in steps.items():
        start = time.perf_counter()
        step()
        total += _told(name, start)
    print(f"total       {total:6.2f} s; peak {_megabytes():,.0f} MB, {before:,.0f} MB before it")


def _predictions() -> pd.DataFrame:
    random = np.random.default_rng(1)
    label, patient = random.integers(0, 3, NUCLEI), random.integers(0, PATIENTS, NUCLEI)
    truth = np.eye(3)[label]
    nuclei = pd.DataFrame({"id": np.arange(NUCLEI).astype(str), "label": np.array(CLASSES)[label]})
    nuclei["patient"] = [f"P{number:03d}" for number in patient]
    nuclei["site"] = [f"S{number % SITES:02d}" for number in patient]
    tables = []
    for aug in AUGS:
        for volume in VOLUMES:
            for repeat in range(REPEATS):
                odds = np.exp(1.8 * truth + random.normal(size=truth.shape))
                probability = (odds / odds.sum(axis=1, keepdims=True)).round(4)
                table = nuclei.assign(aug=aug, volume=volume, repeat=repeat)
                tables.append(table.assign(**dict(zip(CLASSES, probability.T, strict=True))))
    return pd.concat(tables, ignore_index=True)


def _told(name: str, start: float) -> float:
    seconds = time.perf_counter() - start
    print(f"{name:<11} {seconds:6.2f} s")
    return seconds


def _megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
