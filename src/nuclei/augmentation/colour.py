"""Operations that change colours pixel by pixel: invert, grayscale."""

import cv2
import numpy as np

from nuclei.augmentation.operation import Operation, Parameters
from nuclei.draws import uniform


def draw_inverted(keys: np.ndarray) -> Parameters:
    """Draw whether a nucleus is inverted, p = 0.5."""
    return {"inverted": uniform(keys, 0) < 0.5}


def invert(crops: np.ndarray, inverted: np.ndarray) -> np.ndarray:
    """Replace x by 255 - x where drawn (the notebook's random invert)."""
    mask = np.where(inverted, 255, 0).astype(np.uint8)  # x ^ 255 is 255 - x, x ^ 0 is x
    return crops ^ mask[:, None, None, None]


def draw_grey(keys: np.ndarray) -> Parameters:
    """Draw whether a nucleus loses its colours, p = 0.5."""
    return {"grey": uniform(keys, 0) < 0.5}


def to_grey(crops: np.ndarray, grey: np.ndarray) -> np.ndarray:
    """Replace the colours by their luma where drawn (ITU-R BT.601; the notebook's future work)."""
    out = crops.copy()
    side = crops.shape[1]
    chosen = np.flatnonzero(grey)
    if len(chosen):
        luma = cv2.cvtColor(crops[chosen].reshape(-1, side, 3), cv2.COLOR_RGB2GRAY)
        out[chosen] = luma.reshape(-1, side, side, 1)
    return out


OPERATIONS = {
    "invert": Operation(draw_inverted, invert),
    "grayscale": Operation(draw_grey, to_grey),
}
