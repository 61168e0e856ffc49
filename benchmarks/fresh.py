"""What drawing a batch anew costs an update, in milliseconds of one core.

Crops of 32 px, drawn as `train` draws them; an update is one of `small` on a batch in memory. All
ways take turns in one process.
"""

import os
import time
from statistics import median

import bare  # first: it sets TensorFlow's threads

# isort: split
import cv2
import numpy as np
import results
from augmentation import NOTEBOOK, NUCLEI, simulated_crops
from nuclei.augmentation.fresh import Draw

from nuclei.augmentation import recipes
from nuclei.core import draws
from nuclei.training import loop, passes

ROUNDS, SECONDS = 7, 1.0
COMBINED = ("dihedral+stain", "randstainna+trivial", "dihedral+randstainna+blur")
BATCH = 64


def main() -> None:
    """Print a row per recipe: its milliseconds per batch, and their share of an update."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    cv2.setNumThreads(1)
    operations = [name for name in recipes.OPERATIONS if not recipes.generates(name)]
    ways = {"stored": _stored()}
    ways |= {name: _fresh(name) for name in (*operations, *NOTEBOOK, *COMBINED)}
    spent: dict[str, list[float]] = {name: [] for name in ["update", *ways]}
    for _ in range(ROUNDS):
        spent["update"].append(1000 / bare.steps(SECONDS))
        for name, way in ways.items():
            spent[name].append(_milliseconds(way))
    rows = {name: _row(ms, spent["update"]) for name, ms in spent.items()}
    for name, row in rows.items():
        print(f"{name:<26} {row['ms']:6.2f} ms  {row['share']:6.1%} of an update")
    results.record("fresh", rows)


def _fresh(recipe: str) -> passes.Pictures:
    crops, rows = simulated_crops(bare.SIDE), np.arange(NUCLEI)
    learned = recipes.learn(recipe, crops, rows)
    hashed, labels = draws.hash_ids(map(str, rows)), np.zeros(NUCLEI, int)  # asked for, not used
    return passes.fresh(crops, labels, rows, hashed, Draw(recipe, 1, {}, ""), learned)


def _stored() -> passes.Pictures:
    return passes.stored([simulated_crops(bare.SIDE)], np.arange(NUCLEI), NUCLEI)


def _milliseconds(pictures: passes.Pictures) -> float:
    """One pass in the parts that `train` makes, by batch."""
    shown = passes.shuffled(pictures, NUCLEI, loop.TOGETHER, seed=1)
    start = time.perf_counter()
    for _ in range(NUCLEI // loop.TOGETHER):
        next(shown)
    return 1000 * (time.perf_counter() - start) / (NUCLEI / BATCH)


def _row(spent: list[float], updates: list[float]) -> dict[str, float]:
    shares = [a / b for a, b in zip(spent, updates, strict=True)]
    return {"ms": median(spent), "share": median(shares), "most": max(shares)}


if __name__ == "__main__":
    main()
