"""Images of any kind, slides too: their size and resolution, and crops of their nuclei."""

import math
from collections.abc import Iterator
from functools import cache, partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import ImageFile, TiffImagePlugin

from nuclei.core.errors import InputError
from nuclei.data import crops, slides
from nuclei.data.slides import Level

ENDINGS = (*crops.ENDINGS, *slides.ENDINGS)
SQUARE = 1.02  # sides of a pixel that differ by less are an error of measurement
TILE = 2048  # side of a part of a slide's level that is read at once, in pixels
TOGETHER = 4096  # nuclei that are cut at once
# Levels are rarely an exact fraction of the slide: one of 4.0005 will do where 4 is wanted.
NEARLY = 1.01


class OpenImage(NamedTuple):
    """An image, or a slide of which only what is needed is read. No pixel is read by opening it."""

    name: str
    width: int
    height: int
    pixel: slides.Pixel
    levels: tuple[Level, ...]  # the finest, of the image's own size, first
    read: slides.Read
    is_slide: bool


def open_image(path: Path, name: str) -> OpenImage:
    """Open a PNG, JPEG, TIFF or slide; InputError if it is none, or OpenSlide is not installed.

    Messages call it `name`. Damage of pixels shows when they are read.
    """
    try:
        is_slide = slides.is_slide(path, name)
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from None
    if is_slide:
        levels, pixel, read = slides.open_slide(path, name)
    else:
        with crops.opened(path, name) as image:
            levels = (Level(image.width, image.height, 1.0),)
            pixel = _pixel(image)
        read = _reader(path, name)
    return OpenImage(name, levels[0].width, levels[0].height, pixel, levels, read, is_slide)


def mpp(image: OpenImage, remedy: str) -> float:
    """Return an image's own microns per pixel; InputError with `remedy` if none or not square."""
    if image.pixel is None:
        raise InputError(f"{image.name}: does not say its microns per pixel; valid: {remedy}")
    short, long = sorted(image.pixel)
    if long > SQUARE * short:
        size = "{:g} × {:g}".format(*image.pixel)
        raise InputError(f"{image.name}: pixels of {size} microns; valid: square ones, or {remedy}")
    return (short + long) / 2


def windows(
    image: OpenImage, centres: np.ndarray, window_um: float, mpp: float, side: int
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield positions in `centres`, int64 (n,), and crops as of `extract_patches`, by tile.

    Of a slide, the coarsest level is read whose pixels are no larger than those of a crop. Nuclei
    of a plain image stay in order. InputError if pixels cannot be read, or are too many.
    """
    number = _level(image, window_um / mpp / side)
    level = image.levels[number]
    size = np.array([level.width, level.height])
    on_level = np.asarray(centres, float).reshape(-1, 2) / level.downsample
    # A centre inside the image may lie just outside a level, whose size is rounded.
    on_level = np.minimum(on_level, np.nextafter(size, 0))
    level_mpp = mpp * level.downsample
    reach = window_um / level_mpp / 2 + 2
    for positions in _by_tile(on_level // (TILE if image.is_slide else math.inf)):
        some = on_level[positions]
        # An edge that is not the image's own is beyond what any window shows or reflects.
        low = np.maximum(some.min(axis=0) - reach, 0).astype(int)
        high = np.minimum(some.max(axis=0) + reach, size).astype(int)
        (left, top), (width, height) = low.tolist(), (high - low).tolist()
        pixels = image.read(number, left, top, width, height)
        yield positions, crops.extract_patches(pixels, some - low, window_um, level_mpp, side)


def whole(image: OpenImage, side: int) -> np.ndarray:
    """Resize a whole image to uint8 (side, side, 3)."""
    number = _level(image, min(image.width, image.height) / side)
    level = image.levels[number]
    return crops.resize(image.read(number, 0, 0, level.width, level.height), side)


def _level(image: OpenImage, downsample: float) -> int:
    """Return the number of the coarsest level that is, nearly, no coarser than wanted."""
    fit = [n for n, level in enumerate(image.levels) if level.downsample <= NEARLY * downsample]
    return max(fit, key=lambda n: image.levels[n].downsample, default=0)


def _by_tile(tiles: np.ndarray) -> Iterator[np.ndarray]:
    """Yield the positions of the nuclei of every tile, given the column and row of each."""
    order = np.lexsort(tiles.T)
    changes = np.flatnonzero(np.diff(tiles[order], axis=0).any(axis=1)) + 1
    for positions in np.split(order, changes):
        for start in range(0, len(positions), TOGETHER):
            yield positions[start : start + TOGETHER]


def _reader(path: Path, name: str) -> slides.Read:
    pixels = cache(partial(crops.decode, path, name))
    return lambda _, left, top, width, height: pixels()[top : top + height, left : left + width]


def _pixel(image: ImageFile.ImageFile) -> slides.Pixel:
    """Return the sides of a pixel in microns, if the tags of a TIFF say them."""
    if not isinstance(image, TiffImagePlugin.TiffImageFile):
        return None
    tags = image.tag_v2
    unit = {2: slides.INCH, 3: slides.CENTIMETER}.get(tags.get(TiffImagePlugin.RESOLUTION_UNIT, 2))
    x, y = (tags.get(tag) for tag in (TiffImagePlugin.X_RESOLUTION, TiffImagePlugin.Y_RESOLUTION))
    return slides.pixel_of(x, y, unit) if unit else None
