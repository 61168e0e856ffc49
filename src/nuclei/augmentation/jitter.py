"""Operations that jitter colours: brightness, contrast, saturation, hue, color, gamma.

All but gamma are linear in red, green and blue, as is one after the other: color does all four by
one matrix per nucleus, and cuts off at black and white once.
"""

from functools import cache

import cv2
import numpy as np

from nuclei.augmentation.linear import mix
from nuclei.augmentation.operation import Operation, Parameters, Strength, whole_steps
from nuclei.core.draws import uniform

CHANGE = Strength("largest change either way", "%", 1, 90, 20)
HUE = Strength("largest turn of the colours either way", "degrees", 1, 180, 15)
COLOR = Strength("largest change either way, hue by as many percent of 90 degrees", "%", 1, 90, 20)
GAMMA = Strength("largest exponent; its inverse is the smallest", "", 1.05, 4, 1.5)
LUMA = np.array([0.299, 0.587, 0.114])  # ITU-R BT.601
STEPS = 64  # of a doubling of the exponent: so few curves can be kept


def _factor(keys: np.ndarray, index: int, strength: float) -> np.ndarray:
    return uniform(keys, index, 1 - strength / 100, 1 + strength / 100)


def draw_brightness(keys: np.ndarray, strength: float) -> Parameters:
    """Draw a factor for each nucleus.

    Strength: largest change either way, 1 to 90 %, 20 by default.
    """
    return {"brightness": _factor(keys, 0, strength)}


def draw_contrast(keys: np.ndarray, strength: float) -> Parameters:
    """Draw a factor for each nucleus.

    Strength: largest change either way, 1 to 90 %, 20 by default.
    """
    return {"contrast": _factor(keys, 0, strength)}


def draw_saturation(keys: np.ndarray, strength: float) -> Parameters:
    """Draw a factor for each nucleus.

    Strength: largest change either way, 1 to 90 %, 20 by default.
    """
    return {"saturation": _factor(keys, 0, strength)}


def draw_hue(keys: np.ndarray, strength: float) -> Parameters:
    """Draw by how many degrees the colours of each nucleus are turned.

    Strength: largest turn of the colours either way, 1 to 180 degrees, 15 by default.
    """
    return {"hue": uniform(keys, 0, -strength, strength)}


def draw_color(keys: np.ndarray, strength: float) -> Parameters:
    """Draw all four.

    Strength: largest change either way, hue by as many percent of 90 degrees, 1 to 90 %, 20 by
    default.
    """
    names = ("brightness", "contrast", "saturation")
    factors = {name: _factor(keys, index, strength) for index, name in enumerate(names)}
    return factors | {"hue": 0.9 * uniform(keys, 3, -strength, strength)}


def brighten(crops: np.ndarray, brightness: np.ndarray) -> np.ndarray:
    """Make darker or brighter: every value times a factor."""
    return jitter(crops, brightness=brightness)


def stretch(crops: np.ndarray, contrast: np.ndarray) -> np.ndarray:
    """Move every value away from the crop's mean grey, or towards it."""
    return jitter(crops, contrast=contrast)


def saturate(crops: np.ndarray, saturation: np.ndarray) -> np.ndarray:
    """Move every colour away from its own grey, or towards it."""
    return jitter(crops, saturation=saturation)


def turn(crops: np.ndarray, hue: np.ndarray) -> np.ndarray:
    """Turn the colours about the axis of greys."""
    return jitter(crops, hue=hue)


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
    b, c, s, h = (np.broadcast_to(of, len(crops)) for of in (brightness, contrast, saturation, hue))
    spread = s[:, None, None]
    saturated = spread * np.eye(3) + (1 - spread) * np.broadcast_to(LUMA, (3, 3))
    matrices = (b * c)[:, None, None] * _product(_turns(np.deg2rad(h)), saturated)
    offsets = np.zeros((len(crops), 3))
    if (c != 1).any():
        greys = np.array([cv2.mean(crop)[:3] for crop in crops]).reshape(-1, 3)
        offsets += ((1 - c) * b * (greys * LUMA).sum(axis=1))[:, None]
    return mix(crops, matrices, offsets)


def _product(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    # Not by BLAS, which adds up in another order on another processor.
    return (left[:, :, :, None] * right[:, None, :, :]).sum(axis=2)


def _turns(angles: np.ndarray) -> np.ndarray:
    """Rotations by angles (N,) in radians about (1, 1, 1), by Rodrigues' formula; (N, 3, 3)."""
    about = np.array([[0, -1, 1], [1, 0, -1], [-1, 1, 0]]) / np.sqrt(3)
    cosine, sine = (of[:, None, None] for of in (np.cos(angles), np.sin(angles)))
    return cosine * np.eye(3) + (1 - cosine) / 3 + sine * about


def draw_gamma(keys: np.ndarray, strength: float) -> Parameters:
    """Draw the binary logarithm of each exponent, in steps of 1/64.

    Strength: largest exponent; its inverse is the smallest, 1.05 to 4, 1.5 by default.
    """
    return {"steps": whole_steps(keys, 0, float(np.log2(strength)), STEPS)}


def bend(crops: np.ndarray, steps: np.ndarray) -> np.ndarray:
    """Raise every value, as a share of 255, to a power: a camera's gamma."""
    out = np.empty_like(crops)
    for image, step, target in zip(crops, steps.tolist(), out, strict=True):
        cv2.LUT(image, _curve(step), dst=target)
    return out


@cache
def _curve(step: int) -> np.ndarray:
    return np.rint(255 * (np.arange(256) / 255) ** 2 ** (step / STEPS)).astype(np.uint8)


_TELLEZ = "Tellez et al. 2019, doi:10.1016/j.media.2019.101544"
OPERATIONS = {
    "brightness": Operation(draw_brightness, brighten, _TELLEZ, CHANGE),
    "contrast": Operation(draw_contrast, stretch, _TELLEZ, CHANGE),
    "saturation": Operation(draw_saturation, saturate, _TELLEZ, CHANGE),
    "hue": Operation(draw_hue, turn, _TELLEZ, HUE),
    "color": Operation(draw_color, jitter, "Howard 2013, arXiv:1312.5402", COLOR),
    "gamma": Operation(draw_gamma, bend, "Poynton 2012, ISBN 978-0-12-391926-7, ch. 27", GAMMA),
}
