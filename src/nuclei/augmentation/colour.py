"""Operations on colours: channels, invert, grayscale, and jitter of brightness, contrast and so on.

All jitter but gamma is linear, so one matrix per nucleus does several and cuts off only once.
"""

from functools import cache

import cv2
import numpy as np

from nuclei.augmentation.operation import (
    Operation,
    Parameters,
    Strength,
    all_at_once,
    draw_around,
    draw_coins,
    whole_steps,
)
from nuclei.core.draws import uniform

CHANGE = Strength("largest change either way", "%", 1, 90, 20)
COLOR = Strength("largest change either way, hue by as many percent of 90 degrees", "%", 1, 90, 20)
LUMA = np.array([0.299, 0.587, 0.114])  # ITU-R BT.601
STEPS = 64  # of a doubling of the exponent: so few curves can be kept
UNIT = 1024  # coefficients are even multiples of 1/UNIT, offsets odd ones
LARGEST, FARTHEST = 16, 4096  # coefficient, offset; up to these every sum is exact in float32


def swap(crops: np.ndarray) -> np.ndarray:
    """Exchange red and blue."""
    return all_at_once(crops, lambda pixels: cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR))


def invert(crops: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """Replace x by 255 − x in the chosen crops."""
    mask = np.where(chosen, 255, 0).astype(np.uint8)  # x ^ 255 is 255 − x, x ^ 0 is x
    return crops ^ mask[:, None, None, None]


def to_grey(crops: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """Replace the colours of the chosen crops by their luma (ITU-R BT.601)."""
    out = crops.copy()
    for i in np.flatnonzero(chosen):
        cv2.cvtColor(cv2.cvtColor(crops[i], cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB, dst=out[i])
    return out


def draw_color(keys: np.ndarray, strength: float) -> Parameters:
    """Draw three factors and a turn of the hue."""
    factors = draw_around(1, "brightness", "contrast", "saturation")(keys, strength)
    return factors | {"hue": 0.9 * uniform(keys, 3, -strength, strength)}


def jitter(
    crops: np.ndarray,
    brightness: np.ndarray | float = 1.0,
    contrast: np.ndarray | float = 1.0,
    saturation: np.ndarray | float = 1.0,
    hue: np.ndarray | float = 0.0,
) -> np.ndarray:
    """Change brightness, contrast, saturation and hue, in this order.

    Brightness b:  x' = b x                   Contrast c:  x' = c x + (1 - c) · mean grey
    Saturation s:  x' = s x + (1 - s) · luma  Hue:         x' = a turn about (1, 1, 1)

    The last two leave greys alone, so the four are x' = b c · turn · S · x + (1 - c) b · mean grey.
    """
    b, c, s, h = (
        np.broadcast_to(numbers, len(crops)) for numbers in (brightness, contrast, saturation, hue)
    )
    spread = s[:, None, None]
    saturated = spread * np.eye(3) + (1 - spread) * np.broadcast_to(LUMA, (3, 3))
    # Spelt out: BLAS adds up in another order on another processor.
    turned = (_turns(np.deg2rad(h))[:, :, :, None] * saturated[:, None]).sum(axis=2)
    matrices = (b * c)[:, None, None] * turned
    offsets = np.zeros((len(crops), 3))
    if (c != 1).any():
        greys = np.array([cv2.mean(crop)[:3] for crop in crops]).reshape(-1, 3)
        offsets += ((1 - c) * b * (greys * LUMA).sum(axis=1))[:, None]
    return mix(crops, matrices, offsets)


def mix(crops: np.ndarray, matrices: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """Replace every pixel x by matrix · x + offset, rounded and cut off at 0 and 255.

    crops: uint8 (N, S, S, 3); matrices: float (N, 3, 3), rounded to 1/512; offsets: float (N, 3).
    """
    out = np.empty_like(crops)
    coefficients = np.clip(matrices, -LARGEST, LARGEST)
    shifts = np.clip(offsets, -FARTHEST, FARTHEST)[:, :, None]
    # Even multiples of 1/UNIT, plus an odd one: no sum lies between two bytes, where processors
    # may round to either.
    scaled = np.rint(np.concatenate([coefficients, shifts], axis=2) * (UNIT / 2)) * 2
    scaled[:, :, 3] += 1
    for image, matrix, target in zip(crops, (scaled / UNIT).astype(np.float32), out, strict=True):
        cv2.transform(image, matrix, dst=target)
    return out


def _turns(angles: np.ndarray) -> np.ndarray:
    """Return rotations by angles (N,) in radians about (1, 1, 1), (N, 3, 3), after Rodrigues."""
    about = np.array([[0, -1, 1], [1, 0, -1], [-1, 1, 0]]) / np.sqrt(3)
    cosine, sine = (numbers[:, None, None] for numbers in (np.cos(angles), np.sin(angles)))
    return cosine * np.eye(3) + (1 - cosine) / 3 + sine * about


def draw_gamma(keys: np.ndarray, strength: float) -> Parameters:
    """Draw the binary logarithm of each exponent, in steps of 1/64."""
    return {"steps": whole_steps(keys, float(np.log2(strength)), STEPS)}


def bend(crops: np.ndarray, steps: np.ndarray) -> np.ndarray:
    """Raise every value, as a share of 255, to the power 2 ** (steps / 64)."""
    out = np.empty_like(crops)
    for image, step, target in zip(crops, steps.tolist(), out, strict=True):
        cv2.LUT(image, _curve(step), dst=target)
    return out


@cache
def _curve(step: int) -> np.ndarray:
    return np.rint(255 * (np.arange(256) / 255) ** 2 ** (step / STEPS)).astype(np.uint8)


_TELLEZ = "Tellez et al. 2019, doi:10.1016/j.media.2019.101544"
_FACTORS = {
    "brightness": "Make darker or brighter: every value times a factor.",
    "contrast": "Move every value away from the crop's mean grey, or towards it.",
    "saturation": "Move every colour away from its own grey, or towards it.",
}
OPERATIONS = {
    "channels": Operation(
        "Exchange red and blue, always.",
        draw_coins(),
        swap,
        "the notebook's accident: read RGB, written BGR",
    ),
    "invert": Operation(
        "Replace x by 255 - x for half of the nuclei.",
        draw_coins("chosen"),
        invert,
        "the notebook's RandomInvert(0.5)",
    ),
    "grayscale": Operation(
        "Replace the colours by their luma (ITU-R BT.601) for half of the nuclei.",
        draw_coins("chosen"),
        to_grey,
        "the notebook's future work",
    ),
    **{
        name: Operation(does, draw_around(1, name), jitter, _TELLEZ, CHANGE)
        for name, does in _FACTORS.items()
    },
    "hue": Operation(
        "Turn the colours about the axis of greys.",
        draw_around(0, "hue", per=1),
        jitter,
        _TELLEZ,
        Strength("largest turn of the colours either way", "degrees", 1, 180, 15),
    ),
    "color": Operation(
        "Change brightness, contrast, saturation and hue, in this order.",
        draw_color,
        jitter,
        "Howard 2013, arXiv:1312.5402",
        COLOR,
    ),
    "gamma": Operation(
        "Raise every value, as a share of 255, to a power: a camera's gamma.",
        draw_gamma,
        bend,
        "Poynton 2012, ISBN 978-0-12-391926-7, ch. 27",
        Strength("largest exponent; its inverse is the smallest", "", 1.05, 4, 1.5),
    ),
}
