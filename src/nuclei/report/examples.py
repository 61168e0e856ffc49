"""Examples of an augmentation: nuclei that are augmented again, as the stage augment did."""

from typing import Any

import numpy as np

from nuclei.augmentation import recipes
from nuclei.core.nuclei import Nuclei


def augmented(
    nuclei: Nuclei, aug: str, draws: dict[str, Any], pool: np.ndarray | None
) -> np.ndarray:
    """Augment nuclei as in the copy that shows the most of the augmentation.

    Args:
        nuclei: the examples, n of them.
        aug: the recipe.
        draws: what a training recorded: the ``seed`` of the stage augment, and what the recipe has
            ``learned`` of each fold's training nuclei; the first fold's is used.
        pool: some synthetic nuclei, uint8 (M, S, S, 3), as many of each class, in the order of
            CLASSES; None if the recipe has none.

    Returns:
        uint8 RGB (n, S, S, 3).
    """
    learned: recipes.Learned = next(iter(draws["learned"].values()), {})
    if pool is not None:
        learned = learned | {"generated": {"pool": pool}}
    copy = 1 if recipes.generates(aug) else 0  # even copies show real nuclei alone
    return recipes.augment(nuclei, aug, draws["seed"], copy, learned)
