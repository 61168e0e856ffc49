"""What a network sees in each pass over a fold's training nuclei: stored copies, or fresh draws."""

from collections.abc import Callable, Iterator
from itertools import count
from typing import NamedTuple

import numpy as np

from nuclei.augmentation import recipes
from nuclei.augmentation.recipes import Learned
from nuclei.core.folds import Fold
from nuclei.core.nuclei import Nuclei

# Takes positions among a fold's training nuclei and the number of the pass; returns their crops,
# uint8 (n, S, S, 3).
Pictures = Callable[[np.ndarray, int], np.ndarray]
COMPARED = 48  # nuclei: an operation that draws otherwise changes most of them


class TrainingSet(NamedTuple):
    """What the networks of one fold train on."""

    fold: Fold
    rows: np.ndarray  # the training nuclei at the volume, int (n,); of `folds.at_volume`
    pictures: Pictures


def stored(copies: list[np.ndarray], rows: np.ndarray, distinct: int) -> Pictures:
    """Show the same pictures in every pass: rows that come for the k-th time, from copy k.

    copies: uint8 (N, S, S, 3) each, of all nuclei; rows: int (n,), of `folds.at_volume`, after
    `distinct` of which they repeat.
    """

    def pictures(positions: np.ndarray, number: int) -> np.ndarray:
        crops = np.empty((len(positions), *copies[0].shape[1:]), np.uint8)
        for number_of_copy, copy in enumerate(copies):
            read = positions // distinct == number_of_copy
            crops[read] = copy[rows[positions[read]]]
        return crops

    return pictures


def fresh(
    nuclei: Nuclei, rows: np.ndarray, recipe: str, seed: int, learned: Learned | None
) -> Pictures:
    """Draw every pass over the rows, int (n,), anew: pass k shows what copy k would store."""

    def pictures(positions: np.ndarray, number: int) -> np.ndarray:
        return recipes.augment(nuclei.rows(rows[positions]), recipe, seed, number, learned)

    return pictures


def same_as_stored(
    copies: list[np.ndarray],
    nuclei: Nuclei,
    rows: np.ndarray,
    recipe: str,
    seed: int,
    learned: Learned | None,
) -> bool:
    """Return whether a few training nuclei are drawn by `fresh` as for the stored copies 0, 1."""
    few = rows[np.linspace(0, len(rows) - 1, min(COMPARED, len(rows))).astype(int)]
    pictures, everyone = fresh(nuclei, few, recipe, seed, learned), np.arange(len(few))
    return all(
        np.array_equal(pictures(everyone, number), copy[few]) for number, copy in enumerate(copies)
    )


def shuffled(
    pictures: Pictures, nuclei: int, together: int, seed: int
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Show so many nuclei pass after pass without end, each pass in another order, of the seed.

    Yields crops, uint8 (n, S, S, 3), at most so many together, and their positions, int (n,).
    """
    random = np.random.default_rng(seed)
    for number in count():
        positions = random.permutation(nuclei)
        for first in range(0, nuclei, together):
            part = positions[first : first + together]
            yield pictures(part, number), part
