"""The operation generated: synthetic nuclei take the place of every second copy.

A network learns from a fold's training nuclei only (`nuclei.generation`) and makes a pool of nuclei
of every class, from which each draw takes one. Even copies stay what they are, so a volume of 2,
and fresh draws, hold real and synthetic nuclei in equal parts.
"""

import numpy as np

from nuclei.augmentation.operation import Operation
from nuclei.core.classes import CLASSES
from nuclei.core.draws import bits
from nuclei.core.errors import InputError


def exchange(
    crops: np.ndarray, choice: np.ndarray, pool: np.ndarray, labels: np.ndarray
) -> np.ndarray:
    """Replace every nucleus by a synthetic one of the same class.

    Args:
        crops: uint8 (N, S, S, 3); only their shape is used.
        choice: random bits, uint64 (N,), that choose a nucleus of the pool.
        pool: synthetic nuclei, uint8 (M, S, S, 3), as many of each class, in the order of CLASSES.
        labels: each nucleus's class, a position in CLASSES, int (N,).

    Raises:
        InputError: the pool's nuclei have another side.
    """
    if pool.shape[1:] != crops.shape[1:]:
        raise InputError(
            f"synthetic nuclei have a side of {pool.shape[1]} pixels, crops one of {crops.shape[1]}"
        )
    per_class = len(pool) // len(CLASSES)
    return pool[labels * per_class + (choice % np.uint64(per_class)).astype(int)]


OPERATIONS = {
    "generated": Operation(
        "Replace every second copy by a synthetic nucleus of the same class.",
        lambda keys: {"choice": bits(keys, 0)},
        exchange,
        "the 2022 notebook's future work",
        generates=True,
    )
}
