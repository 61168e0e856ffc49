"""Operations that move pixels: none, crop, rotation, flip."""

from functools import cache

import cv2
import numpy as np

from nuclei.augmentation.operation import Operation, Parameters
from nuclei.draws import uniform

WINDOW = 2 / 3  # of the side: the notebook's RandomCrop(60) of 90 pixels
LARGEST_ANGLE = 36  # degrees either way: the notebook's RandomRotation(0.1), a tenth of a turn
STEPS = 4  # of a degree; so few angles have maps that can be kept
# A remap table holds coordinates in OpenCV's fixed point, 1/32 pixel.
SUBPIXELS = 32


def draw_nothing(keys: np.ndarray) -> Parameters:
    """Draw no parameter."""
    return {}


def keep(crops: np.ndarray) -> np.ndarray:
    """Return the crops as they are: the arm that the others are compared with."""
    return crops


def draw_windows(keys: np.ndarray) -> Parameters:
    """Draw where each window lies, from 0 (left, top) to 1 (right, bottom) of the room it has."""
    return {"left": uniform(keys, 0), "top": uniform(keys, 1)}


def crop(crops: np.ndarray, left: np.ndarray, top: np.ndarray) -> np.ndarray:
    """Cut a window of 2/3 of the side and scale it back (the notebook's RandomCrop)."""
    side = crops.shape[1]
    window = round(side * WINDOW)
    columns, rows = (np.floor(at * (side - window + 1)).astype(int).tolist() for at in (left, top))
    out = np.empty_like(crops)
    for image, x, y, target in zip(crops, columns, rows, out, strict=True):
        part = image[y : y + window, x : x + window]
        cv2.resize(part, (side, side), dst=target, interpolation=cv2.INTER_LINEAR)
    return out


def draw_angles(keys: np.ndarray) -> Parameters:
    """Draw quarters of a degree, uniform in ±36 degrees (the notebook's RandomRotation)."""
    most = LARGEST_ANGLE * STEPS
    return {"quarters": np.floor(uniform(keys, 0, -most, most + 1)).astype(int)}


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


def draw_flips(keys: np.ndarray) -> Parameters:
    """Draw whether to mirror left-right and whether to mirror top-bottom, each with p = 0.5."""
    return {"horizontal": uniform(keys, 0) < 0.5, "vertical": uniform(keys, 1) < 0.5}


def flip(crops: np.ndarray, horizontal: np.ndarray, vertical: np.ndarray) -> np.ndarray:
    """Mirror where drawn (the notebook's RandomFlip)."""
    out = crops.copy()
    # OpenCV's code of a flip: 1 left-right, 0 top-bottom, -1 both.
    flip_codes = np.where(vertical, np.where(horizontal, -1, 0), 1)
    for i in np.flatnonzero(horizontal | vertical):
        cv2.flip(crops[i], int(flip_codes[i]), dst=out[i])
    return out


@cache
def _rotation_maps(side: int, margin: int, quarter: int) -> tuple[np.ndarray, np.ndarray]:
    # In fixed point: unlike warpAffine, remap is then the same on every CPU.
    angle = np.deg2rad(quarter / STEPS)
    y, x = np.mgrid[:side, :side] - (side - 1) / 2
    turned = (np.cos(angle) * x - np.sin(angle) * y, np.sin(angle) * x + np.cos(angle) * y)
    column, row = (np.rint((t + (side - 1) / 2 + margin) * SUBPIXELS).astype(int) for t in turned)
    whole = np.stack([column // SUBPIXELS, row // SUBPIXELS], axis=-1).astype(np.int16)
    rest = (row % SUBPIXELS * SUBPIXELS + column % SUBPIXELS).astype(np.uint16)
    return whole, rest


OPERATIONS = {
    "none": Operation(draw_nothing, keep),
    "crop": Operation(draw_windows, crop),
    "rotation": Operation(draw_angles, rotate),
    "flip": Operation(draw_flips, flip),
}
