"""Operations that exchange colours for others: channels, invert, grayscale."""

import cv2
import numpy as np

from nuclei.augmentation.operation import Operation, Parameters, all_at_once, draw_nothing
from nuclei.core.draws import uniform


def swap(crops: np.ndarray) -> np.ndarray:
    """Exchange red and blue, always."""
    return all_at_once(crops, lambda pixels: cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR))


def draw_inverted(keys: np.ndarray) -> Parameters:
    """Draw whether a nucleus is inverted, p = 0.5."""
    return {"inverted": uniform(keys, 0) < 0.5}


def invert(crops: np.ndarray, inverted: np.ndarray) -> np.ndarray:
    """Replace x by 255 - x for half of the nuclei."""
    mask = np.where(inverted, 255, 0).astype(np.uint8)  # x ^ 255 is 255 - x, x ^ 0 is x
    return crops ^ mask[:, None, None, None]


def draw_grey(keys: np.ndarray) -> Parameters:
    """Draw whether a nucleus loses its colours, p = 0.5."""
    return {"grey": uniform(keys, 0) < 0.5}


def to_grey(crops: np.ndarray, grey: np.ndarray) -> np.ndarray:
    """Replace the colours by their luma (ITU-R BT.601) for half of the nuclei."""
    out = crops.copy()
    for i in np.flatnonzero(grey):
        cv2.cvtColor(cv2.cvtColor(crops[i], cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB, dst=out[i])
    return out


OPERATIONS = {
    "channels": Operation(draw_nothing, swap, "the notebook's accident: read RGB, written BGR"),
    "invert": Operation(draw_inverted, invert, "the notebook's RandomInvert(0.5)"),
    "grayscale": Operation(draw_grey, to_grey, "the notebook's future work"),
}
