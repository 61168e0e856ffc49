"""TIFFs that are read as slides, or not, written by hand."""

import numpy as np
import tifffile

NOISE = np.random.default_rng(0).integers(0, 256, (500, 700, 3), dtype=np.uint8)
QUARTER = {"resolution": (40_000, 40_000), "resolutionunit": "CENTIMETER"}  # 0.25 microns


def write(path, levels, **options):
    """Write levels, the finest first, in tiles if no option says otherwise; return the path."""
    with tifffile.TiffWriter(path) as file:
        for number, level in enumerate(levels):
            kind = {"photometric": "rgb", "subfiletype": int(number > 0), "metadata": None}
            file.write(level, **kind | {"tile": (256, 256), "compression": "deflate"} | options)
    return path
