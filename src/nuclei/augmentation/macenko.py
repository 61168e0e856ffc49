"""The operation macenko: as stain, in the crop's own two stains.

The stains are found as in Macenko et al., ISBI 2009 (doi:10.1109/ISBI.2009.5193250), and scaled and
shifted as by TIAToolbox (Pocock et al. 2022, doi:10.1038/s43856-022-00186-5) where it augments the
background too; but what is in neither stain is left, not lost.
"""

import numpy as np

from nuclei.augmentation import density
from nuclei.augmentation.operation import Operation, Parameters, Strength
from nuclei.core.stains import HED

MACENKO = Strength("how far alpha is from 1 and beta from 0, at most", "%", 1, 60, 20)
TISSUE = 0.15  # optical density, in every channel, from which a pixel is stained
EXTREME = 0.01  # share of the pixels beyond a stain's angle: the paper's alpha
FEWEST = 30  # stained pixels to find stains in
MEASURED = 32  # pixels along a side that are looked at, at least: every second one of 64
NEARLY_ONE = 0.98  # cosine between two stains that are hardly two
UNIT = 1024  # axes are whole multiples of 1/UNIT, so that every sum is exact


def draw_stains(keys: np.ndarray, strength: float) -> Parameters:
    """Draw both stains' factors alpha and shifts beta; both (N, 2).

    Strength: how far alpha is from 1 and beta from 0, at most, 1 to 60 %, 20 by default.
    """
    return density.draw_concentrations(keys, strength, stains=2)


def perturb(crops: np.ndarray, alpha: np.ndarray, beta: np.ndarray) -> np.ndarray:
    """Perturb the concentrations of the crop's own haematoxylin and eosin.

    With S, the crop's two stains as rows, and its pseudo-inverse S⁺:

    Unmix:            c = density · S⁺, and what is in neither stain is left as it is
    Scale and shift:  c' = alpha · c + beta
    Mix:              density' = density + (c' − c) · S

    which is one matrix and one offset: density · (1 + S⁺ · diag(alpha − 1) · S) + beta · S.
    """
    found = stains(crops)
    a, b, c = ((found[:, i] * found[:, j]).sum(axis=1) for i, j in ((0, 0), (0, 1), (1, 1)))
    gram = np.stack([np.stack([c, -b], axis=1), np.stack([-b, a], axis=1)], axis=1)
    gram /= (a * c - b * b)[:, None, None]
    inverse = (found[:, :, :, None] * gram[:, :, None, :]).sum(axis=1)  # S⁺ = Sᵀ (S Sᵀ)⁻¹
    changed = inverse[:, :, :, None] * ((alpha - 1)[:, :, None] * found)[:, None]
    offsets = (beta[:, :, None] * found).sum(axis=1)
    return density.mix(crops, np.eye(3) + changed.sum(axis=2), offsets)


def stains(crops: np.ndarray) -> np.ndarray:
    """Find every crop's haematoxylin and eosin, unit rows of float (N, 2, 3).

    The two directions at the ends of the fan of densities, in the plane of their two largest
    components. Where a crop has too few stained pixels, or only one stain: Ruifrok's.
    """
    step = max(crops.shape[1] // MEASURED, 1)
    measured = density.of(np.ascontiguousarray(crops[:, ::step, ::step]))
    # Channels first; whole numbers, so that products and their sums are exact in any order.
    pixels = measured.shape[1] ** 2
    densities = measured.reshape(-1, pixels, 3).transpose(0, 2, 1).astype(np.float64)
    stained = densities.min(axis=1) > TISSUE * density.DENSITY
    axes = _plane(densities, stained)
    along, across = (axes @ densities).transpose(1, 0, 2)
    low, high = _ends(across, along, stained)
    found = axes[:, :1] + np.stack([low, high], axis=1)[:, :, None] * axes[:, 1:]
    # Haematoxylin absorbs more of the red than eosin does.
    eosin_first = found[:, 0, 0] * _norm(found[:, 1]) < found[:, 1, 0] * _norm(found[:, 0])
    found = np.where(eosin_first[:, None, None], found[:, ::-1], found)
    found = found / _norm(found)[:, :, None]
    cosine = (found[:, 0] * found[:, 1]).sum(axis=1)
    usable = (stained.sum(axis=1) >= FEWEST) & (cosine < NEARLY_ONE)
    return np.where(usable[:, None, None], found, HED[:2])


def _plane(densities: np.ndarray, stained: np.ndarray) -> np.ndarray:
    """The two largest components of stained pixels' densities (N, 3, P), as rows (N, 2, 3)."""
    tissue = densities * stained[:, None]
    # About the origin, as in the paper: of two colours alone, both axes are still certain.
    _, vectors = np.linalg.eigh(tissue @ tissue.transpose(0, 2, 1))
    # Rounding takes away the last bits, which processors may compute in their own way.
    axes = np.rint(vectors[:, :, :0:-1].transpose(0, 2, 1) * UNIT)
    # The first one into the densities, which are positive.
    return axes * np.where(axes[:, :1].sum(axis=2, keepdims=True) < 0, -1, 1)


def _ends(across: np.ndarray, along: np.ndarray, stained: np.ndarray) -> tuple:
    """The slopes beyond which lies a share EXTREME of the stained pixels on either side."""
    ahead = stained & (along > 0)
    slopes = np.where(ahead, across / np.where(ahead, along, 1), np.inf)
    slopes.sort(axis=1)
    count = ahead.sum(axis=1)
    low = np.floor(EXTREME * np.maximum(count - 1, 0)).astype(int)
    high = np.maximum(count - 1 - low, 0)
    ends = (np.take_along_axis(slopes, place[:, None], axis=1)[:, 0] for place in (low, high))
    return tuple(np.where(np.isfinite(end), end, 0) for end in ends)


def _norm(vectors: np.ndarray) -> np.ndarray:
    return np.sqrt((vectors**2).sum(axis=-1))


OPERATIONS = {
    "macenko": Operation(
        draw_stains, perturb, "Macenko et al. 2009, doi:10.1109/ISBI.2009.5193250", MACENKO
    )
}
