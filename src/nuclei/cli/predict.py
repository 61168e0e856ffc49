"""Classify new nuclei with a trained model: crops, centres in fields of view, objects of QuPath."""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from nuclei.pipeline import stage

import numpy as np
import pandas as pd
from tqdm import tqdm

from nuclei.core import files
from nuclei.core.errors import InputError
from nuclei.core.params import Section, parse
from nuclei.data import images
from nuclei.data.layouts import labels, qupath
from nuclei.data.layouts.fields import FieldOfView, Nucleus, check_frame, ending
from nuclei.qupath import pairing, reader, writer
from nuclei.training import start

if TYPE_CHECKING:  # TensorFlow takes seconds to import
    from nuclei.training.models import Description

TOGETHER = 4096  # nuclei that are predicted at once, whatever the number of images
LARGEST = 256  # pixels: a larger image is a field of view, not the crop of one nucleus
BESIDE = re.compile(r"\.(csv|geojson(\.gz)?)$", re.IGNORECASE)
TABLE = "predicted.csv"
RECORD = "predicted-by.json"  # in the folder of an answer in GeoJSON, or beside a table


class Source(NamedTuple):
    """An image, the file beside it that says where its nuclei are, and the file of its answer."""

    image: Path
    beside: Path | None = None  # None: the image is a crop
    answer: str = TABLE


@dataclass
class Model:
    """A trained model, whose TensorFlow waits until images and labels are known to be right."""

    folder: str
    mpp: float | None  # microns per pixel; None: each image says it

    @cached_property
    def loaded(self) -> tuple["Description", Callable[[np.ndarray], np.ndarray]]:
        """The description; and crops to mean probabilities of all networks."""
        with start.quiet_tensorflow():
            from nuclei.training import models

            return models.describe(self.folder), models.ensemble(self.folder)


class Record(Section):
    """The folder of the model that wrote an answer, and the SHA-256 of each file, by its name."""

    model: str
    files: dict[str, str]


def predict(images: str, model: str, out: str | None = None, mpp: float | None = None) -> None:
    """Classify the nuclei of a folder of images, as the help of `nuclei predict` describes.

    The model's own description, not params.yaml, says which crops and classes there are. An answer
    takes the place of an earlier one for the same images; a file that is not in the record of that
    one, or was changed since, stays. A mistake raises InputError, and nothing is written.
    """
    sources = _sources(Path(images), Path(out or TABLE))
    in_table = [source for source in sources if source.answer == TABLE]
    with_objects = [source for source in sources if source.answer != TABLE]
    target = _target(out, sources, is_folder=bool(with_objects))
    names = {source.answer for source in sources} if with_objects else {target.name}
    _check_own(target, names)
    if not Path(model, "model.json").is_file():
        raise InputError(f"{model}: holds no model.json; valid: a model, such as models/flip/x2")
    if mpp is not None:
        labels.mpp(str(mpp), "--mpp")
    loaded, lines = Model(model, mpp), []
    with stage.output(target) as path:
        if with_objects:
            path.mkdir()
        if in_table:
            table, name = _table(in_table, loaded), TABLE if with_objects else ""
            files.write_csv(path / name, table)
            lines.append(f"{target / name}: {len(table)} nuclei of {len(in_table)} images")
        for source in with_objects:
            count = _write_objects(source, loaded, path / source.answer)
            lines.append(f"{target / source.answer}: {count} nuclei")
        if with_objects:
            _write_record(path, model)
        _check_own(target, names)  # again: it may have changed in the hours since
    if not with_objects:
        _write_record(target, model)
    print(*lines, sep="\n")


def _sources(folder: Path, table: Path) -> list[Source]:
    """Pair the images of a folder with the files that say where their nuclei are, not `table`."""
    if not folder.is_dir():
        raise InputError(f"{folder}: is no folder; valid: one that holds images")
    paths = sorted(path for path in folder.iterdir() if path.is_file() and path.name[0] != ".")
    names = pairing.without_parts([path.name for path in paths])
    sources = {name: Source(folder / name) for name in names if ending(name) in images.ENDINGS}
    if not sources:
        raise InputError(f"{folder}: holds no image; valid: {', '.join(images.ENDINGS)}")
    for path in paths:
        if not (match := BESIDE.search(path.name)):
            continue
        base = path.name[: match.start()]
        pictures = [name for name in sources if base in pairing.bases(name)]
        if not pictures and path.resolve() == table.resolve():
            continue  # the table of an earlier call
        if len(pictures) != 1:
            listed = " and ".join(pictures) or "no image of that name"
            raise InputError(f"{path}: {listed} beside it; valid: one")
        image, other, _ = sources[pictures[0]]
        if other:
            raise InputError(f"{path}: {other.name} is of {image.name}, too; valid: one of them")
        answer = TABLE if match[1].lower() == "csv" else f"{base}.geojson"
        sources[image.name] = Source(image, path, answer)
    return list(sources.values())


