"""Operations that move whole pixels, or scale a window: none, crop, flip, dihedral, shift."""

import cv2
import numpy as np

from nuclei.augmentation.operation import Operation, Parameters, Strength, draw_around, draw_coins
from nuclei.core.draws import uniform


def draw_windows(keys: np.ndarray, strength: float) -> Parameters:
    """Draw where each window lies, from 0 (left, top) to 1 (right, bottom) of the room it has."""
    enlargement = np.full(len(keys), strength)
    return {"left": uniform(keys, 0), "top": uniform(keys, 1), "enlargement": enlargement}


def crop(
    crops: np.ndarray, left: np.ndarray, top: np.ndarray, enlargement: np.ndarray
) -> np.ndarray:
    """Cut a window out of each crop and scale it to the crop's side."""
    side = crops.shape[1]
    window = np.round(side / enlargement)
    corners = (np.floor(share * (side - window + 1)) for share in (left, top))
    columns, rows, windows = (numbers.astype(int).tolist() for numbers in (*corners, window))
    out = np.empty_like(crops)
    for image, x, y, size, target in zip(crops, columns, rows, windows, out, strict=True):
        part = image[y : y + size, x : x + size]
        cv2.resize(part, (side, side), dst=target, interpolation=cv2.INTER_LINEAR)
    return out


def flip(crops: np.ndarray, horizontal: np.ndarray, vertical: np.ndarray) -> np.ndarray:
    """Mirror the crops that are `horizontal` left-right, those that are `vertical` top-bottom."""
    out = crops.copy()
    # OpenCV's code of a flip: 1 left-right, 0 top-bottom, -1 both.
    flip_codes = np.where(vertical, np.where(horizontal, -1, 0), 1)
    for i in np.flatnonzero(horizontal | vertical):
        cv2.flip(crops[i], int(flip_codes[i]), dst=out[i])
    return out


def dihedral(
    crops: np.ndarray, transposed: np.ndarray, horizontal: np.ndarray, vertical: np.ndarray
) -> np.ndarray:
    """Transpose the crops that are `transposed`, then flip: the square's eight symmetries."""
    turned = crops.copy()
    for i in np.flatnonzero(transposed):
        cv2.transpose(crops[i], dst=turned[i])
    return flip(turned, horizontal, vertical)


def shift(crops: np.ndarray, right: np.ndarray, down: np.ndarray) -> np.ndarray:
    """Move by shares of the side, rounded to whole pixels; what comes in is reflected."""
    side = crops.shape[1]
    columns, rows = (np.rint(share * side).astype(int).tolist() for share in (right, down))
    out = np.empty_like(crops)
    for image, x, y, target in zip(crops, columns, rows, out, strict=True):
        kept = image[max(-y, 0) : side - max(y, 0), max(-x, 0) : side - max(x, 0)]
        around = max(y, 0), max(-y, 0), max(x, 0), max(-x, 0)
        cv2.copyMakeBorder(kept, *around, cv2.BORDER_REFLECT, dst=target)
    return out


OPERATIONS = {
    "none": Operation(
        "Change nothing: the baseline, with which the others are compared.",
        draw_coins(),
        lambda crops: crops,
        "the baseline",
    ),
    "crop": Operation(
        "Cut a window anywhere in the crop and scale it back to the crop's side.",
        draw_windows,
        crop,
        "the notebook's RandomCrop(60) of 90 pixels",
        Strength("enlargement of the window that is cut", "times", 1.1, 4, 1.5),
    ),
    "flip": Operation(
        "Mirror left-right for half of the nuclei, top-bottom for half of them.",
        draw_coins("horizontal", "vertical"),
        flip,
        "the notebook's RandomFlip",
    ),
    "dihedral": Operation(
        "Turn and mirror by one of the square's eight symmetries.",
        draw_coins("transposed", "horizontal", "vertical"),
        dihedral,
        "Cohen & Welling 2016, arXiv:1602.07576: the group p4m's",
    ),
    "shift": Operation(
        "Move by whole pixels, what comes in reflected: one of the two effects of crop.",
        draw_around(0, "right", "down"),
        shift,
        "Simard et al. 2003, doi:10.1109/ICDAR.2003.1227801",
        Strength("largest shift either way", "% of the side", 3, 50, 17),
    ),
}
