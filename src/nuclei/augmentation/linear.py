"""Colours mixed by a matrix per nucleus: what `jitter` and `randstainna` share."""

import cv2
import numpy as np

UNIT = 1024  # coefficients are even multiples of 1/UNIT, offsets odd ones
# What is beyond is cut off: up to there every sum is exact in float32.
LARGEST, FARTHEST = 16, 4096


def mix(crops: np.ndarray, matrices: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """Replace every pixel x by matrix · x + offset, rounded and cut off at 0 and 255.

    Args:
        crops: uint8 RGB (N, S, S, 3).
        matrices: float (N, 3, 3); coefficients are rounded to 1/512.
        offsets: float (N, 3).

    Returns:
        uint8 (N, S, S, 3).
    """
    out = np.empty_like(crops)
    coefficients = np.clip(matrices, -LARGEST, LARGEST)
    shifts = np.clip(offsets, -FARTHEST, FARTHEST)[:, :, None]
    # Even multiples of 1/UNIT, plus an odd one: no sum lies between two bytes, where processors
    # may round to either.
    scaled = np.rint(np.concatenate([coefficients, shifts], axis=2) * (UNIT / 2)) * 2
    scaled[:, :, 3] += 1
    for image, matrix, target in zip(crops, (scaled / UNIT).astype(np.float32), out, strict=True):
        cv2.transform(image, matrix, dst=target)
    return out
