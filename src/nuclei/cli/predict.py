"""Classify new nuclei with a trained model: crops, centres in fields of view, objects of QuPath."""

from nuclei.pipeline import environment  # noqa: F401, first: it needs no package

# isort: split
import re
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from nuclei.pipeline import stage

import numpy as np
import pandas as pd
from tqdm import tqdm

from nuclei.core import files
from nuclei.core.classes import CLASSES
from nuclei.core.errors import InputError
from nuclei.data.images import ENDINGS, OpenImage, open_image, scale, whole, windows
from nuclei.data.layouts import labels, tables
from nuclei.data.layouts.fields import FieldOfView, Nucleus, check_frame, ending
from nuclei.qupath import pairing
from nuclei.qupath import writer as classified
from nuclei.training import start

if TYPE_CHECKING:
    from nuclei.training.models import Description

TOGETHER = 4096  # nuclei that are predicted at once, whatever the number of images
LARGEST = 256  # pixels: what is larger is a field of view, not the crop of one nucleus
OBJECTS = re.compile(r"\.geojson(\.gz)?$", re.IGNORECASE)

Ask = Callable[[np.ndarray], np.ndarray]  # crops to the mean probabilities of a cell's networks
Part = tuple[list[tuple], np.ndarray]  # image, x and y of some nuclei; their crops


class Source(NamedTuple):
    """An image, and the file beside it that says where its nuclei are; None if it is a crop."""

    image: Path
    nuclei: Path | None


def predict(images: str, model: str, out: str | None, mpp: float | None) -> None:
    """Classify the nuclei of a folder of images, as `main` does."""
    main(images, model, out or "", f"{mpp:g}" if mpp else "")


def main(images: str, model: str, out: str, microns_per_pixel: str = "") -> None:
    """Classify the nuclei of a folder of images.

    An image is a field of view if a file of the same name lies beside it: a CSV with the centres of
    its nuclei in columns x and y, in pixels, or GeoJSON with QuPath's objects. Any other is the
    crop of one nucleus. Crops and CSVs give a row per nucleus, GeoJSON gives GeoJSON, in a folder.
    What a crop must show is the model's own description to say, not params.yaml.
    """
    for name, word in (("IMAGES", images), ("MODEL", model)):
        if not word:
            valid = "make predict IMAGES=DIR MODEL=models/AUG/xV"
            raise InputError(f"{name}: is missing; valid: {valid}")
    sources = _sources(Path(images))
    of_objects = [
        source for source in sources if source.nuclei and OBJECTS.search(source.nuclei.name)
    ]
    others = [source for source in sources if source not in of_objects]
    target = _target(out, sources, folder=bool(of_objects))
    given = _scale(microns_per_pixel)
    with start.quiet_tensorflow():
        from nuclei.training import models

        description = models.describe(model)
        ask = models.ensemble(model)

    told = []
    with stage.output(target) as path:
        if of_objects:
            path.mkdir()
        if others:
            table = _table(others, description, given, ask)
            name = "predicted.csv" if of_objects else ""
            files.write_csv(path / name, table)
            told.append(f"{target / name}: {len(table)} nuclei of {len(others)} images")
        for source in of_objects:
            count = _objects(source, description, given, ask, path)
            told.append(f"{target / _name(source)}: {count} nuclei")
    print(*told, sep="\n")


def _target(out: str, sources: list[Source], folder: bool) -> Path:
    """Return where the answer goes; raises InputError if it would replace a folder or input."""
    target = Path(out or ("predicted" if folder else "predicted.csv"))
    valid = "a folder that is empty or not there yet" if folder else "a file, such as predicted.csv"
    if folder and (target.suffix or target.is_file()):
        raise InputError(f"OUT: {target}; valid beside GeoJSON: {valid}")
    if target.is_dir() and (not folder or any(target.iterdir())):
        raise InputError(f"OUT: {target}: is a folder and would be replaced; valid: {valid}")
    if target.resolve() in (path.resolve() for source in sources for path in source if path):
        raise InputError(f"OUT: {target}: is read by this command; valid: {valid}")
    return target


def _sources(folder: Path) -> list[Source]:
    """Pair the images of a folder with the files that say where their nuclei are."""
    if not folder.is_dir():
        raise InputError(f"{folder}: is no folder; valid: one that holds images")
    there = sorted(path for path in folder.iterdir() if path.is_file() and path.name[0] != ".")
    names = pairing.without_parts([path.name for path in there])
    images = [folder / name for name in names if ending(name) in ENDINGS]
    if not images:
        raise InputError(f"{folder}: holds no image; valid: {', '.join(ENDINGS)}")
    beside: dict[Path, Path] = {}
    for path in there:
        if path.suffix.lower() != ".csv" and not OBJECTS.search(path.name):
            continue
        name = OBJECTS.sub("", path.name) if OBJECTS.search(path.name) else path.stem
        of = [image for image in images if name in pairing.bases(image.name)]
        if len(of) != 1:
            found = " and ".join(image.name for image in of) or "no image of that name"
            raise InputError(f"{path}: {found} beside it; valid: one")
        if (other := beside.setdefault(of[0], path)) != path:
            raise InputError(f"{path}: {other.name} is of {of[0].name}, too; valid: one of them")
    return [Source(image, beside.get(image)) for image in images]


