"""Operations that do what optics and scanners do: blur, sharpen, jpeg."""

import cv2
import numpy as np

from nuclei.augmentation.operation import Operation, Parameters, Strength
from nuclei.core.draws import uniform

BLUR = Strength("largest standard deviation of the Gaussian", "pixels", 0.5, 5, 1)
SHARPEN = Strength("largest share of the detail that is added", "%", 10, 500, 100)
JPEG = Strength("lowest quality, where 95 is the highest", "of 100", 5, 94, 50, whole=True)
HIGHEST_QUALITY = 95
STEPS = 64  # of the detail, so that every sum is exact


def draw_deviations(keys: np.ndarray, strength: float) -> Parameters:
    """Draw each Gaussian's standard deviation, in pixels, uniform from 0.

    Strength: largest standard deviation of the Gaussian, 0.5 to 5 pixels, 1 by default.
    """
    return {"deviation": uniform(keys, 0, 0, strength)}


def blur(crops: np.ndarray, deviation: np.ndarray) -> np.ndarray:
    """Blur as a lens does that is a little out of focus."""
    out = crops.copy()
    radii = np.ceil(2.5 * deviation).astype(int)
    for i in np.flatnonzero(deviation > 0.2):  # less than that changes no byte
        size = 2 * int(radii[i]) + 1
        # On bytes OpenCV's accurate Gaussian is in fixed point: the same on every processor.
        hint = cv2.ALGO_HINT_ACCURATE
        cv2.GaussianBlur(crops[i], (size, size), float(deviation[i]), dst=out[i], hint=hint)
    return out


def draw_details(keys: np.ndarray, strength: float) -> Parameters:
    """Draw the share of the detail that is added, uniform from 0, in steps of 1/64.

    Strength: largest share of the detail that is added, 10 to 500 %, 100 by default.
    """
    most = np.floor(strength / 100 * STEPS)
    return {"detail": np.floor(uniform(keys, 0, 0, most + 1)) / STEPS}


def sharpen(crops: np.ndarray, detail: np.ndarray) -> np.ndarray:
    """Add detail, which is what a blur of 3 × 3 pixels takes away."""
    out = np.empty_like(crops)
    for image, share, target in zip(crops, detail.tolist(), out, strict=True):
        smooth = cv2.GaussianBlur(image, (3, 3), 0, hint=cv2.ALGO_HINT_ACCURATE)
        cv2.addWeighted(image, 1 + share, smooth, -share, 0, dst=target)
    return out


def draw_qualities(keys: np.ndarray, strength: float) -> Parameters:
    """Draw each picture's quality, a whole number, uniform up to 95.

    Strength: lowest quality, where 95 is the highest, 5 to 94 of 100, 50 by default.
    """
    return {"quality": np.floor(uniform(keys, 0, strength, HIGHEST_QUALITY + 1)).astype(int)}


def compress(crops: np.ndarray, quality: np.ndarray) -> np.ndarray:
    """Compress and decompress as slide scanners do."""
    out = np.empty_like(crops)
    for image, number, target in zip(crops, quality.tolist(), out, strict=True):
        blue_first = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
        _, packed = cv2.imencode(".jpg", blue_first, [cv2.IMWRITE_JPEG_QUALITY, number])
        target[:] = cv2.imdecode(packed, cv2.IMREAD_COLOR_RGB)
    return out


OPERATIONS = {
    "blur": Operation(
        draw_deviations, blur, "Tellez et al. 2019, doi:10.1016/j.media.2019.101544", BLUR
    ),
    "sharpen": Operation(
        draw_details, sharpen, "Cubuk et al. 2019, arXiv:1805.09501: Sharpness", SHARPEN
    ),
    "jpeg": Operation(draw_qualities, compress, "Vu et al. 2023, arXiv:2301.03418", JPEG),
}
