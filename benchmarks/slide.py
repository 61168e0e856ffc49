"""Seconds and peak memory of a slide: to cut its nuclei, and to classify them for QuPath.

The slide is a JPEG pyramid of 50,176 × 50,176 pixels, put together from the fields of the embedded
data, with cells as QuPath exports them. A model of the study classifies them, so `make study` comes
first; what it says is read back as labels of the layout, and must be what was said.
"""

import itertools
import json
import os
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import results
import tifffile

from nuclei.core.classes import CLASSES
from nuclei.data import images, reading
from nuclei.data.layouts import names
from nuclei.data.layouts.fields import FieldOfView
from nuclei.data.layouts.qupath import QuPath

ROOT = Path(__file__).parents[1]
RAW, MODEL = ROOT / "data/raw/simulated", ROOT / "models/flip/x2"
SCALE = 0.2  # µm per pixel
FIELD = FieldOfView("slide", "slide.tif", "slide.geojson", "", "", SCALE)
BLOCK, BLOCKS = 512, 98  # the slide is a square of blocks; on each lies a field
TILE, LEVELS, WHITE = 256, 4, 235
COUNTS = (20_000, 100_000)  # cells, from all over the slide
OBJECTS = "objects"  # a folder beside the slide, of files that wait for their turn
# Words of the command: do that alone, in a process of its own.
PREDICT = "import sys; from nuclei.cli.predict import predict; predict(*sys.argv[1:])"
WRITE, CUT, CHECK = "write", "cut", "check"


def main() -> None:
    """Measure, print and record."""
    found: dict = {"load before": results.idle()}
    with tempfile.TemporaryDirectory() as place:
        folder, out = Path(place, "in"), Path(place, "out")
        folder.mkdir()
        # A process begins with its parent's peak: what takes memory is left to others.
        _measured(__file__, WRITE, str(folder))
        for count in COUNTS:
            (folder / OBJECTS / f"{count}.geojson").rename(folder / "slide.geojson")
            found[f"cut {count}"] = _measured(__file__, CUT, str(folder))
            if count == COUNTS[0]:
                words = ("-c", PREDICT, str(folder), str(MODEL), str(out))
                found[f"classify {count}"] = _measured(*words)
                _measured(__file__, CHECK, str(out / "slide.geojson"))
    for name, of in found.items():
        print(name, of)
    results.record("slide", found)


def _measured(*words: str) -> dict[str, float]:
    """Run Python; return its seconds and its peak of memory in MB."""
    start = time.perf_counter()
    process = subprocess.Popen([sys.executable, *words])
    _, status, used = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"{' '.join(words)}: it failed")
    return {"seconds": time.perf_counter() - start, "peak MB": used.ru_maxrss / 1024}


def write(folder: Path) -> None:
    """Write the slide, and files of objects on it."""
    cells = _write(folder / "slide.tif")
    (folder / OBJECTS).mkdir()
    for count in COUNTS:
        _write_objects(folder / OBJECTS / f"{count}.geojson", cells[:count])


def _write(path: Path) -> np.ndarray:
    """Write the slide; return its cells, in an order of chance: centre and half axes, in pixels."""
    random = np.random.default_rng(1)
    read = [_block(path) for path in sorted(RAW.glob("rgb/*"))]
    chosen = random.integers(len(read), size=(BLOCKS, BLOCKS))
    corners = itertools.product(range(0, BLOCKS * BLOCK, BLOCK), repeat=2)
    cells = [
        read[number][1] + (left, top, 0, 0)
        for number, (top, left) in zip(chosen.flat, corners, strict=True)
    ]
    with tifffile.TiffWriter(path, bigtiff=True) as file:
        for level in range(LEVELS):
            blocks = [_smaller(pixels, level) for pixels, _ in read]
            side = BLOCKS * BLOCK >> level
            tags = {"resolution": (1e4 / SCALE / 2**level,) * 2, "resolutionunit": "CENTIMETER"}
            kind = {"tile": (TILE, TILE), "compression": "jpeg", "photometric": "rgb"}
            file.write(
                _tiles(blocks, chosen),
                shape=(side, side, 3),
                dtype=np.uint8,
                subfiletype=int(level > 0),
                metadata=None,
                **kind,
                **tags,
            )
    return random.permutation(np.concatenate(cells))


