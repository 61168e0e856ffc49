"""From the bytes of an image to square crops of its nuclei.

`source` is an image file or its content, `file` what messages call it.
"""

import io
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePath

import cv2
import numpy as np
from PIL import Image, ImageFile, UnidentifiedImageError

from nuclei.core.errors import InputError

TIFF_ENDINGS = (".tif", ".tiff")
FORMATS = {"PNG": (".png",), "JPEG": (".jpg", ".jpeg"), "TIFF": TIFF_ENDINGS}  # Pillow's names
ENDINGS = tuple(ending for endings in FORMATS.values() for ending in endings)
# Pillow's own limit against decompression bombs. `opened` holds it instead, for all of Pillow's
# check is a warning that names no file, and up to twice that size it goes on.
LARGEST = 1024**3 // 4 // 3  # pixels
Image.MAX_IMAGE_PIXELS = None
# What Pillow raises on a damaged file.
DAMAGE = (
    *(OSError, SyntaxError, LookupError, ValueError, EOFError, struct.error, zlib.error),
    *(TypeError, AttributeError, OverflowError, ZeroDivisionError),
)


@contextmanager
def opened(source: Path | io.BytesIO, file: str) -> Iterator[ImageFile.ImageFile]:
    """Open a PNG, a JPEG or a TIFF, whatever its name says; its pixels are not decoded yet.

    InputError if it is no such image or, found out while it is open, not a whole one; has more
    pixels than `LARGEST`; or its pixels are not 8-bit RGB or RGBA.
    """
    ending = PurePath(file).suffix.lower()
    kind = next((name for name, endings in FORMATS.items() if ending in endings), None)
    try:
        with Image.open(source, formats=tuple(FORMATS)) as image:
            kind = image.format or kind
            if image.width * image.height > LARGEST:
                size = f"{image.width} × {image.height}"
                raise InputError(f"{file}: {size} pixels; valid: at most {LARGEST:,}")
            if (mode := _raw_mode(image)) not in ("RGB", "RGBA", "RGBa"):
                raise _wrong_mode(file, kind, mode)
            yield image
    except UnidentifiedImageError:
        whole = f"not a whole {kind}: its header cannot be read"
        valid = f"an image of no known kind; valid: {', '.join(FORMATS)}"
        raise InputError(f"{file}: {whole if kind else valid}") from None
    except DAMAGE as error:
        why = " ".join(str(error).split())
        raise InputError(f"{file}: not a whole {kind}: {why}") from None


def decode(source: Path | io.BytesIO, file: str) -> np.ndarray:
    """Decode the first page to RGB, uint8 (H, W, 3); InputError as `opened`, or if not opaque."""
    with opened(source, file) as image:
        kind, pixels = image.format, np.asarray(image)
    if pixels.shape[2] == 4 and not (pixels[..., 3] == 255).all():
        raise _wrong_mode(file, kind, "RGBA")
    return np.ascontiguousarray(pixels[..., :3])


def _raw_mode(image: ImageFile.ImageFile) -> str:
    """Return the mode in which pixels are stored: Pillow silently cuts 16-bit channels to 8."""
    # A TIFF whose channels lie one after the other has a mode for each of them.
    args = [part.args for part in image.tile]
    modes = [mode[0] if isinstance(mode, tuple) else str(mode) for mode in args]
    mode = "".join(dict.fromkeys(modes)) or "no"
    return f"{mode} partly transparent" if "transparency" in image.info else mode


def _wrong_mode(file: str, kind: str | None, mode: str) -> InputError:
    valid = "8-bit RGB, or RGBA opaque throughout"
    return InputError(f"{file}: {kind} with {mode} pixels; valid: {valid}")


def extract_patches(
    image: np.ndarray, centres: np.ndarray, window_um: float, mpp: float, side: int
) -> np.ndarray:
    """Cut the same window around every nucleus, whatever its size, so that size stays visible.

    The window is rounded to whole pixels, reflected at the image's edge, and resized. image: uint8
    (H, W, 3); centres: float (n, 2), x and y in pixels; crops: uint8 (n, side, side, 3).
    """
    width = max(1, round(window_um / mpp))
    margin = width // 2 + 1
    padded = cv2.copyMakeBorder(image, margin, margin, margin, margin, cv2.BORDER_REFLECT)
    corners = np.floor(np.asarray(centres).reshape(-1, 2) - width / 2 + 0.5).astype(int) + margin
    crops = np.empty((len(corners), side, side, 3), np.uint8)
    for crop, (left, top) in zip(crops, corners, strict=True):
        crop[:] = resize(padded[top : top + width, left : left + width], side)
    return crops


def resize(image: np.ndarray, side: int) -> np.ndarray:
    """Resize uint8 (H, W, 3) to (side, side, 3): by area if that shrinks it, else bilinearly."""
    method = cv2.INTER_AREA if min(image.shape[:2]) >= side else cv2.INTER_LINEAR
    return cv2.resize(image, (side, side), interpolation=method)
