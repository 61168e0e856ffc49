"""The operation generated: nuclei that a network made take every second copy's place.

The network has learned from a fold's training nuclei alone (`nuclei.training.generator`), and has
made a pool of nuclei of every class, from which each draw takes one. Even copies stay what they
are, so a volume of 2, and fresh draws, are real and made nuclei in equal parts.
"""

import numpy as np

from nuclei.augmentation.operation import Operation, Parameters
from nuclei.core.classes import CLASSES
from nuclei.core.draws import bits
from nuclei.core.errors import InputError


def draw_from_pool(keys: np.ndarray) -> Parameters:
    """Draw which nucleus of its class's pool each one becomes, uint64 (N,); see `exchange`."""
    return {"drawn": bits(keys, 0)}


def exchange(
    crops: np.ndarray, drawn: np.ndarray, pool: np.ndarray, labels: np.ndarray
) -> np.ndarray:
    """Put a nucleus of the same class in its place that a network made: every second copy.

    Args:
        crops: uint8 (N, S, S, 3); of them, only the shape is of use.
        drawn: of `draw_from_pool`.
        pool: made nuclei, uint8 (M, S, S, 3), as many of each class, in the order of CLASSES.
        labels: each nucleus's class, a position in CLASSES, int (N,).

    Raises:
        InputError: the pool's nuclei are of another side.
    """
    if pool.shape[1:] != crops.shape[1:]:
        raise InputError(
            f"made nuclei have a side of {pool.shape[1]} pixels, crops one of {crops.shape[1]}"
        )
    of_class = len(pool) // len(CLASSES)
    return pool[labels * of_class + (drawn % np.uint64(of_class)).astype(int)]


OPERATIONS = {
    "generated": Operation(
        draw_from_pool, exchange, "the 2022 notebook's future work", generates=True
    )
}
