"""Optical densities mixed by a matrix per nucleus: what the operations on stains share."""

from functools import cache

import cv2
import numpy as np

from nuclei.augmentation.operation import Parameters, all_at_once
from nuclei.core.draws import uniform

# Densities are whole multiples of 1/DENSITY and matrices of 1/UNIT. As no row of a matrix adds up
# to more than LARGEST, every sum stays below 2**24, where float32 is exact in any order.
DENSITY, UNIT, LARGEST = 256, 1024, 11


def of(crops: np.ndarray) -> np.ndarray:
    """Return −ln(intensity / 255) of crops, uint8 (N, S, S, 3), in 1/DENSITY, int16."""
    return all_at_once(crops, lambda pixels: cv2.LUT(pixels, _to_density()))


def mix(crops: np.ndarray, matrices: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """Replace every density d by d · matrix + offset.

    Args:
        crops: uint8 RGB (N, S, S, 3).
        matrices: float (N, 3, 3), from the right as in the papers on stains.
        offsets: float (N, 3), natural logarithms.

    Returns:
        uint8 (N, S, S, 3).
    """
    turned = np.transpose(matrices, (0, 2, 1))
    rows = np.abs(turned).sum(axis=2, keepdims=True)
    turned = np.rint(turned * np.minimum(1, LARGEST / np.maximum(rows, 1e-9)) * UNIT) / UNIT
    shifted = np.rint(offsets[:, :, None] * DENSITY * UNIT) / UNIT
    to_density, to_intensity = _to_density(), _to_intensity()
    out = np.empty_like(crops)
    both = np.concatenate([turned, shifted], axis=2).astype(np.float32)
    for image, matrix, target in zip(crops, both, out, strict=True):
        mixed = cv2.transform(cv2.LUT(image, to_density), matrix)
        cv2.LUT(mixed.view(np.uint16), to_intensity, dst=target)
    return out


def draw_concentrations(keys: np.ndarray, strength: float, stains: int) -> Parameters:
    """Draw the factors alpha and the shifts beta of concentrations, both float (N, stains).

    Args:
        keys: a stream per nucleus.
        strength: how far alpha is from 1 and beta from 0, at most, in percent.
        stains: how many there are.
    """
    most = strength / 100
    alpha = [uniform(keys, index, 1 - most, 1 + most) for index in range(stains)]
    beta = [uniform(keys, index, -most, most) for index in range(stains, 2 * stains)]
    return {"alpha": np.stack(alpha, axis=1), "beta": np.stack(beta, axis=1)}


@cache
def _to_density() -> np.ndarray:
    intensities = np.maximum(np.arange(256), 1)
    return np.round(-np.log(intensities / 255) * DENSITY).astype(np.int16)


@cache
def _to_intensity() -> np.ndarray:
    """The intensities of all densities, those below 0 after the others, as int16 wraps around."""
    densities = np.arange(2**16).astype(np.uint16).view(np.int16)
    return np.round(255 * np.exp(-np.maximum(densities, 0) / DENSITY)).astype(np.uint8)
