"""The augmentations: for each, how its random parameters are drawn and how they are applied.

`draw` takes one stream of random numbers per nucleus (see draws) and returns arrays with an entry
per nucleus; `apply` takes crops, uint8 RGB (N, S, S, 3), and those arrays, and returns new crops of
the same shape and type. Arithmetic is in integers or exact, so that bytes do not depend on the CPU.
"""

from collections.abc import Callable
from functools import cache
from statistics import NormalDist
from typing import NamedTuple

import cv2
import numpy as np

from nuclei.draws import bits, uniform
from nuclei.stains import HED


class Operation(NamedTuple):
    """One augmentation."""

    draw: Callable[[np.ndarray], tuple[np.ndarray, ...]]
    apply: Callable[..., np.ndarray]


def draw_nothing(keys: np.ndarray) -> tuple[np.ndarray, ...]:
    """Draw no parameter."""
    return ()


def keep(crops: np.ndarray) -> np.ndarray:
    """Return the crops as they are: the arm that the others are compared with."""
    return crops


def draw_windows(keys: np.ndarray) -> tuple[np.ndarray, ...]:
    """Draw each window's place, from 0 (left, top) to 1 (right, bottom) of the room it has."""
    return uniform(keys, 0), uniform(keys, 1)


def crop(crops: np.ndarray, left: np.ndarray, top: np.ndarray) -> np.ndarray:
    """Cut a window of 2/3 of the side and scale it back (the notebook's RandomCrop(60) of 90)."""
    side = crops.shape[1]
    window = round(side * 2 / 3)
    columns, rows = (np.floor(at * (side - window + 1)).astype(int).tolist() for at in (left, top))
    out = np.empty_like(crops)
    for image, x, y, target in zip(crops, columns, rows, out, strict=True):
        part = image[y : y + window, x : x + window]
        cv2.resize(part, (side, side), dst=target, interpolation=cv2.INTER_LINEAR)
    return out


def draw_angles(keys: np.ndarray) -> tuple[np.ndarray, ...]:
    """Draw quarters of a degree, uniform in ±36 degrees (the notebook's RandomRotation(0.1))."""
    return (np.floor(uniform(keys, 0, -144, 145)).astype(int),)


def rotate(crops: np.ndarray, quarters: np.ndarray) -> np.ndarray:
    """Rotate about the centre, bilinear, what lies beyond the edge reflected."""
    side = crops.shape[1]
    margin = side // 5 + 2  # at 36 degrees a corner comes from 0.2 sides beyond the edge
    out = np.empty_like(crops)
    for image, quarter, target in zip(crops, quarters.tolist(), out, strict=True):
        # Reflected first: remap is half again as fast where no pixel needs a look at the edge.
        wide = cv2.copyMakeBorder(image, margin, margin, margin, margin, cv2.BORDER_REFLECT)
        cv2.remap(wide, *_rotation_maps(side, margin, quarter), cv2.INTER_LINEAR, dst=target)
    return out


def draw_flips(keys: np.ndarray) -> tuple[np.ndarray, ...]:
    """Draw whether to mirror left-right and whether to mirror top-bottom, each with p = 0.5."""
    return uniform(keys, 0) < 0.5, uniform(keys, 1) < 0.5


def flip(crops: np.ndarray, horizontal: np.ndarray, vertical: np.ndarray) -> np.ndarray:
    """Mirror where drawn (the notebook's RandomFlip)."""
    out = crops.copy()
    axes = np.where(vertical, np.where(horizontal, -1, 0), 1)
    for i in np.flatnonzero(horizontal | vertical):
        cv2.flip(crops[i], int(axes[i]), dst=out[i])
    return out


def draw_half(keys: np.ndarray) -> tuple[np.ndarray, ...]:
    """Draw whether a nucleus is changed at all, p = 0.5."""
    return (uniform(keys, 0) < 0.5,)


def invert(crops: np.ndarray, inverted: np.ndarray) -> np.ndarray:
    """Replace x by 255 - x where drawn (the notebook's random invert)."""
    mask = np.where(inverted, 255, 0).astype(np.uint8)
    return crops ^ mask[:, None, None, None]