def _target(out: str | None, sources: list[Source], is_folder: bool) -> Path:
    """Return where the answer goes; raise InputError if that is no place for it."""
    target = Path(out or ("predicted" if is_folder else TABLE))
    if is_folder and (target.suffix or target.is_file()):
        raise InputError(f"--out {target}: is no folder; valid beside GeoJSON: a folder")
    if not is_folder and target.is_dir():
        raise InputError(f"--out {target}: is a folder; valid: a file, such as {TABLE}")
    inputs = [path for image, beside, _ in sources for path in (image, beside) if path]
    if target.resolve() in (path.resolve() for path in inputs):
        raise InputError(f"--out {target}: is read by this command; valid: another place")
    return target


def _table(sources: list[Source], model: Model) -> pd.DataFrame:
    """Return a row per nucleus: its image, its centre, its probabilities, its likeliest class."""
    tables, nuclei = [], _nuclei(tqdm(sources, unit=" images", disable=None, leave=False), model)
    while some := list(islice(nuclei, TOGETHER)):
        rows, crops = zip(*some, strict=True)
        table = pd.DataFrame(rows, columns=["image", "x", "y"])
        description, classify = model.loaded
        table[description.classes] = classify(np.stack(crops)).round(6)
        tables.append(table)
    if not tables:
        raise InputError(f"{sources[0].beside}: no nucleus, nor in any other file")
    table = pd.concat(tables)
    return table.assign(predicted=table[description.classes].idxmax(axis=1))


def _nuclei(sources: Iterable[Source], model: Model) -> Iterator[tuple[tuple, np.ndarray]]:
    """Yield the image, x and y of every nucleus, and its crop."""
    for source in sources:
        image = images.open_image(source.image, str(source.image))
        nuclei = [Nucleus("", "")]
        if source.beside:
            file, content = str(source.beside), source.beside.read_bytes()
            nuclei = [
                Nucleus(str(number), "", *labels.centre(row, f"{file}: row {number}"))
                for number, row in enumerate(labels.table(content, file, ("x", "y")))
            ]
        for positions, crops in _crops(source, image, nuclei, model):
            for position, crop in zip(positions, crops, strict=True):
                yield (source.image.name, nuclei[position].x, nuclei[position].y), crop


def _crops(
    source: Source, image: images.OpenImage, nuclei: list[Nucleus], model: Model
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield positions of an image's nuclei, and their crops as the model was trained on."""
    if source.beside is None:
        if max(image.width, image.height) > LARGEST:
            raise InputError(
                f"{image.name}: {image.width} × {image.height} pixels, and no CSV or GeoJSON of "
                f"its name beside it; valid: one of these, or a crop of at most {LARGEST} pixels"
            )
        yield np.arange(1), images.whole(image, model.loaded[0].side)[None]
    elif nuclei:
        file = str(source.beside)
        field = FieldOfView(source.image.stem, image.name, file, "", "")
        check_frame(field, nuclei, file, image.height, image.width)
        mpp = model.mpp or images.mpp(image, "--mpp")
        centres = np.array([(nucleus.x, nucleus.y) for nucleus in nuclei])
        window_um, side = model.loaded[0].window_um, model.loaded[0].side
        if window_um is None:
            raise InputError(f"{file}: the model learned from crops of no known resolution")
        yield from images.windows(image, centres, window_um, mpp, side)


def _write_objects(source: Source, model: Model, path: Path) -> int:
    """Write the GeoJSON of an image with the classes of its nuclei; return how many they are."""
    assert source.beside
    image, file = images.open_image(source.image, str(source.image)), str(source.beside)
    content, mpp = source.beside.read_bytes(), model.mpp or images.mpp(image, "--mpp")
    objects = reader.read(content, file, mpp)
    nuclei = [nucleus for one in objects for nucleus in qupath.of_object(one, mpp)]
    description, classify = model.loaded
    probabilities = np.empty((len(nuclei), len(description.classes)))
    with tqdm(total=len(nuclei), unit=" nuclei", disable=None, leave=False) as progress:
        for positions, crops in _crops(source, image, nuclei, model):
            probabilities[positions] = classify(crops)
            progress.update(len(positions))
    features = writer.features(content, file, mpp, description.classes, probabilities)
    with path.open("w", encoding="utf-8") as target:
        target.writelines(writer.lines(features))
    return len(nuclei)


def _check_own(target: Path, names: set[str]) -> None:
    """Check that an answer of files `names` takes the place of files of this command alone."""
    path = _record(target)
    hashes = parse(Record, files.read_json(path), str(path)).files if path.is_file() else {}
    for file in _answers(target):
        if file.name not in hashes or not file.is_file():
            why = "was not written by this command"
        elif hashes[file.name] != _hash(file):
            why = "was changed since it was written"
        elif file.name not in names:
            why = "is of no image given now"
        else:
            continue
        raise InputError(f"--out {target}: {file.name} {why}; valid: another place, or remove it")


def _write_record(target: Path, model: str) -> None:
    hashes = {file.name: _hash(file) for file in _answers(target)}
    files.write_json(_record(target), Record(model=model, files=hashes).model_dump())


def _record(target: Path) -> Path:
    return target / RECORD if target.is_dir() else target.with_name(f"{target.name}.{RECORD}")


def _answers(target: Path) -> list[Path]:
    """Return the files that lie at a target, a table or a folder, but its record."""
    if target.is_dir():
        return sorted({*target.iterdir()} - {_record(target)})
    return [target] if target.exists() else []


def _hash(file: Path) -> str:
    return sha256(file.read_bytes()).hexdigest()
