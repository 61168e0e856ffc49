"""Stage prepare: a raw data set of any known layout -> uniform crops in three splits."""

import json
import os
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import BinaryIO

import numpy as np
import pandas as pd
from tqdm import tqdm

import stage
from nuclei import crops, layouts, splits
from nuclei.errors import InputError
from nuclei.params import Prepare
from nuclei.raw import Field, Nucleus, check_frame

COLUMNS = ["id", "label", "patient", "site", "source"]


def main() -> None:
    """Read data/raw/NAME, write data/prepared."""
    params = stage.read_params()
    settings = params.prepare
    folder = _raw_folder(params.data)
    names = _names(folder)
    layout = layouts.recognise(names, str(folder))
    fields = layout.fields(names)
    if not fields:
        raise InputError(f"{folder}: {layout.NAME}, but without an image in {layout.FOLDERS[0]}/")
    lists = {name: _bytes(folder / name) for name in layout.lists(settings.fold)}
    split_of, moved = splits.by_patient(fields, layout.official(fields, lists), layout.PRECEDENCE)
    split_of, held_out = splits.with_validation(
        split_of, {f.patient: f.site for f in fields}, settings.validation, settings.seed
    )
    with stage.output(stage.PREPARED) as unfinished:
        unfinished.mkdir()
        in_reading_order = unfinished / "crops"
        read = partial(_read_field, folder=folder, layout=layout, settings=settings)
        with in_reading_order.open("wb") as file:
            table, dropped, skipped = _read_fields(fields, read, file, settings.on_error)
        table["split"] = table["patient"].map(split_of)
        splits.check(table)
        with in_reading_order.open("rb") as file:
            _write_splits(unfinished, file, table, settings)
        in_reading_order.unlink()
        if table["longest"].notna().all():
            _write_csv(unfinished / "sizes.csv", table[["id", "longest"]].round(4))
        summary = {
            "data": params.data,
            "layout": layout.NAME,
            "side": settings.side,
            "microns": settings.microns if fields[0].microns_per_pixel else None,
            "fields": {
                "found": len(fields),
                "skipped": len(skipped),
                "without_nuclei": len(fields) - len(skipped) - table["source"].nunique(),
            },
            "rows": {
                "read": len(table) + dropped.total(),
                "kept": len(table),
                "dropped": dropped.total(),
            },
            "dropped": dict(sorted(dropped.items())),
            "skipped": skipped,
            "moved": moved,
            "held_out_sites": held_out,
            "kept": splits.count(table),
        }
        text = json.dumps(summary, indent=2, ensure_ascii=False)
        (unfinished / "summary.json").write_text(text + "\n", encoding="utf-8")


def _raw_folder(name: str) -> Path:
    folder = stage.RAW / name
    if not folder.is_dir():
        there = sorted(path.name for path in stage.RAW.glob("*") if path.is_dir())
        raise InputError(
            f"params.yaml: data: there is no folder {folder}; "
            f"{stage.RAW} holds: {', '.join(there) or 'nothing'}"
        )
    return folder


def _names(folder: Path) -> list[str]:
    """POSIX names of all files in `folder` but hidden ones."""
    root = folder.resolve()
    names, led_out = [], []
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
            names.append(name)
    if led_out:
        cache = _cache()
        for name in led_out:
            if cache is None or not (root / name).resolve().is_relative_to(cache):
                raise InputError(f"{folder / name}: a link to a place outside {folder}")
    return names


def _fail(error: OSError) -> None:
    raise error


def _cache() -> Path | None:
    # With `cache.type symlink`, DVC makes every file that it tracks a link into its cache.
    from dvc.exceptions import NotDvcRepoError
    from dvc.repo import Repo  # half a second to import, and few need it

    try:
        with Repo() as repo:
            return Path(repo.cache.local.path).resolve()
    except NotDvcRepoError:
        return None


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from None


def _read_field(
    field: Field, folder: Path, layout: ModuleType, settings: Prepare
) -> tuple[list[Nucleus], Counter[str], np.ndarray]:
    """Return a field's nuclei, its dropped rows by reason, and a crop per nucleus."""
    content = b"" if field.labels is None else _bytes(folder / field.labels)
    nuclei, dropped = layout.nuclei(field, content)
    image = crops.decode(_bytes(folder / field.image), field.image)
    if field.microns_per_pixel is None:
        whole = crops.resize(image, settings.side)
        return nuclei, dropped, whole[None][: len(nuclei)]
    check_frame(field, nuclei, *image.shape[:2])
    centres = np.array([(nucleus.x, nucleus.y) for nucleus in nuclei])
    cut = crops.cut(image, centres, settings.microns, field.microns_per_pixel, settings.side)
    return nuclei, dropped, cut


def _read_fields(
    fields: list[Field], read: Callable, file: BinaryIO, on_error: str
) -> tuple[pd.DataFrame, Counter, dict[str, str]]:
    """Append the crops of every field to `file`; return their table, the dropped, the skipped."""
    rows, dropped, skipped = [], Counter(), {}
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        results = zip(fields, _ahead(pool, read, fields), strict=True)
        for field, result in tqdm(results, total=len(fields), unit="field", disable=None):
            try:
                nuclei, field_dropped, images = result.result()
            except InputError as error:
                if on_error == "fail":
                    raise
                skipped[field.name] = str(error)
                continue
            file.write(images.tobytes())
            dropped += field_dropped
            seen = field.patient, field.site, field.image
            rows += [(n.id, n.label, *seen, n.longest) for n in nuclei]
    if not rows:
        why = f"; the first field skipped: {next(iter(skipped.values()))}" if skipped else ""
        raise InputError(f"no nucleus remains of {len(fields)} fields{why}")
    return pd.DataFrame(rows, columns=[*COLUMNS, "longest"]), dropped, skipped


def _ahead(pool: Executor, function: Callable, items: Iterable) -> Iterator[Future]:
    """Yield the future of every item in order; only a few images are ever held in memory."""
    waiting: deque[Future] = deque()
    for item in items:
        waiting.append(pool.submit(function, item))
        if len(waiting) > 2 * (os.cpu_count() or 1):
            yield waiting.popleft()
    yield from waiting


def _write_splits(folder: Path, crops: BinaryIO, table: pd.DataFrame, settings: Prepare) -> None:
    for split in splits.SPLITS:
        rows = np.flatnonzero(table["split"] == split)
        rows = rows[splits.order(table.iloc[rows], settings.seed)]
        _write_images(folder / f"{split}.npy", crops, rows, settings.side)
        _write_csv(folder / f"{split}.csv", table.iloc[rows][COLUMNS])


def _write_images(path: Path, crops: BinaryIO, rows: np.ndarray, side: int) -> None:
    """Gather `rows` of the raw crops file into a .npy, one at a time."""
    size = side * side * 3
    header = {"descr": "|u1", "fortran_order": False, "shape": (len(rows), side, side, 3)}
    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, header)
        for row in rows:
            crops.seek(int(row) * size)
            file.write(crops.read(size))


def _write_csv(path: Path, table: pd.DataFrame) -> None:
    table.to_csv(path, index=False, lineterminator="\n", encoding="utf-8")


if __name__ == "__main__":
    stage.run(main)
