"""Fresh draws: every pass over the nuclei is augmented anew, in memory; the pass is the copy.

No bytes are stored that would tell DVC when an operation draws otherwise. A sample does: `augment`
writes what it hashes to, `train` depends on that file and draws as it says.
"""

from hashlib import sha256
from typing import NamedTuple

import numpy as np

from nuclei.augmentation import recipes
from nuclei.augmentation.recipes import Learned
from nuclei.core import draws
from nuclei.core.classes import CLASSES
from nuclei.core.nuclei import Nuclei

_SAMPLES = ((32, 48), (64, 12))  # sides in pixels, and how many
_PASSES = (0, 1, 2, 9, 99, 999)


class Draw(NamedTuple):
    """The content of data/fresh/AUG.json: how each pass is drawn."""

    recipe: str
    seed: int
    learned: dict[str, Learned]  # by the number of a fold; empty where nothing is learned
    sample: str  # what `sample` returned where the file was written


def sample(recipe: str, seed: int) -> str:
    """Return a hash of what the recipe makes of some crops, as `train` has this package do."""
    digest = sha256()
    for side, count in _SAMPLES:
        crops = _crops(side, count)
        hashed_ids = draws.hash_ids(map(str, range(count)))
        if recipes.enlargement(recipe) > 1:
            digest.update(recipes.at_training_scale(crops, recipe).data)
        learned = recipes.learn(recipe, crops, np.arange(count))
        if recipes.generates(
            recipe
        ):  # any pool will do: what it holds is stored, how to draw is not
            learned["generated"] = {"pool": crops[::-1]}
        nuclei = Nuclei(crops, hashed_ids, np.arange(count) % len(CLASSES))
        for number in _PASSES:
            made = recipes.augment(nuclei, recipe, seed, number, learned)
            digest.update(np.ascontiguousarray(made).data)
    return digest.hexdigest()


def _crops(side: int, count: int) -> np.ndarray:
    """Noise, stained tissue, and a plain white in turn: operations tell them apart."""
    crops = np.random.default_rng(1).integers(0, 256, (count, side, side, 3), dtype=np.uint8)
    crops[1::3] = crops[1::3] // 3 + np.array([90, 20, 100], np.uint8)
    crops[2::3] = 250
    return crops
