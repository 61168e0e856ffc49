"""The operation erase: a part of the nucleus is hidden."""

import numpy as np

from nuclei.augmentation.operation import Operation, Parameters, Strength
from nuclei.core.draws import bits, uniform

SMALLEST, LONGEST = 0.02, 0.3  # share of the area; shorter over longer side: as in the paper


def draw_rectangles(keys: np.ndarray, strength: float) -> Parameters:
    """Draw height, width, top and left as shares of the side, float (N, 4): half have no area."""
    area = uniform(keys, 1, SMALLEST, strength / 100)
    longest = -np.log(np.maximum(LONGEST, area))  # a longer one would not fit
    stretched = np.exp(uniform(keys, 2, -1, 1) * longest)
    shown = uniform(keys, 0) < 0.5
    height, width = (
        np.where(shown, np.sqrt(squared), 0) for squared in (area * stretched, area / stretched)
    )
    rectangles = np.stack([height, width, uniform(keys, 3), uniform(keys, 4)], axis=1)
    return {"rectangles": rectangles, "seeds": bits(keys, 5)}


def erase(crops: np.ndarray, rectangles: np.ndarray, seeds: np.ndarray) -> np.ndarray:
    """Fill every rectangle of `draw_rectangles` with random bytes."""
    side = crops.shape[1]
    out = crops.copy()
    sizes = np.minimum(np.rint(rectangles[:, :2] * side), side).astype(int)
    corners = np.floor(rectangles[:, 2:] * (side - sizes + 1)).astype(int)
    for i in np.flatnonzero(sizes.prod(axis=1)):
        (height, width), (top, left) = sizes[i], corners[i]
        count = height * width * 3
        random = bits(seeds[i] + np.arange(-(-count // 8), dtype=np.uint64), 0).view(np.uint8)
        out[i, top : top + height, left : left + width] = random[:count].reshape(height, width, 3)
    return out


OPERATIONS = {
    "erase": Operation(
        "Fill a rectangle with random bytes, for half of the nuclei.",
        draw_rectangles,
        erase,
        "Zhong et al. 2020, doi:10.1609/aaai.v34i07.7000",
        Strength("largest share of the area", "%", 3, 80, 40),
    )
}
