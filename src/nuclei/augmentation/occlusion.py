"""The operation erase: a part of the nucleus is hidden."""

import numpy as np

from nuclei.augmentation.operation import Operation, Parameters, Strength
from nuclei.core.draws import bits, uniform

SMALLEST, LONGEST = 0.02, 0.3  # share of the area; shorter over longer side: as in the paper


def draw_rectangles(keys: np.ndarray, strength: float) -> Parameters:
    """Draw, for half of the nuclei, a rectangle's place, height and width in shares of the side."""
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
    """Fill every rectangle with random bytes; one without area changes nothing."""
    side = crops.shape[1]
    out = crops.copy()
    rows, columns = (
        np.minimum(np.rint(share * side), side).astype(int) for share in (height, width)
    )
    y = np.floor(top * (side - rows + 1)).astype(int)
    x = np.floor(left * (side - columns + 1)).astype(int)
    for i in np.flatnonzero(rows * columns):
        count = rows[i] * columns[i] * 3
        random = bits(seeds[i] + np.arange(-(-count // 8), dtype=np.uint64), 0).view(np.uint8)
        rectangle = random[:count].reshape(rows[i], columns[i], 3)
        out[i, y[i] : y[i] + rows[i], x[i] : x[i] + columns[i]] = rectangle
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
