"""The operation noise: what a camera adds."""

from functools import cache
from statistics import NormalDist

import numpy as np

from nuclei.augmentation.operation import Operation, Parameters
from nuclei.draws import bits

DEVIATION = 0.05 * 255  # standard deviation, 5 % of the range


def draw_noise(keys: np.ndarray) -> Parameters:
    """Draw the seed of each nucleus's noise field."""
    return {"seeds": bits(keys, 0)}


def add_noise(crops: np.ndarray, seeds: np.ndarray) -> np.ndarray:
    """Add Gaussian noise, standard deviation 5 % of the range (the notebook's future work).

    A field's bits come from a counter-based generator (Philox; Salmon et al., SC 2011,
    doi:10.1145/2063384.2063405), whose raw output never changes between NumPy versions.
    """
    size = crops[0].size if len(crops) else 0
    quantiles = _noise_quantiles()
    out = np.empty_like(crops)
    for image, seed, target in zip(crops, seeds.tolist(), out, strict=True):
        raw = np.random.Philox(key=seed).random_raw(-(-size // 4)).view(np.uint16)[:size]
        noisy = image + quantiles[raw].reshape(image.shape)
        np.clip(noisy, 0, 255, out=target, casting="unsafe")
    return out


@cache
def _noise_quantiles() -> np.ndarray:
    normal = NormalDist(0, DEVIATION)
    return np.array([round(normal.inv_cdf((i + 0.5) / 2**16)) for i in range(2**16)], np.int16)


OPERATIONS = {"noise": Operation(draw_noise, add_noise)}
