"""From the PNG of a field to square crops of its nuclei."""

import io
import struct
import zlib

import cv2
import numpy as np
from PIL import Image, PngImagePlugin

from nuclei.errors import InputError

LARGEST = Image.MAX_IMAGE_PIXELS or 0  # pixels that Pillow holds safe to decode
# What Pillow raises on a damaged file.
_DAMAGE = (OSError, SyntaxError, LookupError, ValueError, EOFError, struct.error, zlib.error)


def decode(content: bytes, file: str) -> np.ndarray:
    """Decode a PNG.

    Args:
        content: the file.
        file: its name, for messages.

    Returns:
        uint8 (H, W, 3), RGB.

    Raises:
        InputError: not a whole PNG, more pixels than Pillow holds safe, or pixels other than
            8-bit RGB; an alpha channel is dropped if it is opaque throughout.
    """
    try:
        # The PNG reader itself: Image.open would take other formats and warn about size globally.
        image = PngImagePlugin.PngImageFile(io.BytesIO(content))
        # The raw mode tells 16-bit channels, which Pillow would silently cut down, from 8-bit.
        mode = image.tile[0].args if image.tile else "no"
        if "transparency" in image.info:
            mode = f"{mode} partly transparent"
        if image.width * image.height > LARGEST:
            raise InputError(
                f"{file}: {image.width} × {image.height} pixels; valid: at most {LARGEST:,}"
            )
        pixels = np.asarray(image)
    except _DAMAGE as error:
        raise InputError(f"{file}: not a whole PNG: {' '.join(str(error).split())}") from None
    opaque = mode == "RGBA" and bool((pixels[..., 3] == 255).all())
    if mode != "RGB" and not opaque:
        raise InputError(
            f"{file}: PNG with {mode} pixels; valid: 8-bit RGB, or RGBA opaque throughout"
        )
    return np.ascontiguousarray(pixels[..., :3])


def extract_patches(
    image: np.ndarray, centres: np.ndarray, microns: float, microns_per_pixel: float, side: int
) -> np.ndarray:
    """Cut the same window around every nucleus, whatever its size, so that size stays visible.

    The window is rounded to whole pixels of the field, reflected at the field's edge, and scaled
    to `side` by area where that shrinks it, else bilinearly.

    Args:
        image: uint8 (H, W, 3).
        centres: float (n, 2), x and y in pixels, inside the image.
        microns: side of the window.
        microns_per_pixel: scale of the image.
        side: pixels of a crop.

    Returns:
        uint8 (n, side, side, 3).
    """
    width = max(1, round(microns / microns_per_pixel))
    margin = width // 2 + 1
    padded = cv2.copyMakeBorder(image, margin, margin, margin, margin, cv2.BORDER_REFLECT)
    starts = np.floor(np.asarray(centres).reshape(-1, 2) - width / 2 + 0.5).astype(int) + margin
    crops = np.empty((len(starts), side, side, 3), np.uint8)
    for crop, (left, top) in zip(crops, starts, strict=True):
        crop[:] = resize(padded[top : top + width, left : left + width], side)
    return crops


def resize(image: np.ndarray, side: int) -> np.ndarray:
    """Scale uint8 (H, W, 3) to (side, side, 3), by area where that shrinks it, else bilinearly."""
    shrinks = min(image.shape[:2]) >= side
    return cv2.resize(
        image, (side, side), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    )
