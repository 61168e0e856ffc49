"""Grow the tissue of a field: nests of tumor, gaps and fibres; place the nuclei in it."""

from types import EllipsisType
from typing import NamedTuple

import cv2
import numpy as np
from scipy import ndimage
from scipy.special import expit

from nuclei.simulation.kinds import Cell, Look


class Tissue(NamedTuple):
    """What lies between the nuclei; all (H, W)."""

    nest: np.ndarray  # share of tumor, 0 to 1
    gap: np.ndarray  # share of emptiness, 0 to 1
    fibre: np.ndarray  # direction of the fibres, radians
    strands: np.ndarray  # texture of the fibres, unit variance


class Placed(NamedTuple):
    """A cell in its field."""

    kind: str
    look: Look
    window: tuple[EllipsisType, slice, slice]  # the part of the field that the cell may reach
    depth: np.ndarray  # px below the membrane of the nucleus, within the window


def smooth_noise(rng: np.random.Generator, shape: tuple[int, int], sigma: float) -> np.ndarray:
    """Return noise of zero mean and unit variance, float32; its spots have size `sigma` px."""
    step = max(1.0, sigma / 2)
    white = rng.standard_normal([int(n / step) + 4 for n in shape], dtype=np.float32)
    blurred = cv2.GaussianBlur(white, (0, 0), sigma / step)
    wide = cv2.resize(blurred, None, fx=step, fy=step, interpolation=cv2.INTER_CUBIC)
    noise = wide[: shape[0], : shape[1]]
    return (noise - noise.mean()) / noise.std()


def tissue(rng: np.random.Generator, shape: tuple[int, int], nest_area: float) -> Tissue:
    """Grow a field's tissue, with nests of tumor on about `nest_area` px."""
    nest = smooth_noise(rng, shape, 38) + 0.25 * smooth_noise(rng, shape, 9)
    nest -= np.quantile(nest, 1 - np.clip(nest_area / nest.size, 0.02, 0.9))
    gap = smooth_noise(rng, shape, 20) + 0.2 * smooth_noise(rng, shape, 6)
    gap -= np.quantile(gap, rng.uniform(0.9, 1))
    # Fibres are the level lines of a height that climbs across the field, at nests and at gaps.
    y, x = np.indices(shape, dtype=np.float32)
    tilt = rng.uniform(0, np.pi)
    height = np.cos(tilt) * x + np.sin(tilt) * y + 22 * smooth_noise(rng, shape, 55)
    height += 45 * np.tanh(nest) + 15 * np.tanh(gap)
    down, right = np.gradient(height)
    along = np.cos(tilt) * y - np.sin(tilt) * x
    white = np.fft.fft2(rng.standard_normal((512, 512)))
    streaks = (ndimage.fourier_gaussian(white, sigma) for sigma in ((1.2, 22), (4, 60)))
    fine, coarse = (np.fft.ifft2(streak).real for streak in streaks)
    strands = 0.6 * fine / fine.std() + 0.9 * coarse / coarse.std()
    strands = ndimage.map_coordinates(strands, [height, along], order=1, mode="grid-wrap")
    return Tissue(
        expit(8 * nest), expit(14 * gap), np.arctan2(right, -down), strands / strands.std()
    )


def place(rng: np.random.Generator, tissue: Tissue, cells: list[Cell]) -> list[Placed]:
    """Place every cell in tissue that its kind lives in, where there is room."""
    solid = 1 - tissue.gap
    habitat = {"tumor": solid * tissue.nest**2, "fibroblast": solid * (1 - tissue.nest) ** 2}
    habitat |= {"mitotic_figure": habitat["tumor"], "vascular_endothelium": solid * tissue.gap}
    spots = smooth_noise(rng, tissue.nest.shape, 25)
    scattered = solid * (1.15 - tissue.nest) * np.exp(1.5 * spots)
    free = (solid > 0.5).astype(np.uint8)
    rows, columns = np.ogrid[tuple(map(slice, tissue.nest.shape))]
    placed = []
    for kind, look in cells:
        room = 3 * cv2.distanceTransform(free[::3, ::3], cv2.DIST_L2, 3).astype(float)
        lacking = np.maximum(0.45 * look.length * look.aspect**0.5 - room, 0)
        weight = (habitat.get(kind, scattered)[::3, ::3] + 1e-9) * np.exp(-lacking)
        spot = rng.choice(weight.size, p=weight.ravel() / weight.sum())
        y, x = (3 * int(i) for i in np.unravel_index(spot, weight.shape))
        angle = rng.uniform(0, np.pi)
        if kind in ("fibroblast", "vascular_endothelium"):
            angle = tissue.fibre[y, x] + rng.normal(0, 0.25)
        radius = int(0.7 * look.length + look.reach) + 4
        down, right = (slice(max(c - radius, 0), c + radius + 1) for c in (y, x))
        depth = _depth(rng, look, angle, rows[down] - y, columns[:, right] - x)
        free[down, right][depth > -1] = 0
        placed.append(Placed(kind, look, (..., down, right), depth))
    return placed


def _depth(
    rng: np.random.Generator, look: Look, angle: float, y: np.ndarray, x: np.ndarray
) -> np.ndarray:
    """Return px below the outline of a bent, pointed, wavy ellipse; y, x: px from its centre."""
    long, short = look.length / 2, look.length * min(look.aspect, 1) / 2
    u = (np.cos(angle) * x + np.sin(angle) * y) / long
    v = (np.cos(angle) * y - np.sin(angle) * x) / short
    v += rng.choice([-1, 1]) * look.bend * (u**2 - 0.4) * long / short
    reach = np.sqrt(np.abs(u) ** look.taper + v**2)
    polar = np.arctan2(v, u)
    for waves in (2, 3, 4, 5):
        swing = 1.5 * look.ragged / waves * rng.standard_normal()
        reach *= 1 + swing * np.cos(waves * polar + rng.uniform(0, 2 * np.pi))
    return (1 - reach) * short
