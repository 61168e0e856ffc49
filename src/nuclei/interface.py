"""The study's augmentations and networks for code of your own: arrays in and out, no files.

It augments with NumPy and OpenCV alone; only `load` needs TensorFlow.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from numbers import Integral
from pathlib import Path
from typing import Any

import numpy as np

from nuclei.augmentation import recipes
from nuclei.core.draws import hash_ids
from nuclei.core.errors import InputError
from nuclei.core.nuclei import Nuclei

TOGETHER = 256  # images that are augmented at once: few enough for a core's cache


@dataclass(frozen=True)
class Model:
    """The networks of one configuration, as `load` returns them."""

    classes: list[str]  # in the order of the columns of `predict`
    side: int  # pixels, of a crop
    window_um: float | None  # side of the tissue that a crop shows, in microns, if that is recorded
    _mean: Callable[[np.ndarray], np.ndarray] = field(repr=False)

    def predict(self, crops: np.ndarray) -> np.ndarray:
        """Return the mean probabilities of all networks, float64 (N, classes).

        crops: uint8 RGB (N, side, side, 3); InputError if they are anything else.
        """
        checked = _checked(crops, "crops", self.side)
        return self._mean(checked) if len(checked) else np.empty((0, len(self.classes)))


def augment(
    images: np.ndarray,
    recipe: str,
    seed: int,
    *,
    ids: Iterable[str | int] | None = None,
    copy: int = 0,
    learned: recipes.Learned | None = None,
    labels: np.ndarray | None = None,
) -> np.ndarray:
    """Augment images, uint8 RGB (N, S, S, 3), by a recipe such as "dihedral+stain"; return others.

    The draws of an image depend on the seed, its id and the copy alone: the same three give the
    same bytes, in any batch and on any machine. InputError says what is valid, then what came.

    Args:
        images: stay as they are.
        recipe: operations joined by +, as `nuclei operations` lists them.
        seed: of all draws.
        ids: text or whole numbers, N of them; by default positions, 0 to N - 1.
        copy: of each image, from 0; the number of an epoch, for draws of its own in each.
        learned: what `learn` returns, for a recipe that learns from training images.
        labels: int (N,), positions of classes, for a recipe with `generated` alone.
    """
    checked = _checked(images, "images")
    learned = _sufficient(recipe, learned or {}, labels)
    hashed = _hashed(range(len(checked)) if ids is None else ids, len(checked))
    classes = np.zeros(len(checked), int) if labels is None else np.asarray(labels)
    if classes.shape != hashed.shape or classes.dtype.kind not in "iu":
        valid = f"whole numbers, ({len(checked)},)"
        raise InputError(f"labels: should be {valid}; got {_shown(classes)}")
    nuclei, numbers = Nuclei(checked, hashed, classes), (_whole(seed, "seed"), _whole(copy, "copy"))
    augmented = np.empty(checked.shape, np.uint8)
    for first in range(0, len(checked), TOGETHER):
        part = slice(first, first + TOGETHER)
        augmented[part] = recipes.augment(nuclei.rows(part), recipe, *numbers, learned)
    return augmented


def learn(images: np.ndarray, recipe: str) -> recipes.Learned:
    """Learn what a recipe needs to know of training images, uint8 RGB (N, S, S, 3), for `augment`.

    Numbers that JSON can hold; none if the recipe learns nothing. InputError as in `augment`.
    """
    checked = _checked(images, "images")
    if not len(checked):
        raise InputError(f"images: should be one at least to learn from; got {_shown(checked)}")
    return recipes.learn(_text(recipe), checked, np.arange(len(checked)))


def load(model: str | Path) -> Model:
    """Load all networks of a folder such as models/dihedral+stain/xinf.

    InputError names the file that is missing or damaged, or the package that is not installed.
    """
    from nuclei.training import start

    try:
        with start.quiet_tensorflow():
            from nuclei.training import models

            described, mean = models.describe(model), models.ensemble(model)
    except ModuleNotFoundError as error:
        how = "pip install '.[pipeline]' in the project's folder"
        raise InputError(f"nuclei.load needs {error.name}, which is not installed: {how}") from None
    return Model(described.classes, described.side, described.window_um, mean)


def _checked(images: Any, name: str, side: int | None = None) -> np.ndarray:
    try:
        array = np.asarray(images)
    except (ValueError, TypeError):  # a ragged list, a tensor on a GPU
        got = f"a {type(images).__name__} that NumPy takes for no array"
    else:
        square = array.ndim == 4 and array.shape[1:] == (side or array.shape[1],) * 2 + (3,)
        if array.dtype == np.uint8 and square and array.shape[1]:
            return array
        got = _shown(array)
    s = side or "S"
    raise InputError(
        f"{name}: should be RGB from 0 to 255, uint8 of shape (N, {s}, {s}, 3); got {got}"
    )


def _shown(array: np.ndarray) -> str:
    return f"{array.dtype} of shape {array.shape}"


def _text(recipe: Any) -> str:
    if not isinstance(recipe, str):
        raise InputError(f"recipe: should be text such as 'dihedral+stain'; got {recipe!r}")
    return recipe


def _whole(number: Any, name: str) -> int:
    if not isinstance(number, Integral) or isinstance(number, bool) or number < 0:
        raise InputError(f"{name}: should be a whole number from 0; got {number!r}")
    return int(number)


def _hashed(ids: Iterable[str | int], count: int) -> np.ndarray:
    listed = list(ids)
    for one in listed:  # text of bytes or of 1.0 would be drawn for as another nucleus
        if not isinstance(one, (str, Integral)):
            raise InputError(f"ids: should be text or whole numbers; got {one!r}")
    if len(listed) != count:
        raise InputError(f"ids: should be {count}, one of each image; got {len(listed)}")
    return hash_ids(map(str, listed))


def _sufficient(recipe: str, learned: recipes.Learned, labels: Any) -> recipes.Learned:
    """Return what was learned; InputError if the recipe needs more, and how to give it."""
    for step in recipes.parse(_text(recipe)):
        operation, about = recipes.OPERATIONS[step.name], f"augmentation {recipe!r}: {step.name}"
        got = f"got learned of {', '.join(learned) or 'nothing'}"
        if operation.learn and step.name not in learned:
            how = f"learned=nuclei.learn(TRAINING_IMAGES, {recipe!r})"
            raise InputError(f"{about} learns from training images: give {how}; {got}")
        if operation.generates and (labels is None or "pool" not in learned.get(step.name, {})):
            how = "learned={'generated': {'pool': POOL}} and labels=CLASSES"
            pool = f"POOL is pool.npy of the folder data/augmented/{recipe}/fold-F of a study"
            got += f", {'no labels' if labels is None else 'labels'}"
            raise InputError(f"{about} needs synthetic nuclei: give {how}, where {pool}; {got}")
    return learned
