"""A recipe is operation names joined by `+`, applied in that order: `invert+flip`."""

import numpy as np

from nuclei.augmentation import colour, geometry, noise, stain
from nuclei.draws import keys
from nuclei.errors import InputError

FAMILIES = (geometry, colour, noise, stain)
OPERATIONS = {name: made for family in FAMILIES for name, made in family.OPERATIONS.items()}


def parse(recipe: str) -> tuple[str, ...]:
    """Split a recipe into the names of its operations.

    Raises:
        InputError: for an unknown or repeated operation, or `none` beside another.
    """
    names = tuple(recipe.split("+"))
    for name in names:
        if name not in OPERATIONS:
            raise InputError(
                f"augmentation {recipe!r}: no operation {name!r}; valid: {', '.join(OPERATIONS)}, "
                "or several joined by +"
            )
    if len(set(names)) < len(names):
        raise InputError(f"augmentation {recipe!r}: an operation may stand in a recipe only once")
    if "none" in names and len(names) > 1:
        raise InputError(f"augmentation {recipe!r}: none stands alone")
    return names


def augment(
    crops: np.ndarray, hashed_ids: np.ndarray, recipe: str, seed: int, copy: int
) -> np.ndarray:
    """Augment crops for the `copy`-th time.

    Args:
        crops: uint8 RGB (N, S, S, 3).
        hashed_ids: uint64 (N,), from draws.hash_ids.
        recipe: see parse.
        seed: of the augmented data set.
        copy: from 0; each copy is drawn anew.

    Returns:
        uint8 RGB (N, S, S, 3). Row i depends on crop i, its id, the recipe, seed and copy alone.
    """
    for name in parse(recipe):
        operation = OPERATIONS[name]
        crops = operation.apply(crops, **operation.draw(keys(hashed_ids, seed, copy, name)))
    return crops


def enlarges(recipe: str) -> bool:
    """Whether training nuclei look larger than those that are tested: `crop` mixes two effects."""
    return "crop" in parse(recipe)


def at_training_scale(crops: np.ndarray) -> np.ndarray:
    """Show crops, uint8 (N, S, S, 3), as large as `crop` shows them: the window in the middle."""
    middle = np.full(len(crops), 0.5)
    return geometry.crop(crops, middle, middle)
