"""Operations that resample between pixels: rotation, scale, shear, elastic.

Bilinear, in fixed point of 1/32 pixel, where OpenCV's remap, unlike its warpAffine, gives the same
bytes on every processor. What lies beyond the edge is reflected.
"""

from collections.abc import Callable, Iterable, Iterator
from functools import cache, lru_cache, partial

import cv2
import numpy as np

from nuclei.augmentation.operation import Operation, Parameters, Strength, whole_steps
from nuclei.core.draws import bits, uniform

ELASTIC = Strength("typical displacement of a pixel", "% of the side", 0.5, 10, 3)
STEPS = 4  # of a degree, of a percent: so few warps that their maps can be kept
KEPT_BYTES = 2**27  # of maps: all maps of every operation at a side of 96, some of them beyond
SUBPIXELS = 32
PITCH = 1 / 8  # of the side: nodes of a field of displacements, and the width of its smoothing
FARTHEST = 3  # times the typical displacement
TOGETHER = 2**18  # pixels displaced at once: more takes memory and is no faster

Maps = tuple[np.ndarray, np.ndarray]  # a remap table: whole pixels, and the rest in 1/32


def draw_quarters(keys: np.ndarray, strength: float) -> Parameters:
    """Draw quarters of a degree, or of a percent, int (N,)."""
    return {"quarters": whole_steps(keys, strength, STEPS)}


def rotate(crops: np.ndarray, quarters: np.ndarray) -> np.ndarray:
    """Rotate about the centre, by quarters of a degree, int (N,)."""
    side = crops.shape[1]
    margin = int(0.2072 * side) + 2  # at 45 degrees a corner comes from 0.2071 sides beyond
    right_angle = 90 * STEPS
    turns = np.rint(quarters / right_angle).astype(int)
    angles = np.deg2rad((quarters - right_angle * turns) / STEPS)
    rotations = zip(np.cos(angles).tolist(), np.sin(angles).tolist(), strict=True)
    turned = crops.copy()
    for i in np.flatnonzero(turns):
        # OpenCV's code of a turn: 0 clockwise, 1 upside down, 2 counterclockwise.
        cv2.rotate(crops[i], int(3 - turns[i] % 4), dst=turned[i])
    linear = _linear(side)
    return _remapped(turned, margin, (linear(margin, c, -s, s, c) for c, s in rotations))


def scale(crops: np.ndarray, quarters: np.ndarray) -> np.ndarray:
    """Enlarge or shrink about the centre, by quarters of a percent, int (N,)."""
    side = crops.shape[1]
    margin = side // 2 + 2  # at half its size a crop is framed by half a side
    factors = (1 / (1 + quarters / (100 * STEPS))).tolist()
    linear = _linear(side)
    return _remapped(crops, margin, (linear(margin, f, 0.0, 0.0, f) for f in factors))


def draw_shears(keys: np.ndarray, strength: float) -> Parameters:
    """Draw quarters of a degree, and whether columns are sheared, or rows."""
    return draw_quarters(keys, strength) | {"columns": uniform(keys, 1) < 0.5}


