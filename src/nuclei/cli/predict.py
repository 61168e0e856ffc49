"""Classify new nuclei with a trained model: crops, centres in fields of view, objects of QuPath."""

import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from nuclei.pipeline import stage

import numpy as np
import pandas as pd
from tqdm import tqdm

from nuclei.cli import predicted
from nuclei.core import files
from nuclei.core.errors import InputError
from nuclei.data import images, reading
from nuclei.data.layouts import labels, qupath
from nuclei.data.layouts.fields import FieldOfView, Nucleus, check_frame, ending
from nuclei.qupath import pairing, reader, writer
from nuclei.training import start

if TYPE_CHECKING:  # TensorFlow takes seconds to import
    from nuclei.training.models import Description

TOGETHER = 4096  # nuclei that are predicted at once, whatever the number of images
LARGEST = 256  # pixels: a larger image is a field of view, not the crop of one nucleus
OBJECTS = re.compile(r"\.geojson(\.gz)?$", re.IGNORECASE)
TABLE = "predicted.csv"

Ask = Callable[[np.ndarray], np.ndarray]  # crops to the mean probabilities of a model's networks
Part = tuple[list[tuple], np.ndarray]  # image, x and y of some nuclei; their crops


class Source(NamedTuple):
    """An image, and the file beside it that says where its nuclei are; None if it is a crop."""

    image: Path
    beside: Path | None


class Task(NamedTuple):
    """How nuclei are classified."""

    description: "Description"
    mpp: float | None  # microns per pixel; None: each image says it
    ask: Ask


def predict(images: str, model: str, out: str | None = None, mpp: float | None = None) -> None:
    """Classify the nuclei of a folder of images.

    An image is a field of view if a file of the same name lies beside it: a CSV with the centres of
    its nuclei in columns x and y, in pixels, or GeoJSON with QuPath's objects. Any other image is
    the crop of one nucleus. Crops and CSVs give a table with a row per nucleus. GeoJSON gives
    GeoJSON, in a folder, which then holds the table, too. The model's own description says what
    a crop must show and which classes there are, not params.yaml.

    An answer takes the place of an earlier one of this command for the same images, and of nothing
    else: a file that it did not write, or that was changed since, is an error.

    Args:
        images: the folder.
        model: a folder of networks, such as models/flip/x2.
        out: the table, predicted.csv by default; beside GeoJSON a folder, by default predicted.
        mpp: microns per pixel of all images; by default, each image says it.

    Raises:
        InputError: an argument or a file is not as it should be; nothing has been written then.
    """
    sources = _sources(Path(images))
    with_objects = [one for one in sources if one.beside and OBJECTS.search(one.beside.name)]
    others = [source for source in sources if source not in with_objects]
    target = _target(out, sources, is_folder=bool(with_objects))
    names = {_name(source) for source in with_objects} | ({TABLE} if others else set())
    names = names if with_objects else {target.name}
    predicted.check(target, names)
    if not Path(model, "model.json").is_file():
        raise InputError(f"{model}: holds no model.json; valid: a model, such as models/flip/x2")
    if mpp is not None:
        labels.mpp(str(mpp), "--mpp")
    with start.quiet_tensorflow():
        from nuclei.training import models

        task = Task(models.describe(model), mpp, models.ensemble(model))

    lines = []
    with stage.output(target) as path:
        if with_objects:
            path.mkdir()
        if others:
            table = _table(others, task)
            name = TABLE if with_objects else ""
            files.write_csv(path / name, table)
            lines.append(f"{target / name}: {len(table)} nuclei of {len(others)} images")
        for source in with_objects:
            count = _write_objects(source, task, path)
            lines.append(f"{target / _name(source)}: {count} nuclei")
        if with_objects:
            predicted.write(predicted.record(path), model, sorted(path.iterdir()))
        predicted.check(target, names)  # again: it may have changed in the hours since
    if not with_objects:
        predicted.write(predicted.record(target), model, [target])
    print(*lines, sep="\n")


def _target(out: str | None, sources: list[Source], is_folder: bool) -> Path:
    """Return where the answer goes; raise InputError if that is no place for it."""
    target = Path(out or ("predicted" if is_folder else TABLE))
    if is_folder and (target.suffix or target.is_file()):
        raise InputError(f"--out {target}: is no folder; valid beside GeoJSON: a folder")
    if not is_folder and target.is_dir():
        raise InputError(f"--out {target}: is a folder; valid: a file, such as {TABLE}")
    if target.resolve() in (path.resolve() for source in sources for path in source if path):
        raise InputError(f"--out {target}: is read by this command; valid: another place")
    return target


