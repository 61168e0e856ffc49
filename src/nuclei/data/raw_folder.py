"""What a raw folder holds: its files, none that leads out of it, and the nuclei of its fields."""

import math
import os
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np
import pandas as pd
from tqdm import tqdm

from nuclei.core import paths
from nuclei.core.errors import InputError
from nuclei.data import images
from nuclei.data.layouts import names as names_of_classes
from nuclei.data.layouts.fields import FieldOfView, Nucleus, check_frame
from nuclei.data.layouts.recognition import Layout
from nuclei.data.params import Prepare

COLUMNS = ["id", "label", "patient", "site", "source"]

Part = tuple[np.ndarray, np.ndarray]  # positions of nuclei in their field, and their crops


class ReadField(NamedTuple):
    """What was read of a field of view; of a slide, a part is not cut before it is asked for."""

    nuclei: list[Nucleus]
    dropped: Counter[str]  # rows of its label file, by reason
    parts: Iterable[Part]
    stretched: bool  # it is one nucleus and not square, which a crop is
    names: set[str]  # of classes, as they stand in the data


class Read(NamedTuple):
    """What was read of a raw folder."""

    table: pd.DataFrame  # a row per nucleus: id, label, patient, site, source, longest
    dropped: Counter[str]  # rows of label files, by reason
    skipped: dict[str, str]  # why a field was not read, by its name
    stretched: list[str]  # images that are one nucleus and not square, which a crop is
    names: set[str]  # of classes, as they stand in the data


def find(data: str) -> Path:
    """Return the folder of the data set that params.yaml names; raises InputError without one."""
    folder = paths.RAW / data
    if not folder.is_dir():
        there = sorted(path.name for path in paths.RAW.glob("*") if path.is_dir())
        raise InputError(
            f"params.yaml: data: there is no folder {folder}; "
            f"{paths.RAW} holds: {', '.join(there) or 'nothing'}"
        )
    return folder


def names(folder: Path, cache_folder: Callable[[], Path | None]) -> list[str]:
    """List the POSIX names of all files in `folder` but hidden ones.

    Args:
        folder: the raw folder.
        cache_folder: returns the folder of DVC's cache, into which a file may be a link.

    Raises:
        InputError: naming what is no file, or a link that leads out of the folder.
    """
    root = folder.resolve()
    found, led_out = [], []
    for parent, folders, files in os.walk(root, onerror=_fail):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for path in (Path(parent, name) for name in [*folders, *files] if name[0] != "."):
            name = path.relative_to(root).as_posix()
            if not name.isprintable():
                raise InputError(f"{folder}: {name!r}: a name must be of printable characters")
            if path.is_dir() and not path.is_symlink():
                continue
            if not path.is_file():
                raise InputError(f"{folder / name}: valid: files, folders and links to files")
            if path.is_symlink() and not path.resolve().is_relative_to(root):
                led_out.append(name)
            found.append(name)
    if led_out:
        # With `cache.type symlink`, DVC makes every file that it tracks a link into its cache.
        cache = cache_folder()
        for name in led_out:
            if cache is None or not (root / name).resolve().is_relative_to(cache):
                raise InputError(f"{folder / name}: a link to a place outside {folder}")
    return found


def _fail(error: OSError) -> None:
    raise error


def content(path: Path) -> bytes:
    """Read a file whole; raises InputError, beginning with its name, where it cannot be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from None


def read_fields(
    folder: Path, layout: Layout, fields: list[FieldOfView], knobs: Prepare, file: BinaryIO
) -> Read:
    """Read every field of view, side by side; append the crops of its nuclei to `file`.

    Args:
        folder: the raw folder.
        layout: its layout.
        fields: of `layout.fields`.
        knobs: how to crop, and whether an unreadable field is skipped.
        file: gets the crops, uint8 (side, side, 3) each, in the order of the table, and can be
            truncated.

    Returns:
        The table of nuclei, and what was left out or changed.

    Raises:
        InputError: a field cannot be read, or no nucleus remains.
    """
    rows: list[tuple] = []
    dropped: Counter[str] = Counter()
    skipped: dict[str, str] = {}
    stretched: list[str] = []
    names: set[str] = set()
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        read = partial(_read_field, folder=folder, layout=layout, knobs=knobs, pool=pool)
        results = zip(fields, _ahead(pool, read, fields), strict=True)
        for field, result in tqdm(results, total=len(fields), unit="field", disable=None):
            start = file.tell()
            kept: list[Nucleus] = []
            try:
                read_field = result.result()
                for positions, patches in read_field.parts:
                    file.write(patches.tobytes())
                    kept += [read_field.nuclei[position] for position in positions]
            except InputError as error:
                if knobs.on_error == "fail":
                    raise
                # Of a slide, some crops may be written before a part that cannot be read.
                file.seek(start)
                file.truncate()
                skipped[field.name] = str(error)
                continue
            names |= read_field.names
            dropped += read_field.dropped
            stretched += [field.image] if read_field.stretched else []
            seen = field.patient, field.site, field.image
            rows += [(n.id, n.label, *seen, n.longest) for n in kept]
    if not rows:
        why = f"; the first field skipped: {next(iter(skipped.values()))}" if skipped else ""
        raise InputError(f"no nucleus remains of {len(fields)} fields{why}")
    table = pd.DataFrame(rows, columns=[*COLUMNS, "longest"])
    return Read(table, dropped, skipped, stretched, names)


def _read_field(
    field: FieldOfView, folder: Path, layout: Layout, knobs: Prepare, pool: Executor
) -> ReadField:
    labels = b"" if field.labels is None else content(folder / field.labels)
    image = images.open_image(folder / field.image, field.image)
    scale = field.microns_per_pixel
    if scale is not None and math.isnan(scale):
        tables = " or ".join(layout.TABLES)
        scale = images.scale(image, f"a column microns_per_pixel in {tables}")
    read, dropped = layout.nuclei(field._replace(microns_per_pixel=scale), labels)
    nuclei, without_class = names_of_classes.named(read, knobs.classes)
    dropped += without_class
    names = {nucleus.label for nucleus in read}
    if scale is None:
        whole = images.whole(image, knobs.side)[None][: len(nuclei)]
        stretched = len(whole) > 0 and image.width != image.height
        return ReadField(nuclei, dropped, [(np.arange(len(whole)), whole)], stretched, names)
    check_frame(field, nuclei, field.labels or layout.TABLES[0], image.height, image.width)
    centres = np.array([(nucleus.x, nucleus.y) for nucleus in nuclei])
    cut = partial(images.windows, image, centres, knobs.window_um, scale, knobs.side)
    parts = cut(partial(_side_by_side, pool)) if image.is_slide else list(cut())
    return ReadField(nuclei, dropped, parts, False, names)


def _side_by_side(pool: Executor, function: Callable, items: Iterable) -> Iterator:
    return (future.result() for future in _ahead(pool, function, items))


def _ahead(pool: Executor, function: Callable, items: Iterable) -> Iterator[Future]:
    """Yield the future of every item in order; only a few images are ever held in memory."""
    waiting: deque[Future] = deque()
    for item in items:
        waiting.append(pool.submit(function, item))
        if len(waiting) > 2 * (os.cpu_count() or 1):
            yield waiting.popleft()
    yield from waiting
