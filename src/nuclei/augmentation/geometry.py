"""Operations that move whole pixels, or scale a window: none, crop, flip, dihedral, shift."""

import cv2
import numpy as np

from nuclei.augmentation.operation import Operation, Parameters, Strength, draw_nothing
from nuclei.core.draws import uniform

CROP = Strength("enlargement of the window that is cut", "times", 1.1, 4, 1.5)
SHIFT = Strength("largest shift either way", "% of the side", 3, 50, 17)


def keep(crops: np.ndarray) -> np.ndarray:
    """Change nothing: the arm that the others are compared with."""
    return crops


def draw_windows(keys: np.ndarray, strength: float) -> Parameters:
    """Draw where each window lies, from 0 (left, top) to 1 (right, bottom) of the room it has.

    Strength: enlargement of the window that is cut, 1.1 to 4 times, 1.5 by default.
    """
    enlarged = np.full(len(keys), strength)
    return {"left": uniform(keys, 0), "top": uniform(keys, 1), "enlargement": enlarged}


def crop(
    crops: np.ndarray, left: np.ndarray, top: np.ndarray, enlargement: np.ndarray
) -> np.ndarray:
    """Cut a window anywhere in the crop and scale it back to the crop's side."""
    side = crops.shape[1]
    window = np.round(side / enlargement)
    at = (np.floor(share * (side - window + 1)) for share in (left, top))
    columns, rows, windows = (numbers.astype(int).tolist() for numbers in (*at, window))
    out = np.empty_like(crops)
    for image, x, y, size, target in zip(crops, columns, rows, windows, out, strict=True):
        part = image[y : y + size, x : x + size]
        cv2.resize(part, (side, side), dst=target, interpolation=cv2.INTER_LINEAR)
    return out


def draw_flips(keys: np.ndarray) -> Parameters:
    """Draw whether to mirror left-right and whether to mirror top-bottom, each with p = 0.5."""
    return {"horizontal": uniform(keys, 0) < 0.5, "vertical": uniform(keys, 1) < 0.5}


def flip(crops: np.ndarray, horizontal: np.ndarray, vertical: np.ndarray) -> np.ndarray:
    """Mirror left-right for half of the nuclei, top-bottom for half of them."""
    out = crops.copy()
    # OpenCV's code of a flip: 1 left-right, 0 top-bottom, -1 both.
    flip_codes = np.where(vertical, np.where(horizontal, -1, 0), 1)
    for i in np.flatnonzero(horizontal | vertical):
        cv2.flip(crops[i], int(flip_codes[i]), dst=out[i])
    return out


def draw_symmetries(keys: np.ndarray) -> Parameters:
    """Draw one of the square's eight symmetries, p = 1/8 each, as three fair choices."""
    return {"transposed": uniform(keys, 0) < 0.5} | {
        name: uniform(keys, index) < 0.5 for index, name in ((1, "horizontal"), (2, "vertical"))
    }


def dihedral(
    crops: np.ndarray, transposed: np.ndarray, horizontal: np.ndarray, vertical: np.ndarray
) -> np.ndarray:
    """Turn and mirror by one of the square's eight symmetries."""
    turned = crops.copy()
    for i in np.flatnonzero(transposed):
        cv2.transpose(crops[i], dst=turned[i])
    return flip(turned, horizontal, vertical)


def draw_shifts(keys: np.ndarray, strength: float) -> Parameters:
    """Draw how far each nucleus moves to the right and down, in shares of the side.

    Strength: largest shift either way, 3 to 50 % of the side, 17 by default.
    """
    most = strength / 100
    return {"right": uniform(keys, 0, -most, most), "down": uniform(keys, 1, -most, most)}


def shift(crops: np.ndarray, right: np.ndarray, down: np.ndarray) -> np.ndarray:
    """Move by whole pixels, what comes in reflected: one of the two effects of crop."""
    side = crops.shape[1]
    columns, rows = (np.rint(share * side).astype(int).tolist() for share in (right, down))
    out = np.empty_like(crops)
    for image, x, y, target in zip(crops, columns, rows, out, strict=True):
        kept = image[max(-y, 0) : side - max(y, 0), max(-x, 0) : side - max(x, 0)]
        around = max(y, 0), max(-y, 0), max(x, 0), max(-x, 0)
        cv2.copyMakeBorder(kept, *around, cv2.BORDER_REFLECT, dst=target)
    return out


OPERATIONS = {
    "none": Operation(draw_nothing, keep, "the arm to compare with"),
    "crop": Operation(draw_windows, crop, "the notebook's RandomCrop(60) of 90 pixels", CROP),
    "flip": Operation(draw_flips, flip, "the notebook's RandomFlip"),
    "dihedral": Operation(
        draw_symmetries, dihedral, "Cohen & Welling 2016, arXiv:1602.07576: the group p4m's"
    ),
    "shift": Operation(
        draw_shifts, shift, "Simard et al. 2003, doi:10.1109/ICDAR.2003.1227801", SHIFT
    ),
}
