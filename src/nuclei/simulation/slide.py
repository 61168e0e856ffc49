"""Stain a field's tissue, and photograph it."""

import cv2
import numpy as np
from scipy.special import expit

from nuclei.core.stains import HED
from nuclei.simulation.kinds import Look
from nuclei.simulation.tissue import Placed, Tissue, smooth_noise


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
    stains *= 1 - tissue.gap
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
    """Mix the stains by Beer–Lambert's law; absorption, strength, blur and light differ by site.

    Returns:
        uint8 RGB (H, W, 3).
    """
    vectors = np.maximum(HED[:2] + site.normal(0, 0.06, (2, 3)), 0.02)
    vectors[1] += site.uniform(0, 0.35) * HED[2]
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    strength = np.exp(site.normal(0, 0.25, (2, 1)) + slide.normal(0, 0.1, (2, 1)))
    vectors *= strength * [[1.15], [0.75]]
    density = np.einsum("shw,sc->hwc", stains, vectors)
    density = cv2.GaussianBlur(density, (0, 0), site.uniform(0.7, 1.6))
    light = site.uniform(228, 248) * (1 - np.abs(site.normal(0, 0.02, 3)))
    noise = cv2.GaussianBlur(rng.standard_normal(density.shape), (0, 0), 0.6)
    image = light * np.exp(-density) + site.uniform(2, 7) * noise
    return np.clip(np.rint(image), 0, 255).astype(np.uint8)
