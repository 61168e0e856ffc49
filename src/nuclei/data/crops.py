"""From the bytes of an image to square crops of its nuclei."""

import io
import struct
import zlib
from collections.abc import Callable
from pathlib import PurePath
from typing import NamedTuple

import cv2
import numpy as np
from PIL import Image, ImageFile, JpegImagePlugin, PngImagePlugin, TiffImagePlugin

from nuclei.core.errors import InputError

LARGEST = Image.MAX_IMAGE_PIXELS or 0  # pixels that Pillow holds safe to decode
# What Pillow raises on a damaged file.
DAMAGE = (
    *(OSError, SyntaxError, LookupError, ValueError, EOFError, struct.error, zlib.error),
    *(TypeError, AttributeError, OverflowError, ZeroDivisionError),
)


class Kind(NamedTuple):
    """A kind of image: its name, its files' first bytes and endings, and Pillow's reader."""

    name: str
    first_bytes: tuple[bytes, ...]
    endings: tuple[str, ...]
    # The reader itself: Image.open would take other formats and warn about size globally.
    reader: Callable[[io.BytesIO], ImageFile.ImageFile]


TIFF = Kind(
    "TIFF",
    (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"),
    (".tif", ".tiff"),
    TiffImagePlugin.TiffImageFile,
)
KINDS = (
    Kind("PNG", (b"\x89PNG\r\n\x1a\n",), (".png",), PngImagePlugin.PngImageFile),
    Kind("JPEG", (b"\xff\xd8\xff",), (".jpg", ".jpeg"), JpegImagePlugin.JpegImageFile),
    TIFF,
)
ENDINGS = tuple(ending for kind in KINDS for ending in kind.endings)


def kind_of(content: bytes, file: str) -> Kind:
    """Tell the kind of an image by its first bytes, or by its name where they are of none.

    Raises:
        InputError: neither tells.
    """
    ending = PurePath(file).suffix.lower()
    of_bytes = [kind for kind in KINDS if content.startswith(kind.first_bytes)]
    found = of_bytes or [kind for kind in KINDS if ending in kind.endings]
    if not found:
        names = ", ".join(kind.name for kind in KINDS)
        raise InputError(f"{file}: an image of no known kind; valid: {names}")
    return found[0]


def decode(content: bytes, file: str) -> np.ndarray:
    """Decode a PNG, a JPEG or a TIFF; of a TIFF of several pages, the first.

    Args:
        content: the file.
        file: its name, for messages.

    Returns:
        uint8 (H, W, 3), RGB.

    Raises:
        InputError: not a whole image of these kinds, more pixels than Pillow holds safe, or
            pixels other than 8-bit RGB; an alpha channel is dropped if it is opaque throughout.
    """
    kind = kind_of(content, file)
    try:
        image = kind.reader(io.BytesIO(content))
        mode = _raw_mode(image)
        if image.width * image.height > LARGEST:
            raise InputError(
                f"{file}: {image.width} × {image.height} pixels; valid: at most {LARGEST:,}"
            )
        pixels = np.asarray(image)
    except DAMAGE as error:
        why = " ".join(str(error).split())
        raise InputError(f"{file}: not a whole {kind.name}: {why}") from None
    opaque = mode in ("RGBA", "RGBa") and bool((pixels[..., 3] == 255).all())
    if mode != "RGB" and not opaque:
        raise InputError(
            f"{file}: {kind.name} with {mode} pixels; valid: 8-bit RGB, or RGBA opaque throughout"
        )
    return np.ascontiguousarray(pixels[..., :3])


def _raw_mode(image: ImageFile.ImageFile) -> str:
    """Tell 16-bit channels, which Pillow would silently cut down, from 8-bit."""
    # Of a TIFF whose channels lie one after the other, each has a mode of its own.
    modes = [
        part.args[0] if isinstance(part.args, tuple) else str(part.args) for part in image.tile
    ]
    mode = "".join(dict.fromkeys(modes)) or "no"
    return f"{mode} partly transparent" if "transparency" in image.info else mode


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
