"""Operations that do what optics, cameras and scanners do: blur, sharpen, jpeg, noise."""

from functools import cache
from statistics import NormalDist

import cv2
import numpy as np

from nuclei.augmentation.operation import Operation, Parameters, Strength
from nuclei.core.draws import bits, uniform

QUALITY = "lowest quality, where 95 is the highest"
HIGHEST_QUALITY = 95
SKIPPED = 12  # words, as in the seeding of SFC64's author
ACCURATE = cv2.ALGO_HINT_ACCURATE  # on bytes a Gaussian in fixed point, the same everywhere
STEPS = 64  # of the detail, so that every sum is exact


def draw_deviations(keys: np.ndarray, strength: float) -> Parameters:
    """Draw each Gaussian's standard deviation, in pixels, uniform from 0."""
    return {"deviation": uniform(keys, 0, 0, strength)}


def blur(crops: np.ndarray, deviation: np.ndarray) -> np.ndarray:
    """Blur by Gaussians with these standard deviations, in pixels."""
    out = crops.copy()
    radii = np.ceil(2.5 * deviation).astype(int)
    for i in np.flatnonzero(deviation > 0.2):  # less than that changes no byte
        size = 2 * int(radii[i]) + 1
        cv2.GaussianBlur(crops[i], (size, size), deviation[i], dst=out[i], hint=ACCURATE)
    return out


def draw_details(keys: np.ndarray, strength: float) -> Parameters:
    """Draw the share of the detail that is added, uniform from 0, in steps of 1/64."""
    most = np.floor(strength / 100 * STEPS)
    return {"detail": np.floor(uniform(keys, 0, 0, most + 1)) / STEPS}


def sharpen(crops: np.ndarray, detail: np.ndarray) -> np.ndarray:
    """Add a share of the detail, which is what a blur of 3 × 3 pixels takes away."""
    out = np.empty_like(crops)
    for image, share, target in zip(crops, detail.tolist(), out, strict=True):
        smooth = cv2.GaussianBlur(image, (3, 3), 0, hint=ACCURATE)
        cv2.addWeighted(image, 1 + share, smooth, -share, 0, dst=target)
    return out


def draw_qualities(keys: np.ndarray, strength: float) -> Parameters:
    """Draw each picture's quality, a whole number, uniform up to 95."""
    return {"quality": np.floor(uniform(keys, 0, strength, HIGHEST_QUALITY + 1)).astype(int)}


def compress(crops: np.ndarray, quality: np.ndarray) -> np.ndarray:
    """Compress to JPEG and decompress."""
    out = np.empty_like(crops)
    for image, number, target in zip(crops, quality.tolist(), out, strict=True):
        blue_first = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
        _, packed = cv2.imencode(".jpg", blue_first, [cv2.IMWRITE_JPEG_QUALITY, number])
        target[:] = cv2.imdecode(packed, cv2.IMREAD_COLOR_RGB)
    return out


def draw_noise(keys: np.ndarray, strength: float) -> Parameters:
    """Draw the seed of each nucleus's noise field."""
    return {"seeds": bits(keys, 0), "deviation": np.full(len(keys), strength / 100 * 255)}


def add_noise(crops: np.ndarray, seeds: np.ndarray, deviation: np.ndarray) -> np.ndarray:
    """Add Gaussian noise to every pixel.

    Its bits come from SFC64 (Doty-Humphrey 2010, of PractRand), which NumPy never changes. The
    first words, too near to the seed, are skipped.
    """
    size = crops[0].size if len(crops) else 0
    out = np.empty_like(crops)
    generator = np.random.SFC64(0)
    state = generator.state  # set for each nucleus: a new generator takes longer than its numbers
    for image, seed, spread, target in zip(crops, seeds, deviation.tolist(), out, strict=True):
        state["state"]["state"][:] = seed, 0, 0, 1
        generator.state = state
        words = generator.random_raw(SKIPPED + -(-size // 4))[SKIPPED:]
        numbers = words.view(np.uint16)[:size].reshape(image.shape)
        cv2.add(image, cv2.LUT(numbers, _quantiles(spread)), dst=target, dtype=cv2.CV_8U)
    return out


@cache
def _quantiles(deviation: float) -> np.ndarray:
    normal = NormalDist(0, deviation)
    return np.array([round(normal.inv_cdf((i + 0.5) / 2**16)) for i in range(2**16)], np.int16)


OPERATIONS = {
    "blur": Operation(
        "Blur as a lens does that is a little out of focus.",
        draw_deviations,
        blur,
        "Tellez et al. 2019, doi:10.1016/j.media.2019.101544",
        Strength("largest standard deviation of the Gaussian", "pixels", 0.5, 5, 1),
    ),
    "sharpen": Operation(
        "Add detail, which is what a blur of 3 × 3 pixels takes away.",
        draw_details,
        sharpen,
        "Cubuk et al. 2019, arXiv:1805.09501: Sharpness",
        Strength("largest share of the detail that is added", "%", 10, 500, 100),
    ),
    "jpeg": Operation(
        "Compress and decompress as slide scanners do.",
        draw_qualities,
        compress,
        "Vu et al. 2023, arXiv:2301.03418",
        Strength(QUALITY, "of 100", 5, 94, 50, whole=True, weakens=True),
    ),
    "noise": Operation(
        "Add Gaussian noise to every pixel.",
        draw_noise,
        add_noise,
        "the notebook's future work",
        Strength("standard deviation", "% of the range", 1, 50, 5),
    ),
}
