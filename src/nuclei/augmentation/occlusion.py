"""The operation erase: a part of the nucleus is hidden."""

import numpy as np

from nuclei.augmentation.operation import Operation, Parameters, Strength
from nuclei.core.draws import bits, uniform

ERASE = Strength("largest share of the area", "%", 3, 80, 40)
SMALLEST, LONGEST = 0.02, 0.3  # of the area; the shorter side over the longer one: the paper's


def draw_rectangles(keys: np.ndarray, strength: float) -> Parameters:
    """Draw, for half of the nuclei, a rectangle's place, height and width in shares of the side.

    Strength: largest share of the area, 3 to 80 %, 40 by default.
    """
    area = uniform(keys, 1, SMALLEST, strength / 100)
    longest = -np.log(np.maximum(LONGEST, area))  # a longer one would not fit
    stretched = np.exp(uniform(keys, 2, -1, 1) * longest)
    shown = uniform(keys, 0) < 0.5
    return {
        "height": np.where(shown, np.sqrt(area * stretched), 0),
        "width": np.where(shown, np.sqrt(area / stretched), 0),
        "top": uniform(keys, 3),
        "left": uniform(keys, 4),
        "seeds": bits(keys, 5),
    }


def erase(
    crops: np.ndarray,
    height: np.ndarray,
    width: np.ndarray,
    top: np.ndarray,
    left: np.ndarray,
    seeds: np.ndarray,
) -> np.ndarray:
    """Fill a rectangle with random bytes, for half of the nuclei."""
    side = crops.shape[1]
    out = crops.copy()
    sizes = [np.minimum(np.rint(share * side), side).astype(int) for share in (height, width)]
    places = [
        np.floor(share * (side - size + 1)).astype(int)
        for share, size in zip((top, left), sizes, strict=True)
    ]
    for i in np.flatnonzero(sizes[0] * sizes[1]):
        (rows, columns), (y, x) = ([int(of[i]) for of in pair] for pair in (sizes, places))
        count = rows * columns * 3
        random = bits(seeds[i] + np.arange(-(-count // 8), dtype=np.uint64), 0).view(np.uint8)
        out[i, y : y + rows, x : x + columns] = random[:count].reshape(rows, columns, 3)
    return out


OPERATIONS = {
    "erase": Operation(
        draw_rectangles, erase, "Zhong et al. 2020, doi:10.1609/aaai.v34i07.7000", ERASE
    )
}
