"""Images of any kind, slides too: their size and scale, and windows cut from where nuclei are."""

import io
import math
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import TiffImagePlugin

from nuclei.core.errors import InputError
from nuclei.data import crops, slides
from nuclei.data.slides import Level

ENDINGS = (*crops.ENDINGS, *slides.ENDINGS)
SQUARE = 1.02  # sides of a pixel that differ by less are measured, not meant
TILE = 2048  # side of a part of a slide's level that is read at once, in pixels
TOGETHER = 4096  # nuclei that are cut at once
# Levels are rarely an exact fraction of the slide: one of 4.0005 will do where 4 is wanted.
NEARLY = 1.01

Run = Callable[[Callable[[np.ndarray], np.ndarray], Iterable[np.ndarray]], Iterable[np.ndarray]]


class OpenImage(NamedTuple):
    """An image, or a slide of which only what is needed is read."""

    name: str
    width: int
    height: int
    pixel: slides.Pixel
    levels: tuple[Level, ...]  # the finest, of the image's own size, first
    read: slides.Read
    is_slide: bool


def open_image(path: Path, name: str) -> OpenImage:
    """Open a PNG, JPEG or TIFF, which is decoded, or a slide.

    A slide is told by the ending of its name, and where that is of a TIFF, by its format: one
    that OpenSlide knows.

    Args:
        path: the file.
        name: its name, for messages.

    Raises:
        InputError: the file is no such image, or cannot be read, or OpenSlide is needed and not
            installed.
    """
    try:
        is_slide = slides.is_slide(path, name)
        content = b"" if is_slide else path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from None
    if is_slide:
        levels, pixel, read = slides.open_slide(path, name)
    else:
        pixels = crops.decode(content, name)
        height, width = pixels.shape[:2]
        levels, read = (Level(width, height, 1.0),), partial(_part, pixels)
        pixel = _pixel(content) if crops.kind_of(content, name) is crops.TIFF else None
    return OpenImage(name, levels[0].width, levels[0].height, pixel, levels, read, is_slide)


def scale(image: OpenImage, remedy: str) -> float:
    """Tell how many microns a pixel of an image measures, by the image itself.

    Args:
        image: the image.
        remedy: what else can say it, for messages.

    Raises:
        InputError: the image does not say it, or its pixels are not square.
    """
    if image.pixel is None:
        raise InputError(f"{image.name}: does not say its microns per pixel; valid: {remedy}")
    least, most = sorted(image.pixel)
    if most > SQUARE * least:
        raise InputError(
            f"{image.name}: pixels of {image.pixel[0]:g} × {image.pixel[1]:g} microns; valid: "
            f"square ones, or {remedy}"
        )
    return (least + most) / 2


def windows(
    image: OpenImage,
    centres: np.ndarray,
    microns: float,
    microns_per_pixel: float,
    side: int,
    run: Run = map,
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Cut the same window around every nucleus, tile by tile, as `crops.extract_patches` does.

    Of a slide, the coarsest level is read whose pixels are no larger than those of a crop.

    Args:
        image: of `open_image`.
        centres: float (n, 2), x and y in pixels of the image, inside it.
        microns: side of the window.
        microns_per_pixel: scale of the image.
        side: pixels of a crop.
        run: how tiles are cut: `map`, or what does the same side by side.

    Yields:
        Positions of nuclei in `centres`, and their crops, uint8 (n, side, side, 3). Together the
        positions are those of all nuclei; of a plain image, in their order.

    Raises:
        InputError: a part of a slide cannot be read, or is too large to be.
    """
    number = _level(image, microns / microns_per_pixel / side)
    level = image.levels[number]
    size = np.array([level.width, level.height])
    at = np.asarray(centres, float).reshape(-1, 2) / level.downsample
    # What lies inside the image may else lie just outside a level, whose size is rounded.
    at = np.minimum(at, np.nextafter(size, 0))
    of_level = microns_per_pixel * level.downsample
    reach = microns / of_level / 2 + 2

    def cut(positions: np.ndarray) -> np.ndarray:
        # An edge that is not the image's own is beyond what any window shows or reflects.
        low = np.maximum(at[positions].min(axis=0) - reach, 0).astype(int)
        high = np.minimum(at[positions].max(axis=0) + reach, size).astype(int)
        (left, top), (width, height) = low.tolist(), (high - low).tolist()
        pixels = image.read(number, left, top, width, height)
        return crops.extract_patches(pixels, at[positions] - low, microns, of_level, side)

    parts = list(_by_tile(at // (TILE if image.is_slide else math.inf)))
    yield from zip(parts, run(cut, parts), strict=True)


def whole(image: OpenImage, side: int) -> np.ndarray:
    """Scale a whole image, uint8 (side, side, 3)."""
    number = _level(image, min(image.width, image.height) / side)
    level = image.levels[number]
    return crops.resize(image.read(number, 0, 0, level.width, level.height), side)


def _level(image: OpenImage, downsample: float) -> int:
    """Find the coarsest level that is, nearly, no coarser than wanted."""
    fit = [n for n, level in enumerate(image.levels) if level.downsample <= NEARLY * downsample]
    return max(fit, key=lambda n: image.levels[n].downsample, default=0)


def _by_tile(tiles: np.ndarray) -> Iterator[np.ndarray]:
    """Yield the positions of the nuclei of every tile, given the column and row of each."""
    order = np.lexsort(tiles.T)
    changes = np.flatnonzero(np.diff(tiles[order], axis=0).any(axis=1)) + 1
    for of_tile in np.split(order, changes):
        for start in range(0, len(of_tile), TOGETHER):
            yield of_tile[start : start + TOGETHER]


def _part(
    pixels: np.ndarray, level: int, left: int, top: int, width: int, height: int
) -> np.ndarray:
    return pixels[top : top + height, left : left + width]


def _pixel(content: bytes) -> slides.Pixel:
    """Read the sides of a pixel in microns from the tags of a TIFF that has been decoded."""
    tags = TiffImagePlugin.TiffImageFile(io.BytesIO(content)).tag_v2
    unit = {2: slides.INCH, 3: slides.CENTIMETER}.get(tags.get(TiffImagePlugin.RESOLUTION_UNIT, 2))
    x, y = (tags.get(tag) for tag in (TiffImagePlugin.X_RESOLUTION, TiffImagePlugin.Y_RESOLUTION))
    return slides.pixel_of(x, y, unit) if unit else None
