"""The operation noise: what a camera adds."""

from functools import cache
from statistics import NormalDist

import cv2
import numpy as np

from nuclei.augmentation.operation import Operation, Parameters, Strength
from nuclei.core.draws import bits

NOISE = Strength("standard deviation", "% of the range", 1, 50, 5)
PASSED_OVER = 12  # words: as its author's own seeding does


def draw_noise(keys: np.ndarray, strength: float) -> Parameters:
    """Draw the seed of each nucleus's noise field.

    Strength: standard deviation, 1 to 50 % of the range, 5 by default.
    """
    return {"seeds": bits(keys, 0), "deviation": np.full(len(keys), strength / 100 * 255)}


def add_noise(crops: np.ndarray, seeds: np.ndarray, deviation: np.ndarray) -> np.ndarray:
    """Add Gaussian noise to every pixel.

    A field's bits come from SFC64 (Doty-Humphrey 2010, of PractRand), whose raw output never
    changes between NumPy versions; the first ones, too near to the seed, are passed over.
    """
    size = crops[0].size if len(crops) else 0
    out = np.empty_like(crops)
    generator = np.random.SFC64(0)
    state = generator.state  # set for each nucleus: a new generator takes longer than its numbers
    for image, seed, spread, target in zip(crops, seeds, deviation.tolist(), out, strict=True):
        state["state"]["state"][:] = seed, 0, 0, 1
        generator.state = state
        words = generator.random_raw(PASSED_OVER + -(-size // 4))[PASSED_OVER:]
        numbers = words.view(np.uint16)[:size].reshape(image.shape)
        cv2.add(image, cv2.LUT(numbers, _quantiles(spread)), dst=target, dtype=cv2.CV_8U)
    return out


@cache
def _quantiles(deviation: float) -> np.ndarray:
    normal = NormalDist(0, deviation)
    return np.array([round(normal.inv_cdf((i + 0.5) / 2**16)) for i in range(2**16)], np.int16)


OPERATIONS = {"noise": Operation(draw_noise, add_noise, "the notebook's future work", NOISE)}