def _block(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Return a field as a block, and its cells: centre and half axes."""
    pixels = cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)[:BLOCK, :BLOCK]
    block = np.full((BLOCK, BLOCK, 3), WHITE, np.uint8)
    block[: pixels.shape[0], : pixels.shape[1]] = pixels
    boxes = pd.read_csv(RAW / "csv" / f"{path.stem}.csv")
    low, high = boxes[["xmin", "ymin"]].to_numpy(), boxes[["xmax", "ymax"]].to_numpy()
    inside = (low < high).all(axis=1) & (high < BLOCK).all(axis=1)
    return block, np.hstack([(low + high) / 2, (high - low) / 2])[inside]


def _smaller(block: np.ndarray, level: int) -> np.ndarray:
    side = BLOCK >> level
    return cv2.resize(block, (side, side), interpolation=cv2.INTER_AREA)


def _tiles(blocks: list[np.ndarray], chosen: np.ndarray) -> Iterator[np.ndarray]:
    """Yield the tiles of a level, row by row; no more of it is held than a row of tiles."""
    side = len(blocks[0])
    rows = max(1, TILE // side)  # of blocks in a row of tiles
    for first in range(0, BLOCKS, rows):
        part = chosen[first : first + rows]
        band = np.concatenate([np.concatenate([blocks[n] for n in row], axis=1) for row in part])
        missing = [(0, -size % TILE) for size in band.shape[:2]]
        band = np.pad(band, [*missing, (0, 0)], constant_values=WHITE)
        for top in range(0, len(band), TILE):
            for left in range(0, band.shape[1], TILE):
                yield band[top : top + TILE, left : left + TILE]


def _write_objects(path: Path, cells: np.ndarray) -> None:
    """Write cells as QuPath exports them: an outline of 30 points, a nucleus, a measurement."""
    angle = np.linspace(0, 2 * np.pi, 30, endpoint=False)
    circle = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    with path.open("w") as file:
        for number, (x, y, *axes) in enumerate(cells):
            nucleus, cell = ((x, y) + circle * axes * factor for factor in (1, 1.4))
            feature = {
                "type": "Feature",
                "id": str(uuid.UUID(int=number)),
                "geometry": _polygon(cell),
                "nucleusGeometry": _polygon(nucleus),
                "properties": {"objectType": "cell", "measurements": {"Nucleus: Area": 1.5}},
            }
            before = ",\n" if number else '{"type": "FeatureCollection", "features": [\n'
            file.write(before + json.dumps(feature))
        file.write("]}\n")


def _polygon(points: np.ndarray) -> dict:
    ring = points.clip(0, BLOCKS * BLOCK - 1).round(2).tolist()
    return {"type": "Polygon", "coordinates": [[*ring, ring[0]]]}


def cut(folder: Path) -> None:
    """Read the objects and cut all nuclei at the size of the study, as stage prepare does."""
    count = sum(len(positions) for positions, _ in _windows(folder))
    print(f"{count} crops")


def _windows(folder: Path) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    image = images.open_image(folder / "slide.tif", "slide.tif")
    nuclei = _nuclei((folder / "slide.geojson").read_bytes())
    return reading.crops(image, FIELD._replace(mpp=images.mpp(image, "nothing")), nuclei, 16, 32)


def _nuclei(content: bytes) -> list:
    return QuPath().nuclei(FIELD, content)[0]


def check(path: Path) -> None:
    """Make sure that what was written is read as labels, and is what the probabilities say."""
    content = path.read_bytes()
    labelled, left = names.named(_nuclei(content), {})
    words = {"stromal": "Stroma", "TIL": "Immune cells", "tumor": "Tumor"}
    for feature, nucleus in zip(json.loads(content)["features"], labelled, strict=True):
        said = feature["properties"]["measurements"]
        likeliest = max(CLASSES, key=lambda label, of=said: of[f"Probability {words[label]}"])
        assert nucleus.label == likeliest, feature
    assert len(labelled) == COUNTS[0] and not left


if __name__ == "__main__":
    if sys.argv[1:]:
        {WRITE: write, CUT: cut, CHECK: check}[sys.argv[1]](Path(sys.argv[2]))
    else:
        main()
