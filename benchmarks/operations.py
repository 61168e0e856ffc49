"""Crops of 64 px per second on one core, draw and apply, for every operation and recipe."""

import sys
import time
from pathlib import Path
from statistics import median

import cv2
import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "src"))
from nuclei import draws, operations, recipes

ROUNDS, NUCLEI, SIDE = 7, 2048, 64
NOTEBOOK = ("none", "crop", "rotation", "flip", "invert", "invert+rotation", "invert+flip")


def main() -> None:
    """Print a row per recipe: the median over rounds, and their spread."""
    cv2.setNumThreads(1)
    crops = np.random.default_rng(1).integers(0, 256, (NUCLEI, SIDE, SIDE, 3), dtype=np.uint8)
    hashed = draws.hash_ids(map(str, range(NUCLEI)))
    print(f"{'recipe':<16} crops/s/core (min-max of {ROUNDS} rounds)")
    for recipe in dict.fromkeys((*NOTEBOOK, *operations.OPERATIONS)):
        rates = sorted(_rate(crops, hashed, recipe, copy) for copy in range(ROUNDS))
        print(f"{recipe:<16} {median(rates):>12,.0f} ({rates[0]:,.0f}-{rates[-1]:,.0f})")


def _rate(crops: np.ndarray, hashed: np.ndarray, recipe: str, copy: int) -> float:
    start = time.perf_counter()
    for first in range(0, NUCLEI, 256):
        part = slice(first, first + 256)
        recipes.augment(crops[part], hashed[part], recipe, seed=1, copy=copy)
    return NUCLEI / (time.perf_counter() - start)


if __name__ == "__main__":
    main()