def shear(crops: np.ndarray, quarters: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Shear along the rows or, where `columns` is set, along the columns."""
    side = crops.shape[1]
    margin = side // 2 + 2  # at 45 degrees a corner comes from half a side beyond
    slopes = np.tan(np.deg2rad(quarters / STEPS))
    ways = zip((slopes * ~columns).tolist(), (slopes * columns).tolist(), strict=True)
    linear = _linear(side)
    return _remapped(crops, margin, (linear(margin, 1.0, x, y, 1.0) for x, y in ways))


def draw_fields(keys: np.ndarray, strength: float) -> Parameters:
    """Draw the seed of each nucleus's field of displacements."""
    return {"seeds": bits(keys, 0), "displacement": np.full(len(keys), strength / 100)}


def deform(crops: np.ndarray, seeds: np.ndarray, displacement: np.ndarray) -> np.ndarray:
    """Displace pixels by a smooth random field.

    Simard smooths a random number per pixel with a Gaussian. Numbers on nodes, as far apart as the
    Gaussian is wide, make a field as smooth, and faster: field = smoothing · nodes · smoothingᵀ, in
    whole numbers below 2**24, where float32 is exact in any order of summation.
    """
    side = crops.shape[1]
    margin = int(FARTHEST * ELASTIC.high / 100 * side) + 2
    return _remapped(crops, margin, _displaced(side, margin, seeds, displacement))


def _displaced(
    side: int, margin: int, seeds: np.ndarray, displacement: np.ndarray
) -> Iterator[Maps]:
    smoothing, deviation = _smoothing(side)
    nodes, together = smoothing.shape[1], max(TOGETHER // side**2, 1)
    grid = (np.arange(side, dtype=np.int16) + margin) * np.int16(SUBPIXELS)
    for first in range(0, len(seeds), together):
        part = slice(first, first + together)
        words = [bits(seeds[part], index) for index in range(-(-2 * nodes**2 // 8))]
        random = np.stack(words, axis=1).view(np.int8)[:, : 2 * nodes**2]
        numbers = (2 * random.astype(np.float32) + 1).reshape(-1, 2, nodes, nodes)
        subpixels = (displacement[part] * side * SUBPIXELS)[:, None, None, None]
        most = (subpixels * FARTHEST).astype(np.float32)
        fields = (
            smoothing @ numbers @ smoothing.T * (subpixels * (1 / deviation)).astype(np.float32)
        )
        moved = np.rint(np.clip(fields, -most, most)).astype(np.int16)
        yield from _fixed_point(moved[:, 0] + grid, moved[:, 1] + grid[:, None])


@cache
def _smoothing(side: int) -> tuple[np.ndarray, float]:
    """Return a Gaussian's weights of nodes on pixels, whole numbers, and the field's deviation."""
    pitch, around = PITCH * side, 2  # nodes beyond the edge that still weigh
    nodes = np.arange(-around, round(1 / PITCH) + around + 1) * pitch
    distances = (np.arange(side)[:, None] + 0.5 - nodes) / pitch
    weights = np.round(64 * np.exp(-(distances**2) / 2)).astype(np.float32)
    number_deviation = np.sqrt((256**2 - 1) / 3)  # of the odd numbers from -255 to 255
    return weights, float(number_deviation * (weights**2).sum(axis=1).mean())


def _remapped(crops: np.ndarray, margin: int, maps: Iterable[Maps]) -> np.ndarray:
    out = np.empty_like(crops)
    for image, (whole, rest), target in zip(crops, maps, out, strict=True):
        # Reflected first: remap is half again as fast where no pixel needs a look at the edge.
        wide = cv2.copyMakeBorder(image, margin, margin, margin, margin, cv2.BORDER_REFLECT)
        cv2.remap(wide, whole, rest, cv2.INTER_LINEAR, dst=target)
    return out


@lru_cache(maxsize=1)  # the crops of a study have one side
def _linear(side: int) -> Callable[..., Maps]:
    """Return what makes the maps of a side, and keeps the last ones that KEPT_BYTES hold."""
    map_bytes = 6 * side**2  # a pixel: two int16 and a uint16
    return lru_cache(max(KEPT_BYTES // map_bytes, 1))(partial(_linear_maps, side))


def _linear_maps(side: int, margin: int, xx: float, xy: float, yx: float, yy: float) -> Maps:
    """Say where pixels come from, about the centre: x' = xx · x + xy · y, y' = yx · x + yy · y."""
    middle = (side - 1) / 2
    x, y = np.arange(side) - middle, np.arange(side)[:, None] - middle
    column, row = (
        np.rint((source + middle + margin) * SUBPIXELS).astype(np.int32)
        for source in (xx * x + xy * y, yx * x + yy * y)
    )
    return next(_fixed_point(column[None], row[None]))


def _fixed_point(columns: np.ndarray, rows: np.ndarray) -> Iterator[Maps]:
    """Make remap tables of coordinates in 1/32 pixel, int (N, S, S)."""
    whole = np.stack([columns // SUBPIXELS, rows // SUBPIXELS], axis=-1).astype(np.int16)
    rest = (rows % SUBPIXELS * SUBPIXELS + columns % SUBPIXELS).astype(np.uint16)
    return zip(whole, rest, strict=True)


OPERATIONS = {
    "rotation": Operation(
        "Rotate about the centre, uniform within an angle either way.",
        draw_quarters,
        rotate,
        "the notebook's RandomRotation(0.1)",
        Strength("largest angle either way", "degrees", 1, 180, 36),
    ),
    "scale": Operation(
        "Enlarge or shrink about the centre: the other of the two effects of crop.",
        draw_quarters,
        scale,
        "Tellez et al. 2019, doi:10.1016/j.media.2019.101544",
        Strength("largest change of size either way", "%", 1, 50, 20),
    ),
    "shear": Operation(
        "Shear along the rows or along the columns.",
        draw_shears,
        shear,
        "Faryna et al. 2021, PMLR 143:168",
        Strength("largest angle either way", "degrees", 1, 45, 15),
    ),
    "elastic": Operation(
        "Displace pixels by a smooth random field.",
        draw_fields,
        deform,
        "Simard et al. 2003, doi:10.1109/ICDAR.2003.1227801",
        ELASTIC,
    ),
}