def draw_noise(keys: np.ndarray) -> tuple[np.ndarray, ...]:
    """Draw the seed of each nucleus's noise field."""
    return (bits(keys, 0),)


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


def to_grey(crops: np.ndarray, grey: np.ndarray) -> np.ndarray:
    """Replace the colours by their luma where drawn (ITU-R BT.601; the notebook's future work)."""
    out = crops.copy()
    side = crops.shape[1]
    chosen = np.flatnonzero(grey)
    if len(chosen):
        luma = cv2.cvtColor(crops[chosen].reshape(-1, side, 3), cv2.COLOR_RGB2GRAY)
        out[chosen] = luma.reshape(-1, side, side, 1)
    return out


def draw_stains(keys: np.ndarray) -> tuple[np.ndarray, ...]:
    """Draw each stain's factor, uniform in 1 ± 0.2, and shift, uniform in ±0.2 (N, 3)."""
    factors = np.stack([uniform(keys, place, 0.8, 1.2) for place in (0, 1, 2)], axis=1)
    shifts = np.stack([uniform(keys, place, -0.2, 0.2) for place in (3, 4, 5)], axis=1)
    return factors, shifts


def stain(crops: np.ndarray, factors: np.ndarray, shifts: np.ndarray) -> np.ndarray:
    """Perturb the concentrations of haematoxylin, eosin and residual: c -> factor * c + shift.

    Tellez et al., IEEE TMI 2018 (doi:10.1109/TMI.2018.2820199), at the strong setting of Tellez et
    al., MedIA 2019 (doi:10.1016/j.media.2019.101544); optical density in natural logarithms.
    Densities are whole multiples of 1/256 and the matrix of 1/1024: every sum stays below 2**24,
    where float32 is exact in any order of summation.
    """
    to_density, to_intensity = _density_tables()
    matrices = np.linalg.inv(HED) @ (factors[:, :, None] * HED)
    matrices = np.round(matrices * 1024).astype(np.float32)
    offsets = np.round(shifts @ HED * 256 * 1024).astype(np.float32)
    out = np.empty_like(crops)
    for image, matrix, offset, target in zip(crops, matrices, offsets, out, strict=True):
        density = to_density[image.reshape(-1, 3)] @ matrix + offset
        index = np.clip((density * np.float32(1 / 1024)).astype(np.int32), 0, len(to_intensity) - 1)
        target[:] = to_intensity[index].reshape(image.shape)
    return out


@cache
def _rotation_maps(side: int, margin: int, quarter: int) -> tuple[np.ndarray, np.ndarray]:
    # In OpenCV's fixed point, 1/32 pixel: unlike warpAffine, remap is then the same on every CPU.
    angle = np.deg2rad(quarter / 4)
    y, x = np.mgrid[:side, :side] - (side - 1) / 2
    turned = (np.cos(angle) * x - np.sin(angle) * y, np.sin(angle) * x + np.cos(angle) * y)
    column, row = (np.rint((t + (side - 1) / 2 + margin) * 32).astype(int) for t in turned)
    pixels = np.stack([column >> 5, row >> 5], axis=-1).astype(np.int16)
    return pixels, ((row & 31) * 32 + (column & 31)).astype(np.uint16)


@cache
def _noise_quantiles() -> np.ndarray:
    normal = NormalDist(0, 0.05 * 255)
    return np.array([round(normal.inv_cdf((i + 0.5) / 2**16)) for i in range(2**16)], np.int16)


@cache
def _density_tables() -> tuple[np.ndarray, np.ndarray]:
    intensities = np.maximum(np.arange(256), 1)
    to_density = np.round(-np.log(intensities / 255) * 256).astype(np.float32)
    densities = np.arange(int(to_density.max()) + 1) / 256
    return to_density, np.round(255 * np.exp(-densities)).astype(np.uint8)


OPERATIONS = {
    "none": Operation(draw_nothing, keep),
    "crop": Operation(draw_windows, crop),
    "rotation": Operation(draw_angles, rotate),
    "flip": Operation(draw_flips, flip),
    "invert": Operation(draw_half, invert),
    "noise": Operation(draw_noise, add_noise),
    "grayscale": Operation(draw_half, to_grey),
    "stain": Operation(draw_stains, stain),
}
