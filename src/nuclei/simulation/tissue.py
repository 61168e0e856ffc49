"""Grow the tissue of a field, place its nuclei, stain them, photograph all."""

from types import EllipsisType
from typing import NamedTuple

import cv2
import numpy as np
from scipy import ndimage
from scipy.special import expit

from nuclei.core.stains import HED
from nuclei.simulation.kinds import Look


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
    fibre = np.arctan2(right, -down)
    return Tissue(expit(8 * nest), expit(14 * gap), fibre, strands / strands.std())


def place(rng: np.random.Generator, tissue: Tissue, cells: list[tuple[str, Look]]) -> list[Placed]:
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


def stain(rng: np.random.Generator, tissue: Tissue, placed: list[Placed]) -> np.ndarray:
    """Return haematoxylin and eosin, (2, H, W): fibres, cytoplasm of tumor, of others, nuclei."""
    shape = tissue.nest.shape
    grain, clump, bubble, cloud = (smooth_noise(rng, shape, size) for size in (1.2, 2.6, 3.5, 12))
    stains = np.stack([0.10 + 0.04 * tissue.strands, 0.85 + 0.28 * tissue.strands])
    stains *= 1 + 0.1 * cloud
    stains[1] *= expit(4 * (tissue.strands + 1.7))
    outside = np.ones(shape, np.uint8)
    for kind, _, window, depth in placed:
        if kind in ("tumor", "mitotic_figure"):
            outside[window][depth > 0] = 0
    _, cell = cv2.distanceTransformWithLabels(outside, cv2.DIST_L2, 5)
    change = cv2.morphologyEx(cell.astype(np.float32), cv2.MORPH_GRADIENT, np.ones((3, 3)))
    border = cv2.GaussianBlur((change > 0).astype(np.float32), (0, 0), 1.2)
    border = border * rng.normal(-0.1, 0.3)
    tone = rng.normal(1, 0.12, cell.max() + 1)[cell] * expit(4 * (rng.uniform(1.3, 3) - bubble))
    cytoplasm = np.stack([0.30 + 0.06 * grain, 0.75 + 0.09 * grain + 0.09 * cloud + border])
    stains += tissue.nest * (tone * cytoplasm - stains)
    for _, look, window, depth in placed:
        cytoplasm = np.reshape([look.basic, look.eosin], (2, 1, 1)) * (1 + 0.2 * clump[window])
        stains[window] += 0.75 * expit((depth + look.reach) / 1.5) * (cytoplasm - stains[window])
    # Nuclei hold most of the haematoxylin and are a fifth darker than the rest, as in real tissue.
    stains *= np.reshape([0.1, 0.42], (2, 1, 1)) * (1 - tissue.gap)
    for _, look, window, depth in placed:
        grains = rng.uniform(0.2, 0.9) * grain[window] + rng.uniform(0.2, 0.9) * clump[window]
        nucleus = np.stack([_chromatin(rng, look, depth, grains), np.full(depth.shape, 0.25)])
        # Stains add up through the section's thickness, so what lies below shines through.
        stains[window] += expit(depth / rng.uniform(0.5, 1.1)) * (nucleus - 0.8 * stains[window])
    return np.clip(stains, 0, None)


def _chromatin(
    rng: np.random.Generator, look: Look, depth: np.ndarray, grains: np.ndarray
) -> np.ndarray:
    membrane = np.exp(-(((depth - 1.5) / 1.8) ** 2)) - 0.25
    chromatin = look.chromatin * (1 + look.clumps * grains + look.rim * membrane)
    rows, columns = np.ogrid[tuple(map(slice, depth.shape))]
    for _ in range(rng.poisson(look.nucleoli)):
        y, x = rng.choice(np.argwhere(depth > depth.max() - 6))
        distance = np.hypot(rows - y, columns - x)
        chromatin += rng.uniform(0.4, 0.9) * expit((rng.uniform(2, 4) - distance) / 0.7)
    return np.clip(chromatin, 0.1, None)


def photograph(
    rng: np.random.Generator,
    site: np.random.Generator,
    slide: np.random.Generator,
    stains: np.ndarray,
) -> np.ndarray:
    """Mix the stains by Beer–Lambert's law into uint8 RGB (H, W, 3), as site and slide have it.

    Deviations are fitted to real tissue: docs/simulator.md has both.
    """
    vectors = HED[:2] + site.normal(0, 0.04, (2, 3)) + slide.normal(0, 0.08, (2, 3))
    vectors = np.maximum(vectors, 0.02)
    vectors[1] += site.uniform(0, 1.4) * HED[2]
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    strength = slide.normal(0, 0.38, (2, 1))
    strength[0] += site.normal(0, 0.5)  # sites differ in their haematoxylin more than in eosin
    vectors *= np.exp(strength) * [[0.6], [1.15]]
    density = np.einsum("shw,sc->hwc", stains, vectors)
    density = cv2.GaussianBlur(density, (0, 0), site.uniform(0.7, 1.6))
    light = site.uniform(228, 248) * (1 - np.abs(site.normal(0, 0.02, 3)))
    noise = cv2.GaussianBlur(rng.standard_normal(density.shape), (0, 0), 0.6)
    image = light * np.exp(-density) + site.uniform(2, 7) * noise
    return np.clip(np.rint(image), 0, 255).astype(np.uint8)
