"""The nuclei of a raw folder: first the labels of all fields of view, then their crops."""

import os
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import NamedTuple, TypeVar

import numpy as np
import pandas as pd
from tqdm import tqdm

from nuclei.core import files
from nuclei.core.errors import InputError
from nuclei.data import images
from nuclei.data.images import OpenImage
from nuclei.data.layouts import names as names_of_classes
from nuclei.data.layouts.fields import FieldOfView, Nucleus, check_frame
from nuclei.data.params import Prepare
from nuclei.data.raw_folder import RawFolder, content

COLUMNS = ["id", "label", "patient", "site", "source"]

Item = TypeVar("Item")
Result = TypeVar("Result")


class Labelled(NamedTuple):
    """A field of view, with its microns per pixel, and what its labels say."""

    field: FieldOfView
    nuclei: list[Nucleus]  # those of the three classes
    dropped: Counter[str]  # rows of its label file, by reason
    names: set[str]  # of classes, as they stand in the data
    stretched: bool  # it is one nucleus and not square, which a crop is


class Read(NamedTuple):
    """What was read of a raw folder."""

    table: pd.DataFrame  # a row per nucleus: id, label, patient, site, source, longest
    fields: list[Labelled]
    skipped: dict[str, str]  # why a field was not read, by its name


def read(
    raw: RawFolder, knobs: Prepare, path: Path, arrange: Callable[[pd.DataFrame], np.ndarray]
) -> Read:
    """Read all nuclei, and write their crops to the array at `path`, uint8 (N, side, side, 3).

    `arrange` returns the order, int64 (N,), in which a table's rows are written and returned.
    InputError if a field cannot be read, or no nucleus remains.
    """
    fields = {field.name: field for field in raw.fields}
    labelled, skipped = _side_by_side("labels", partial(_labels, raw, knobs), fields, knobs)
    while True:
        table = _table(labelled, skipped)
        rows = arrange(table)
        damaged = _write_crops(path, raw.folder, labelled, np.argsort(rows), knobs)
        if not damaged:
            in_order = {name: skipped[name] for name in fields if name in skipped}
            return Read(table.iloc[rows], labelled, in_order)
        # Damage of pixels shows late, and without its field all nuclei have other places. To cut
        # again in this rare case costs less than to keep every crop elsewhere until all are read.
        skipped |= damaged
        labelled = [one for one in labelled if one.field.name not in damaged]


def crops(
    image: OpenImage, field: FieldOfView, nuclei: list[Nucleus], window_um: float | None, side: int
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Cut crops as `images.windows` does, or the whole image if the field is one nucleus.

    Else the field must say its microns per pixel, and its nuclei must lie inside the image.
    """
    if not nuclei:
        return
    if field.one_nucleus:
        yield np.arange(1), images.whole(image, side)[None]
        return
    assert field.mpp and window_um
    centres = np.array([(nucleus.x, nucleus.y) for nucleus in nuclei])
    yield from images.windows(image, centres, window_um, field.mpp, side)


def _labels(raw: RawFolder, knobs: Prepare, field: FieldOfView) -> Labelled:
    labels = b"" if field.labels is None else content(raw.folder / field.labels)
    image = images.open_image(raw.folder / field.image, field.image)
    if field.mpp is None and not field.one_nucleus:
        remedy = f"a column microns_per_pixel in {raw.layout.table}"
        field = field._replace(mpp=images.mpp(image, remedy))
    all_nuclei, dropped = raw.layout.nuclei(field, labels)
    nuclei, without_class = names_of_classes.named(all_nuclei, knobs.classes)
    if not field.one_nucleus:
        check_frame(field, nuclei, field.labels or raw.layout.table, image.height, image.width)
    stretched = field.one_nucleus and bool(nuclei) and image.width != image.height
    names = {nucleus.label for nucleus in all_nuclei}
    return Labelled(field, nuclei, dropped + without_class, names, stretched)


def _table(labelled: list[Labelled], skipped: dict[str, str]) -> pd.DataFrame:
    rows = [
        (nucleus.id, nucleus.label, field.patient, field.site, field.image, nucleus.longest)
        for field, nuclei, *_ in labelled
        for nucleus in nuclei
    ]
    if not rows:
        why = f"; the first field skipped: {next(iter(skipped.values()))}" if skipped else ""
        raise InputError(f"no nucleus remains of {len(labelled) + len(skipped)} fields{why}")
    return pd.DataFrame(rows, columns=[*COLUMNS, "longest"])


def _write_crops(
    path: Path, folder: Path, labelled: list[Labelled], places: np.ndarray, knobs: Prepare
) -> dict[str, str]:
    """Write the crop of every nucleus to its place; return why fields are damaged, by name."""
    start = files.begin_crops(path, len(places), knobs.side)
    names = [one.field.name for one in labelled]
    parts = np.split(places, np.cumsum([len(one.nuclei) for one in labelled])[:-1])
    places_of = dict(zip(names, parts, strict=True))

    def write(one: Labelled) -> None:
        field = one.field
        image = images.open_image(folder / field.image, field.image)
        with path.open("r+b") as file:  # each thread has its own
            for positions, cut in crops(image, field, one.nuclei, knobs.window_um, knobs.side):
                files.write_crops(file, start, places_of[field.name][positions], cut)

    return _side_by_side("crops", write, dict(zip(names, labelled, strict=True)), knobs)[1]


def _side_by_side(
    what: str, function: Callable[[Item], Result], items: dict[str, Item], knobs: Prepare
) -> tuple[list[Result], dict[str, str]]:
    """Call a function for every field, by name; return results, and errors if they are skipped."""
    results: list[Result] = []
    errors: dict[str, str] = {}
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        futures = {name: pool.submit(function, item) for name, item in items.items()}
        for name, future in tqdm(futures.items(), what, unit="field", disable=None):
            try:
                results.append(future.result())
            except InputError as error:
                if knobs.on_error == "fail":
                    pool.shutdown(cancel_futures=True)
                    raise
                errors[name] = str(error)
    return results, errors
