"""Policies, which draw operations for every nucleus: trivial, rand.

Their set is made for H&E, after Faryna et al., MIDL 2021 (PMLR 143:168): of the usual one, what
makes no slide (posterize, solarize, invert, autocontrast) is left out, and changes of hue and of
stain come in. Equalize, which they keep, is no operation here; blur and scale are added. Every
operation draws its own numbers, up to its strength.
"""

from collections.abc import Mapping

import numpy as np

from nuclei.augmentation import geometry, jitter, scanner, stain, warps
from nuclei.augmentation.operation import Operation, Parameters, Strength
from nuclei.core.draws import bits, uniform

RAND = Strength("operations, one after the other", "", 1, 5, 2, whole=True)
# For one operation alone: as strong as leaves most nuclei what they are to the eye.
WIDE = {
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
_FAMILIES = (geometry, warps, scanner, jitter, stain)
_OPERATIONS = {name: of for family in _FAMILIES for name, of in family.OPERATIONS.items()}
_STRENGTHS = {name: _OPERATIONS[name].strength for name in WIDE}
USUAL = {name: valid and valid.default for name, valid in _STRENGTHS.items()}


def draw_one(keys: np.ndarray) -> Parameters:
    """Draw one operation of the set for each nucleus, and the stream of its numbers."""
    return draw_several(keys, 1)


def draw_several(keys: np.ndarray, strength: float) -> Parameters:
    """Draw operations of the set for each nucleus, int (N, K), and the streams of their numbers.

    Strength: operations, one after the other, 1 to 5, 2 by default.
    """
    layers = range(int(strength))
    chosen = [uniform(keys, 2 * layer, 0, len(WIDE)).astype(int) for layer in layers]
    streams = [bits(keys, 2 * layer + 1) for layer in layers]
    return {"chosen": np.stack(chosen, axis=1), "streams": np.stack(streams, axis=1)}


def apply_widely(crops: np.ndarray, chosen: np.ndarray, streams: np.ndarray) -> np.ndarray:
    """Apply one operation, drawn from a set for H&E, at any strength up to a high one."""
    return _applied(crops, chosen, streams, WIDE)


def apply_as_usual(crops: np.ndarray, chosen: np.ndarray, streams: np.ndarray) -> np.ndarray:
    """Apply several operations, drawn from a set for H&E, at any strength up to the default."""
    return _applied(crops, chosen, streams, USUAL)


def _applied(
    crops: np.ndarray,
    chosen: np.ndarray,
    streams: np.ndarray,
    strengths: Mapping[str, float | None],
) -> np.ndarray:
    for drawn, stream in zip(chosen.T, streams.T, strict=True):
        out = np.empty_like(crops)
        for number, (name, strength) in enumerate(strengths.items()):
            rows, operation = np.flatnonzero(drawn == number), _OPERATIONS[name]
            numbers = () if strength is None else (strength,)
            out[rows] = operation.apply(crops[rows], **operation.draw(stream[rows], *numbers))
        crops = out
    return crops


OPERATIONS = {
    "trivial": Operation(draw_one, apply_widely, "Müller & Hutter 2021, arXiv:2103.10158"),
    "rand": Operation(
        draw_several,
        apply_as_usual,
        "Cubuk et al. 2020, arXiv:1909.13719; Faryna et al. 2021",
        RAND,
    ),
}
