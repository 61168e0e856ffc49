"""Classify new nuclei with a trained model: crops, or fields of view with nuclei's centres."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from tqdm import tqdm

import stage
from nuclei import crops, raw
from nuclei.classes import CLASSES
from nuclei.errors import InputError
from nuclei.params import Record

TOGETHER = 4096  # nuclei that are predicted at once, whatever the number of images


def main(images: str, model: str, out: str, microns_per_pixel: str = "") -> None:
    """Write to `out` a row per nucleus: its probabilities, the mean over the model's repeats.

    A PNG of the folder `images` is a field of view if a CSV of the same name lies beside it, with
    the centres of its nuclei in columns x and y, in pixels. Any other PNG is the crop of one
    nucleus. What a crop must show is the model's own record to say, not params.yaml.
    """
    with stage.quiet_tensorflow():
        from nuclei import networks

        record = networks.record(model)
        repeats = range(len(list(Path(model).glob("repeat-*.weights.h5"))) or 1)
        models = [networks.load(model, repeat) for repeat in repeats]
    files = sorted(Path(images).glob("*.png"))
    if not files:
        raise InputError(f"{images}: holds no .png")
    read = partial(_read, record=record, scale=_scale(microns_per_pixel))
    tables = []
    for rows, nuclei in _groups(tqdm(files, unit=" images", disable=None, leave=False), read):
        each = [trained.predict(nuclei, batch_size=256, verbose=0) for trained in models]
        mean = pd.DataFrame(np.mean(each, axis=0, dtype=float).round(6), columns=CLASSES)
        tables.append(pd.DataFrame(rows, columns=["image", "x", "y"]).join(mean))
    table = pd.concat(tables) if tables else pd.DataFrame(columns=["image", "x", "y", *CLASSES])
    table["predicted"] = table[list(CLASSES)].astype(float).idxmax(axis=1)
    unfinished = Path(f"{out}.unfinished")
    table.to_csv(unfinished, index=False)
    unfinished.replace(out)
    print(f"{out}: {len(table)} nuclei of {len(files)} images")


def _scale(microns_per_pixel: str) -> float | None:
    if not microns_per_pixel:
        return None
    scale = raw.pixels(microns_per_pixel, "MICRONS_PER_PIXEL")
    if not 0.01 <= scale <= 10:
        raise InputError(f"MICRONS_PER_PIXEL: {scale:g}; valid: 0.01 to 10, such as 0.25 at 40x")
    return scale


def _read(image: Path, record: Record, scale: float | None) -> tuple[list[tuple], np.ndarray]:
    """Return image, x and y of every nucleus of an image, and its crop."""
    pixels = crops.decode(image.read_bytes(), str(image))
    centres = image.with_suffix(".csv")
    if not centres.exists():
        return [(image.name, "", "")], crops.resize(pixels, record.side)[None]
    if record.microns is None:
        raise InputError(f"{centres}: the model was trained on crops of no known scale; give crops")
    if scale is None:
        raise InputError(f"{centres}: for fields of view MICRONS_PER_PIXEL must be given")
    field = raw.Field(image.stem, str(image), str(centres), "", "", scale)
    nuclei = [
        raw.Nucleus(
            str(number),
            "",
            *(raw.pixels(row[axis], f"{centres}: row {number}: {axis}") for axis in "xy"),
        )
        for number, row in enumerate(raw.table(centres.read_bytes(), str(centres), ("x", "y")))
    ]
    raw.check_frame(field, nuclei, *pixels.shape[:2])
    places = np.array([(nucleus.x, nucleus.y) for nucleus in nuclei])
    cut = crops.cut(pixels, places, record.microns, scale, record.side)
    return [(image.name, nucleus.x, nucleus.y) for nucleus in nuclei], cut


def _groups(images, read) -> Iterator[tuple[list[tuple], np.ndarray]]:
    rows, parts = [], []
    for image in images:
        found, cut = read(image)
        rows, parts = rows + found, [*parts, cut]
        if len(rows) >= TOGETHER:
            yield rows, np.concatenate(parts)
            rows, parts = [], []
    if rows:
        yield rows, np.concatenate(parts)


if __name__ == "__main__":
    stage.run(main)