def _sources(folder: Path) -> list[Source]:
    """Pair the images of a folder with the files that say where their nuclei are."""
    if not folder.is_dir():
        raise InputError(f"{folder}: is no folder; valid: one that holds images")
    paths = sorted(path for path in folder.iterdir() if path.is_file() and path.name[0] != ".")
    names = pairing.without_parts([path.name for path in paths])
    pictures = [folder / name for name in names if ending(name) in images.ENDINGS]
    if not pictures:
        raise InputError(f"{folder}: holds no image; valid: {', '.join(images.ENDINGS)}")
    beside: dict[Path, Path] = {}
    for path in paths:
        if path.suffix.lower() != ".csv" and not OBJECTS.search(path.name):
            continue
        name = OBJECTS.sub("", path.name) if OBJECTS.search(path.name) else path.stem
        matches = [picture for picture in pictures if name in pairing.bases(picture.name)]
        if len(matches) != 1:
            listed = " and ".join(picture.name for picture in matches) or "no image of that name"
            raise InputError(f"{path}: {listed} beside it; valid: one")
        if (other := beside.setdefault(matches[0], path)) != path:
            raise InputError(
                f"{path}: {other.name} is of {matches[0].name}, too; valid: one of them"
            )
    return [Source(picture, beside.get(picture)) for picture in pictures]


def _table(sources: list[Source], task: Task) -> pd.DataFrame:
    """Return a row per nucleus: its image, its centre, its probabilities, its likeliest class."""
    classes = task.description.classes
    tables = [pd.DataFrame(columns=["image", "x", "y", *classes])]
    for rows, crops in _groups(tqdm(sources, unit=" images", disable=None, leave=False), task):
        table = pd.DataFrame(rows, columns=["image", "x", "y"])
        tables.append(table.join(pd.DataFrame(task.ask(crops).round(6), columns=classes)))
    table = pd.concat(tables[1:] or tables)
    if table.empty:
        raise InputError(f"{sources[0].beside}: no nucleus, nor in any other file")
    table["predicted"] = table[classes].astype(float).idxmax(axis=1)
    return table


def _groups(sources: Iterable[Source], task: Task) -> Iterator[Part]:
    """Read images until there are enough nuclei to be predicted at once."""
    rows: list[tuple] = []
    parts: list[np.ndarray] = []
    for source in sources:
        for some, crops in _parts(source, task):
            rows, parts = rows + some, [*parts, crops]
            if len(rows) >= TOGETHER:
                yield rows, np.concatenate(parts)
                rows, parts = [], []
    if rows:
        yield rows, np.concatenate(parts)


def _parts(source: Source, task: Task) -> Iterator[Part]:
    """Read an image: of its nuclei the name, x and y, and their crops."""
    image = images.open_image(source.image, str(source.image))
    nuclei = [Nucleus(image.name, "")]
    if source.beside:
        file = str(source.beside)
        table = labels.table(source.beside.read_bytes(), file, ("x", "y"))
        nuclei = [
            Nucleus(str(number), "", *labels.centre(row, f"{file}: row {number}"))
            for number, row in enumerate(table)
        ]
    elif max(image.width, image.height) > LARGEST:
        raise InputError(
            f"{image.name}: {image.width} × {image.height} pixels, and no CSV or GeoJSON of its "
            f"name beside it; valid: one of these, or a crop of at most {LARGEST} pixels"
        )
    for positions, crops in _crops(image, source, nuclei, task):
        some = [nuclei[position] for position in positions]
        yield [(source.image.name, nucleus.x, nucleus.y) for nucleus in some], crops


def _crops(
    image: images.OpenImage, source: Source, nuclei: list[Nucleus], task: Task
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Cut the crops of an image's nuclei, as the model was trained on."""
    description, file = task.description, str(source.beside)
    field = FieldOfView(source.image.stem, image.name, file, "", "", task.mpp)
    if source.beside is None:
        field = field._replace(one_nucleus=True)
    elif description.window_um is None:
        raise InputError(
            f"{file}: the model was trained on crops at no known resolution; give crops"
        )
    elif nuclei:
        check_frame(field, nuclei, file, image.height, image.width)
        field = field._replace(mpp=task.mpp or images.mpp(image, "--mpp"))
    yield from reading.crops(image, field, nuclei, description.window_um, description.side)


def _write_objects(source: Source, task: Task, folder: Path) -> int:
    """Write the GeoJSON of an image with the classes of its nuclei; return how many they are."""
    assert source.beside
    image, file = images.open_image(source.image, str(source.image)), str(source.beside)
    content, mpp = source.beside.read_bytes(), task.mpp or images.mpp(image, "--mpp")
    nuclei = [
        nucleus for one in reader.read(content, file, mpp) for nucleus in qupath.of_object(one, mpp)
    ]
    classes = task.description.classes
    probabilities = np.empty((len(nuclei), len(classes)))
    with tqdm(total=len(nuclei), unit=" nuclei", disable=None, leave=False) as progress:
        for positions, crops in _crops(image, source, nuclei, task):
            probabilities[positions] = task.ask(crops)
            progress.update(len(positions))
    features = writer.features(content, file, mpp, classes, probabilities)
    with (folder / _name(source)).open("w", encoding="utf-8") as target:
        target.writelines(writer.lines(features))
    return len(nuclei)


def _name(source: Source) -> str:
    assert source.beside
    return OBJECTS.sub(".geojson", source.beside.name)
