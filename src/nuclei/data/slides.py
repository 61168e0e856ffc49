"""Slides, by OpenSlide: what they say about themselves, and pixels of any part at any level.

`path` is a file, `name` what messages call it.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

import numpy as np
from PIL import TiffImagePlugin

from nuclei.core.errors import InputError
from nuclei.data import crops

ENDINGS = (".svs", ".ndpi", ".mrxs", ".scn", ".vms", ".vmu", ".svslide", ".bif")
FINEST, COARSEST = 0.01, 10  # microns per pixel; any other is of a screen or a print
INCH, CENTIMETER = 25_400, 10_000  # microns

Pixel = tuple[float, float] | None  # width and height of one in microns, if the file says them
# Reads uint8 (H, W, 3), RGB: the number of a level; left, top, width and height in its pixels.
Read = Callable[[int, int, int, int, int], np.ndarray]


class Level(NamedTuple):
    """A smaller copy of an image: `downsample` pixels of the image are one of the level."""

    width: int
    height: int
    downsample: float


def is_slide(path: Path, name: str) -> bool:
    """Return whether a file is read as a slide: by its ending or, of a TIFF, if OpenSlide can.

    InputError if OpenSlide is needed, and not installed; OSError if the file cannot be read.
    """
    ending = path.suffix.lower()
    with path.open("rb") as file:
        if ending in ENDINGS:
            return True
        if ending not in crops.TIFF_ENDINGS:
            return False
        try:
            image = TiffImagePlugin.TiffImageFile(file)
            # OpenSlide reads no TIFF of whole rows, and shows grey as if it were colours.
            if TiffImagePlugin.TILEWIDTH not in image.tag_v2 or not image.mode.startswith("RGB"):
                return False
        except crops.DAMAGE:
            pass  # damaged, or of a compression that only OpenSlide reads
    return _library(name).OpenSlide.detect_format(path) is not None


def open_slide(path: Path, name: str) -> tuple[tuple[Level, ...], Pixel, Read]:
    """Return a slide's levels, the finest first; the size of its pixels; and how to read them.

    Threads may read side by side. If a slide says where its tissue is (MIRAX, Leica), only that is
    shown, as in QuPath. InputError if OpenSlide is not installed, or knows no such slide.
    """
    library = _library(name)
    try:
        slide = library.OpenSlide(path)
        x0, y0, wide, high = _bounds(slide.properties, slide.dimensions)
        sizes, downsamples = slide.level_dimensions, slide.level_downsamples
        pixel = _pixel(slide.properties)
    except library.OpenSlideError as error:
        raise InputError(f"{name}: not a whole slide: {error}") from None
    levels = tuple(
        Level(min(width, round(wide / factor)), min(height, round(high / factor)), factor)
        for (width, height), factor in zip(sizes, downsamples, strict=True)
    )

    def read(level: int, left: int, top: int, width: int, height: int) -> np.ndarray:
        if width * height > crops.LARGEST:
            raise InputError(
                f"{name}: has no level coarse enough: of level {level}, {width} × {height} pixels "
                f"would be read at once; valid: at most {crops.LARGEST:,}"
            )
        # OpenSlide wants the corner in pixels of the finest level.
        factor = levels[level].downsample
        x, y = x0 + round(left * factor), y0 + round(top * factor)
        try:
            pixels = np.array(slide.read_region((x, y), level, (width, height)))
        except library.OpenSlideError as error:
            why = f"no pixels at x {x}, y {y} and on: {error}"
            raise InputError(f"{name}: not a whole slide: {why}") from None
        # OpenSlide draws some edges between two pixels, half transparent, but in full colour.
        pixels[pixels[..., 3] < 128] = 255
        return pixels[..., :3]

    return levels, pixel, read


def pixel_of(x: object, y: object, unit: float | None = None) -> Pixel:
    """Return the sides of a pixel in microns, or None if they are not plausible.

    `x` and `y` are its sides in microns, or how many pixels there are in a unit of so many microns.
    """
    try:
        sides = float(str(x)), float(str(y))
        if unit:
            sides = unit / sides[0], unit / sides[1]
    except (ValueError, ZeroDivisionError):
        return None
    return sides if all(FINEST <= side <= COARSEST for side in sides) else None


def _bounds(properties: Mapping[str, str], size: tuple[int, int]) -> list[int]:
    """Return the part of a slide that is shown: its left, top, width and height."""
    whole = zip(("x", "y", "width", "height"), (0, 0, *size), strict=True)
    return [int(properties.get(f"openslide.bounds-{key}") or value) for key, value in whole]


def _pixel(properties: Mapping[str, str]) -> Pixel:
    x, y = (properties.get(f"openslide.mpp-{axis}", "") for axis in "xy")
    if pixel := pixel_of(x, y):
        return pixel
    unit = {"inch": INCH, "centimeter": CENTIMETER}.get(properties.get("tiff.ResolutionUnit", ""))
    x, y = (properties.get(f"tiff.{axis}Resolution", "") for axis in "XY")
    return pixel_of(x, y, unit) if unit else None


def _library(name: str) -> ModuleType:
    try:
        import openslide
    except ImportError:
        command = "pip install openslide-python openslide-bin"
        raise InputError(f"{name}: to read slides, run: {command}") from None
    return openslide
