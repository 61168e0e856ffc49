"""The operation stain: sections are stained more or less, differently at each hospital.

Tellez et al., IEEE TMI 2018 (doi:10.1109/TMI.2018.2820199), at the strong setting of Tellez et al.,
MedIA 2019 (doi:10.1016/j.media.2019.101544); optical density in natural logarithms.
"""

from functools import cache

import numpy as np

from nuclei.augmentation.operation import Operation, Parameters
from nuclei.draws import uniform
from nuclei.stains import HED

STRENGTH = 0.2  # how far alpha is from 1 and beta from 0, at most
# Densities are whole multiples of 1/DENSITY and matrices of 1/MATRIX: every sum then stays below
# 2**24, where float32 is exact in any order of summation.
DENSITY, MATRIX = 256, 1024


def draw_stains(keys: np.ndarray) -> Parameters:
    """Draw each stain's factor alpha, uniform in 1 ± 0.2, and shift beta, in ±0.2; both (N, 3)."""
    alpha = [uniform(keys, index, 1 - STRENGTH, 1 + STRENGTH) for index in (0, 1, 2)]
    beta = [uniform(keys, index, -STRENGTH, STRENGTH) for index in (3, 4, 5)]
    return {"alpha": np.stack(alpha, axis=1), "beta": np.stack(beta, axis=1)}


def stain(crops: np.ndarray, alpha: np.ndarray, beta: np.ndarray) -> np.ndarray:
    """Perturb the concentrations of haematoxylin, eosin and residual.

    Unmix:            c = density · HED⁻¹, where density = −ln(intensity / 255)
    Scale and shift:  c' = alpha · c + beta
    Mix:              density' = c' · HED, and back to intensity

    The three are linear, so they are one 3 × 3 matrix and one offset per nucleus:
    density' = density · (HED⁻¹ · diag(alpha) · HED) + beta · HED.
    """
    to_density, to_intensity = _density_tables()
    matrices = np.linalg.inv(HED) @ (alpha[:, :, None] * HED)
    matrices = np.round(matrices * MATRIX).astype(np.float32)
    offsets = np.round(beta @ HED * DENSITY * MATRIX).astype(np.float32)
    out = np.empty_like(crops)
    for image, matrix, offset, target in zip(crops, matrices, offsets, out, strict=True):
        density = to_density[image.reshape(-1, 3)] @ matrix + offset
        index = (density * np.float32(1 / MATRIX)).astype(np.int32)
        np.clip(index, 0, len(to_intensity) - 1, out=index)
        target[:] = to_intensity[index].reshape(image.shape)
    return out


@cache
def _density_tables() -> tuple[np.ndarray, np.ndarray]:
    intensities = np.maximum(np.arange(256), 1)
    to_density = np.round(-np.log(intensities / 255) * DENSITY).astype(np.float32)
    densities = np.arange(int(to_density.max()) + 1) / DENSITY
    return to_density, np.round(255 * np.exp(-densities)).astype(np.uint8)


OPERATIONS = {"stain": Operation(draw_stains, stain)}
