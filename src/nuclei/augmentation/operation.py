"""What an operation is: a draw of named parameters, and their application to crops."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from nuclei.core.draws import uniform

Parameters = dict[str, np.ndarray]


class Strength(NamedTuple):
    """The number that a recipe may give an operation after a dash, as in `rotation-180`."""

    meaning: str
    unit: str
    low: float
    high: float
    default: float
    whole: bool = False  # nothing between two whole numbers has a meaning

    def __str__(self) -> str:
        """Say all of it; the docstring of the operation's draw holds this text."""
        unit = f" {self.unit}" if self.unit else ""
        return f"{self.meaning}, {self.low:g} to {self.high:g}{unit}, {self.default:g} by default"


class Operation(NamedTuple):
    """One augmentation, random draws apart from arithmetic.

    `draw` takes one stream of random numbers per nucleus, uint64 (N,) of `draws.keys`, and the
    strength where there is one, and returns arrays by name, with an entry per nucleus. `apply`
    takes crops, uint8 RGB (N, S, S, 3), and those arrays by keyword, and returns new crops of the
    same shape and type. Its arithmetic is in integers or exact, so that bytes do not depend on the
    processor.

    Where `learn` is set, the operation is learned: `learn` takes all crops and the rows of a fold's
    training nuclei, and returns what `apply` takes besides, by keyword, as numbers for JSON.

    Where `generates` is set, `apply` takes a pool of nuclei that were made of a fold's own, and
    labels, and is called for odd copies alone.
    """

    draw: Callable[..., Parameters]
    apply: Callable[..., np.ndarray]
    source: str  # the paper or the code that it follows
    strength: Strength | None = None
    learn: Callable[[np.ndarray, np.ndarray], dict[str, list]] | None = None
    generates: bool = False
    at_test: Callable[[np.ndarray], np.ndarray] | None = None  # of validation and test crops


def draw_nothing(keys: np.ndarray) -> Parameters:
    """Draw no parameter: every copy is the same."""
    return {}


def all_at_once(crops: np.ndarray, change: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """Have OpenCV change pixels one by one: called once, for all crops as one tall picture."""
    if not len(crops):
        return crops.copy()
    return change(crops.reshape(-1, crops.shape[1], 3)).reshape(crops.shape)


def whole_steps(keys: np.ndarray, index: int, most: float, steps: int) -> np.ndarray:
    """Draw whole numbers, int (N,), uniform in ± `most` · `steps`: so few can be kept."""
    ends = int(most * steps)
    return np.floor(uniform(keys, index, -ends, ends + 1)).astype(int)
