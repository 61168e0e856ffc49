"""The operation generated: synthetic nuclei take the place of every second copy.

Even copies stay real: a volume of 2 and fresh draws are half real, half of `nuclei.generation`.
"""

import numpy as np

from nuclei.augmentation.operation import Operation, Parameters
from nuclei.core.classes import CLASSES
from nuclei.core.draws import bits
from nuclei.core.errors import InputError


def draw_from_pool(keys: np.ndarray, strength: None = None) -> Parameters:
    """Draw which synthetic nucleus of its class each one becomes, uint64 (N,)."""
    return {"choice": bits(keys, 0)}


def exchange(
    crops: np.ndarray, choice: np.ndarray, pool: np.ndarray, labels: np.ndarray
) -> np.ndarray:
    """Replace every nucleus by a synthetic one of the same class; InputError if sides differ.

    crops: uint8 (N, S, S, 3); choice: uint64 (N,); labels: positions in CLASSES, int (N,);
    pool: uint8 (M, S, S, 3), as many of each class, in the order of CLASSES.
    """
    if pool.shape[1:] != crops.shape[1:]:
        raise InputError(
            f"synthetic nuclei have a side of {pool.shape[1]} pixels, crops one of {crops.shape[1]}"
        )
    per_class = len(pool) // len(CLASSES)
    return pool[labels * per_class + (choice % np.uint64(per_class)).astype(int)]


OPERATIONS = {
    "generated": Operation(
        "Put a nucleus of the same class in its place that a network made: every second copy.",
        draw_from_pool,
        exchange,
        "the 2022 notebook's future work",
        generates=True,
    )
}
