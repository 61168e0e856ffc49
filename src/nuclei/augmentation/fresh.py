"""Fresh draws: every pass over the nuclei is augmented anew, in memory; the pass is the copy.

No bytes are stored that would tell DVC when an operation draws otherwise. A sample does: `augment`
writes what it hashes to, `train` depends on that file and draws as it says.
"""

from hashlib import sha256
from typing import NamedTuple

import numpy as np

from nuclei import draws
from nuclei.augmentation import recipes
from nuclei.augmentation.recipes import Learned

_SAMPLE, _SIDE, _PASSES = 64, 32, (0, 1, 2, 9, 99, 999)


class Draw(NamedTuple):
    """The content of data/fresh/AUG.json: how each pass is drawn."""

    recipe: str
    seed: int
    learned: dict[str, Learned]  # by the number of a fold; empty where nothing is learned
    sample: str  # what `sample` returned where the file was written


def sample(recipe: str, seed: int) -> str:
    """Return a hash of what the recipe makes of noise: all that `train` has this package do."""
    crops = np.random.default_rng(1).integers(0, 256, (_SAMPLE, _SIDE, _SIDE, 3), dtype=np.uint8)
    hashed_ids = draws.hash_ids(map(str, range(_SAMPLE)))
    enlarged = recipes.enlargement(recipe) > 1
    digest = sha256(recipes.at_training_scale(crops, recipe).data if enlarged else b"")
    learned = recipes.learn(recipe, crops)
    for number in _PASSES:
        made = recipes.augment(crops, hashed_ids, recipe, seed, number, learned)
        digest.update(np.ascontiguousarray(made).data)
    return digest.hexdigest()