def _scale(text: str) -> float | None:
    return tables.microns_per_pixel(text, "MICRONS_PER_PIXEL") if text else None


def _table(
    sources: list[Source], description: "Description", given: float | None, ask: Ask
) -> pd.DataFrame:
    """Return a row per nucleus: its image, its centre, its probabilities, its likeliest class."""
    read = partial(_parts, description=description, given=given)
    tables = [pd.DataFrame(columns=["image", "x", "y", *CLASSES])]
    for rows, patches in _groups(tqdm(sources, unit=" images", disable=None, leave=False), read):
        found = pd.DataFrame(rows, columns=["image", "x", "y"])
        tables.append(found.join(pd.DataFrame(ask(patches).round(6), columns=CLASSES)))
    table = pd.concat(tables[1:] or tables)
    if table.empty:
        raise InputError(f"{sources[0].nuclei}: no nucleus, nor in any other file")
    table["predicted"] = table[list(CLASSES)].astype(float).idxmax(axis=1)
    return table


def _parts(source: Source, description: "Description", given: float | None) -> Iterator[Part]:
    """Read an image: of its nuclei the name, x and y, and their crops."""
    image = open_image(source.image, str(source.image))
    if source.nuclei is None:
        if max(image.width, image.height) > LARGEST:
            raise InputError(
                f"{image.name}: {image.width} × {image.height} pixels, and no CSV or GeoJSON of "
                f"its name beside it; valid: one of these, or a crop of at most {LARGEST} pixels"
            )
        yield [(source.image.name, "", "")], whole(image, description.side)[None]
        return
    file = str(source.nuclei)
    nuclei = [
        Nucleus(
            str(number),
            "",
            *(labels.pixels(row[axis], f"{file}: row {number}: {axis}") for axis in "xy"),
        )
        for number, row in enumerate(labels.table(source.nuclei.read_bytes(), file, ("x", "y")))
    ]
    for positions, patches in _windows(image, source, nuclei, description, given):
        at = [nuclei[position] for position in positions]
        yield [(source.image.name, nucleus.x, nucleus.y) for nucleus in at], patches


def _windows(
    image: OpenImage,
    source: Source,
    nuclei: list[Nucleus],
    description: "Description",
    given: float | None,
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    if description.window_um is None:
        raise InputError(
            f"{source.nuclei}: the model was trained on crops of no known scale; give crops"
        )
    file = str(source.nuclei)
    field = FieldOfView(source.image.stem, image.name, file, "", "", given)
    check_frame(field, nuclei, file, image.height, image.width)
    centres = np.array([(nucleus.x, nucleus.y) for nucleus in nuclei]).reshape(-1, 2)
    if len(centres):
        by = given or scale(image, "MICRONS_PER_PIXEL")
        yield from windows(image, centres, description.window_um, by, description.side)


def _objects(
    source: Source, description: "Description", given: float | None, ask: Ask, folder: Path
) -> int:
    """Write the GeoJSON of an image with the classes of its nuclei; return how many they are."""
    assert source.nuclei
    image, file = open_image(source.image, str(source.image)), str(source.nuclei)
    content, by = source.nuclei.read_bytes(), given or scale(image, "MICRONS_PER_PIXEL")
    nuclei = classified.nuclei(content, file, by)
    probabilities = np.empty((len(nuclei), len(CLASSES)))
    with tqdm(total=len(nuclei), unit=" nuclei", disable=None, leave=False) as progress:
        for positions, patches in _windows(image, source, nuclei, description, by):
            probabilities[positions] = ask(patches)
            progress.update(len(positions))
    with (folder / _name(source)).open("w", encoding="utf-8") as target:
        target.writelines(classified.lines(classified.features(content, file, by, probabilities)))
    return len(nuclei)


def _name(source: Source) -> str:
    assert source.nuclei
    return OBJECTS.sub(".geojson", source.nuclei.name)


def _groups(sources: Iterable[Source], read: Callable[[Source], Iterator[Part]]) -> Iterator[Part]:
    """Read images until there are enough nuclei to be predicted at once."""
    rows: list[tuple] = []
    parts: list[np.ndarray] = []
    for source in sources:
        for found, patches in read(source):
            rows, parts = rows + found, [*parts, patches]
            if len(rows) >= TOGETHER:
                yield rows, np.concatenate(parts)
                rows, parts = [], []
    if rows:
        yield rows, np.concatenate(parts)
