"""What a network sees in each pass over a fold's training nuclei: stored copies, or fresh draws."""

from collections.abc import Callable, Iterator
from itertools import count

import numpy as np

from nuclei.augmentation import recipes
from nuclei.augmentation.recipes import Learned
from nuclei.core.nuclei import Nuclei

# Positions among the training nuclei and the pass, to uint8 crops (n, S, S, 3).
Pictures = Callable[[np.ndarray, int], np.ndarray]


def stored(copies: list[np.ndarray], rows: np.ndarray, distinct: int) -> Pictures:
    """Show the same pictures in every pass.

    Args:
        copies: uint8 (N, S, S, 3) each, of all nuclei.
        rows: of the fold's training nuclei at a volume, int (n,); of `folds.at_volume`.
        distinct: how many of them are distinct: the k-th time that they come is of copy k.
    """

    def pictures(positions: np.ndarray, number: int) -> np.ndarray:
        copy_of = positions // distinct
        crops = np.empty((len(positions), *copies[0].shape[1:]), np.uint8)
        for copy, of_copy in enumerate(copies):
            here = copy_of == copy
            crops[here] = of_copy[rows[positions[here]]]
        return crops

    return pictures


def fresh(
    nuclei: Nuclei,
    rows: np.ndarray,
    recipe: str,
    seed: int,
    learned: Learned | None,
) -> Pictures:
    """Draw every pass anew: pass k shows what would be stored as copy k.

    Args:
        nuclei: all nuclei, as they were prepared.
        rows: of the fold's training nuclei, int (n,).
        recipe: the augmentation.
        seed: of the augmented data set.
        learned: what the recipe has learned from the fold's training nuclei.
    """

    def pictures(positions: np.ndarray, number: int) -> np.ndarray:
        return recipes.augment(nuclei.rows(rows[positions]), recipe, seed, number, learned)

    return pictures


def shuffled(
    pictures: Pictures, nuclei: int, together: int, seed: int
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Show the nuclei pass after pass without end, each pass in an order of its own.

    Args:
        pictures: of the training nuclei.
        nuclei: how many there are.
        together: how many pictures are made at once, at most.
        seed: of the orders.

    Yields:
        Crops, uint8 (n, S, S, 3), and their positions, int (n,).
    """
    random = np.random.default_rng(seed)
    for number in count():
        positions = random.permutation(nuclei)
        for first in range(0, nuclei, together):
            part = positions[first : first + together]
            yield pictures(part, number), part
