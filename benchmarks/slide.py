"""Seconds and peak memory of a slide: to cut its nuclei, and to classify them for QuPath.

The slide is a JPEG pyramid of 20,000 × 20,000 pixels, put together from the fields of the embedded
data, with cells as QuPath exports them. A model of the study classifies them, so `make study` comes
first; what it says is read back as labels of the layout, and must be what was said.
"""

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

from nuclei import images
from nuclei.classes import CLASSES
from nuclei.layouts import names, qupath
from nuclei.layouts.fields import FieldOfView

ROOT = Path(__file__).parents[1]
RAW, MODEL = ROOT / "data/raw/simulated", ROOT / "models/flip/x2"
SIDE, TILE, SCALE = 20_000, 400, 0.2  # pixels of the slide and of a part of a field; µm per pixel
COUNTS = (20_000, 100_000)  # cells; a cell beyond those of the fields is one of them again
CUT = "cut"  # as a word of the command: cut only, in a process of its own


def main() -> None:
    """Measure, print and record."""
    load = results.idle()
    found: dict = {"load before": load}
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place, "in")
        folder.mkdir()
        cells = _write(folder / "slide.tif")
        for count in COUNTS:
            _write_objects(folder / "slide.geojson", cells, count)
            found[f"cut {count}"] = _measured(__file__, CUT, str(folder))
            if count == COUNTS[0]:
                out = Path(place, "out")
                words = (str(ROOT / "src/predict.py"), str(folder), str(MODEL), str(out))
                found[f"classify {count}"] = _measured(*words)
                _check(out / "slide.geojson", count)
    for name, of in found.items():
        print(name, of)
    results.record("slide", found)


def _write(path: Path) -> list[tuple[float, float, float, float]]:
    """Write the slide; return its cells as centre and half axes, in pixels."""
    random = np.random.default_rng(1)
    slide = np.full((SIDE, SIDE, 3), 235, np.uint8)
    fields = [(_pixels(path), pd.read_csv(_labels(path))) for path in sorted(RAW.glob("rgb/*"))]
    cells = []
    for place in random.permutation((SIDE // TILE) ** 2):
        top, left = (TILE * int(part) for part in divmod(place, SIDE // TILE))
        pixels, boxes = fields[random.integers(len(fields))]
        pixels = pixels[:TILE, :TILE]
        height, width = pixels.shape[:2]
        slide[top : top + height, left : left + width] = pixels
        inside = boxes[(boxes["xmax"] < width) & (boxes["ymax"] < height)]
        corner = np.array([left, top])
        low = inside[["xmin", "ymin"]].to_numpy() + corner
        high = inside[["xmax", "ymax"]].to_numpy() + corner
        cells += np.hstack([(low + high) / 2, (high - low) / 2]).tolist()
    with tifffile.TiffWriter(path, bigtiff=True) as file:
        for level in range(4):
            tags = {"resolution": (1e4 / SCALE / 2**level,) * 2, "resolutionunit": "CENTIMETER"}
            tiles = {"tile": (256, 256), "compression": "jpeg", "photometric": "rgb"}
            file.write(slide, subfiletype=int(level > 0), metadata=None, **tiles, **tags)
            slide = cv2.resize(slide, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    return cells


def _pixels(path: Path) -> np.ndarray:
    return cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)


def _labels(path: Path) -> Path:
    return RAW / "csv" / f"{path.stem}.csv"


def _write_objects(path: Path, cells: list, count: int) -> None:
    """Write cells as QuPath exports them: an outline of 30 points, a nucleus, a measurement."""
    angle = np.linspace(0, 2 * np.pi, 30, endpoint=False)
    circle = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    with path.open("w") as file:
        for number in range(count):
            x, y, *axes = cells[number % len(cells)]
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
    ring = points.clip(0, SIDE - 1).round(2).tolist()
    return {"type": "Polygon", "coordinates": [[*ring, ring[0]]]}


def _measured(*words: str) -> dict[str, float]:
    """Run Python; return its seconds and its peak of memory in MB."""
    start = time.perf_counter()
    process = subprocess.Popen([sys.executable, *words])
    _, status, used = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"{' '.join(words)}: it failed")
    return {"seconds": time.perf_counter() - start, "peak MB": used.ru_maxrss / 1024}


def cut(folder: Path) -> None:
    """Read the objects and cut all nuclei at the size of the study, as stage prepare does."""
    count = sum(len(positions) for positions, _ in _windows(folder))
    print(f"{count} crops")


def _windows(folder: Path) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    image = images.open_image(folder / "slide.tif", "slide.tif")
    nuclei = _nuclei((folder / "slide.geojson").read_bytes())
    centres = np.array([(nucleus.x, nucleus.y) for nucleus in nuclei])
    return images.windows(image, centres, 16, images.scale(image, "nothing"), 32)


def _nuclei(content: bytes) -> list:
    field = FieldOfView("slide", "slide.tif", "slide.geojson", "", "", SCALE)
    return qupath.nuclei(field, content)[0]


def _check(path: Path, count: int) -> None:
    """Make sure that what was written is read as labels, and is what the probabilities say."""
    content = path.read_bytes()
    labelled, left = names.named(_nuclei(content), {})
    words = {"stromal": "Stroma", "TIL": "Immune cells", "tumor": "Tumor"}
    for feature, nucleus in zip(json.loads(content)["features"], labelled, strict=True):
        said = feature["properties"]["measurements"]
        likeliest = max(CLASSES, key=lambda label, of=said: of[f"Probability {words[label]}"])
        assert nucleus.label == likeliest, feature
    assert len(labelled) == count and not left


if __name__ == "__main__":
    if sys.argv[1:2] == [CUT]:
        cut(Path(sys.argv[2]))
    else:
        main()
