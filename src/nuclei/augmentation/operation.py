"""What an operation is: a draw of named parameters, and their application to crops."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from nuclei.core.draws import uniform

Parameters = dict[str, np.ndarray]
Draw = Callable[..., Parameters]


class Strength(NamedTuple):
    """The number after a dash in a recipe, as in `rotation-180`."""

    meaning: str
    unit: str
    low: float
    high: float
    default: float
    whole: bool = False  # only whole numbers have a meaning
    weakens: bool = False  # a higher number changes crops less, as the quality of a JPEG does

    def __str__(self) -> str:
        """Return meaning, range and default for error messages."""
        unit = f" {self.unit}" if self.unit else ""
        return f"{self.meaning}, {self.low:g} to {self.high:g}{unit}, {self.default:g} by default"


class Operation(NamedTuple):
    """One augmentation: drawing random numbers is kept apart from arithmetic.

    `draw` takes one stream of random numbers per nucleus, uint64 (N,) of `draws.keys`, and the
    strength, if any. It returns arrays by name, with an entry per nucleus. `apply` takes crops,
    uint8 RGB (N, S, S, 3), and those arrays by keyword. It returns new crops of the same shape and
    type, and the same bytes on every processor: its arithmetic is in integers or exact.
    """

    does: str  # one sentence
    draw: Draw
    apply: Callable[..., np.ndarray]
    source: str  # the paper or the code that it follows
    strength: Strength | None = None
    # From all crops and the rows of a fold's training nuclei: further keywords of `apply`, for JSON
    learn: Callable[[np.ndarray, np.ndarray], dict[str, list]] | None = None
    generates: bool = False  # `apply` also takes a pool of synthetic nuclei, and labels
    at_test: Callable[[np.ndarray], np.ndarray] | None = None  # of validation and test crops


def draw_coins(*names: str) -> Draw:
    """Return a draw of a fair coin for each name, bool (N,); no name, no draw."""

    def draw(keys: np.ndarray, strength: None = None) -> Parameters:
        return {name: uniform(keys, index) < 0.5 for index, name in enumerate(names)}

    return draw


def draw_around(centre: float, *names: str, per: float = 100) -> Draw:
    """Return a draw of a number for each name, float (N,), uniform in centre ± strength / per."""

    def draw(keys: np.ndarray, strength: float) -> Parameters:
        low, high = centre - strength / per, centre + strength / per
        return {name: uniform(keys, index, low, high) for index, name in enumerate(names)}

    return draw


def whole_steps(keys: np.ndarray, most: float, steps: int) -> np.ndarray:
    """Draw whole numbers, int (N,), uniform in ± `most` · `steps`."""
    bound = int(most * steps)
    return np.floor(uniform(keys, 0, -bound, bound + 1)).astype(int)


def all_at_once(crops: np.ndarray, change: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """Change crops pixel by pixel in one call to OpenCV, as one tall picture."""
    if not len(crops):
        return crops.copy()
    return change(crops.reshape(-1, crops.shape[1], 3)).reshape(crops.shape)
