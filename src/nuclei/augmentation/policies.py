"""Policies, which draw operations for every nucleus: trivial, rand.

Their set is made for H&E, after Faryna et al., MIDL 2021 (PMLR 143:168): without what no slide
looks like (posterize, solarize, invert, autocontrast), with hue and stain. Equalize, which they
keep, is no operation here; blur and scale are added.
"""

from functools import partial

import numpy as np

from nuclei.augmentation import colour, geometry, occlusion, scanner, stain, warps
from nuclei.augmentation.operation import Operation, Parameters, Strength
from nuclei.core.draws import bits, uniform

FAMILIES = (geometry, warps, scanner, colour, occlusion, stain)
SINGLE = {name: operation for family in FAMILIES for name, operation in family.OPERATIONS.items()}
# For one operation alone: as strong as leaves most nuclei what they are to the eye.
WIDE: dict[str, float | None] = {
    "none": None,
    "rotation": 180,
    "shift": 30,
    "scale": 40,
    "shear": 30,
    "brightness": 50,
    "contrast": 50,
    "saturation": 80,
    "hue": 40,
    "sharpen": 200,
    "blur": 2,
    "stain": 30,
}
_STRENGTHS = {name: SINGLE[name].strength for name in WIDE}
USUAL = {name: strength and strength.default for name, strength in _STRENGTHS.items()}


def draw_operations(keys: np.ndarray, strength: float) -> Parameters:
    """Draw operations of the set for each nucleus, int (N, K), and the streams of their numbers."""
    layers = range(int(strength))
    chosen = [uniform(keys, 2 * layer, 0, len(WIDE)).astype(int) for layer in layers]
    streams = [bits(keys, 2 * layer + 1) for layer in layers]
    return {"chosen": np.stack(chosen, axis=1), "streams": np.stack(streams, axis=1)}


def apply_operations(
    crops: np.ndarray, chosen: np.ndarray, streams: np.ndarray, strengths: dict[str, float | None]
) -> np.ndarray:
    """Apply the operations that were drawn for each nucleus, one after the other.

    chosen: positions in `strengths`, int (N, K); streams: their random numbers, uint64 (N, K).
    """
    for numbers, keys in zip(chosen.T, streams.T, strict=True):
        out = np.empty_like(crops)
        for number, (name, strength) in enumerate(strengths.items()):
            rows, operation = np.flatnonzero(numbers == number), SINGLE[name]
            out[rows] = operation.apply(crops[rows], **operation.draw(keys[rows], strength))
        crops = out
    return crops


OPERATIONS = {
    "trivial": Operation(
        "Apply one operation, drawn from a set for H&E, at any strength up to a high one.",
        lambda keys, strength=None: draw_operations(keys, 1),
        partial(apply_operations, strengths=WIDE),
        "Müller & Hutter 2021, arXiv:2103.10158",
    ),
    "rand": Operation(
        "Apply several operations, drawn from a set for H&E, at any strength up to the default.",
        draw_operations,
        partial(apply_operations, strengths=USUAL),
        "Cubuk et al. 2020, arXiv:1909.13719; Faryna et al. 2021",
        Strength("operations, one after the other", "", 1, 5, 2, whole=True),
    ),
}
