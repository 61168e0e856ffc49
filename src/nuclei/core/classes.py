"""The three classes of nuclei, in the order of every probability column."""

from collections.abc import Iterable

import numpy as np

CLASSES = ("stromal", "TIL", "tumor")


def codes(labels: Iterable[str]) -> np.ndarray:
    """Return the positions of class names in CLASSES, int64 (N,)."""
    position = {name: code for code, name in enumerate(CLASSES)}
    return np.array([position[label] for label in labels], np.int64)
