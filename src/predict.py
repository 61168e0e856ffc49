"""Classify new nuclei with a trained model: crops, or fields of view with nuclei's centres."""

import environment  # noqa: F401, first: it needs no package

# isort: split
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from tqdm import tqdm

import stage
from nuclei import crops, files
from nuclei.classes import CLASSES
from nuclei.errors import InputError
from nuclei.layouts import labels
from nuclei.layouts.fields import FieldOfView, Nucleus, check_frame
from nuclei.training import start

if TYPE_CHECKING:
    from nuclei.training.models import Description

TOGETHER = 4096  # nuclei that are predicted at once, whatever the number of images

Nuclei = tuple[list[tuple], np.ndarray]  # image, x and y of each; their crops


def main(images: str, model: str, out: str, microns_per_pixel: str = "") -> None:
    """Write to `out` a row per nucleus: its probabilities, the mean over the cell's networks.

    A PNG of the folder `images` is a field of view if a CSV of the same name lies beside it, with
    the centres of its nuclei in columns x and y, in pixels. Any other PNG is the crop of one
    nucleus. What a crop must show is the model's own description to say, not params.yaml.
    """
    found = sorted(Path(images).glob("*.png"))
    if not found:
        raise InputError(f"{images}: holds no .png")
    scale = _scale(microns_per_pixel)
    with start.quiet_tensorflow():
        from nuclei.training import models

        description = models.describe(model)
        networks = [models.load(model, made.fold, made.repeat) for made in description.made]
    read = partial(_read, description=description, scale=scale)
    tables = []
    for rows, patches in _groups(tqdm(found, unit=" images", disable=None, leave=False), read):
        each = [network.predict(patches, batch_size=256, verbose=0) for network in networks]
        mean = pd.DataFrame(np.mean(each, axis=0, dtype=float).round(6), columns=CLASSES)
        tables.append(pd.DataFrame(rows, columns=["image", "x", "y"]).join(mean))
    table = pd.concat(tables) if tables else pd.DataFrame(columns=["image", "x", "y", *CLASSES])
    table["predicted"] = table[list(CLASSES)].astype(float).idxmax(axis=1)
    with stage.output(Path(out)) as path:
        files.write_csv(path, table)
    print(f"{out}: {len(table)} nuclei of {len(found)} images")


def _scale(microns_per_pixel: str) -> float | None:
    if not microns_per_pixel:
        return None
    scale = labels.pixels(microns_per_pixel, "MICRONS_PER_PIXEL")
    if not 0.01 <= scale <= 10:
        raise InputError(f"MICRONS_PER_PIXEL: {scale:g}; valid: 0.01 to 10, such as 0.25 at 40x")
    return scale


def _read(image: Path, description: "Description", scale: float | None) -> Nuclei:
    """Return image, x and y of every nucleus of an image, and its crop."""
    pixels = crops.decode(image.read_bytes(), str(image))
    centres = image.with_suffix(".csv")
    if not centres.exists():
        return [(image.name, "", "")], crops.resize(pixels, description.side)[None]
    if description.microns is None:
        raise InputError(f"{centres}: the model was trained on crops of no known scale; give crops")
    if scale is None:
        raise InputError(f"{centres}: for fields of view MICRONS_PER_PIXEL must be given")
    field = FieldOfView(image.stem, str(image), str(centres), "", "", scale)
    nuclei = [
        Nucleus(
            str(number),
            "",
            *(labels.pixels(row[axis], f"{centres}: row {number}: {axis}") for axis in "xy"),
        )
        for number, row in enumerate(labels.table(centres.read_bytes(), str(centres), ("x", "y")))
    ]
    check_frame(field, nuclei, *pixels.shape[:2])
    at = np.array([(nucleus.x, nucleus.y) for nucleus in nuclei])
    patches = crops.extract_patches(pixels, at, description.microns, scale, description.side)
    return [(image.name, nucleus.x, nucleus.y) for nucleus in nuclei], patches


def _groups(images: Iterable[Path], read: Callable[[Path], Nuclei]) -> Iterator[Nuclei]:
    """Read images until there are enough nuclei to be predicted at once."""
    rows: list[tuple] = []
    parts: list[np.ndarray] = []
    for image in images:
        found, patches = read(image)
        rows, parts = rows + found, [*parts, patches]
        if len(rows) >= TOGETHER:
            yield rows, np.concatenate(parts)
            rows, parts = [], []
    if rows:
        yield rows, np.concatenate(parts)


if __name__ == "__main__":
    stage.command(main)
