"""What a raw folder holds: its files, none that leads out of it, its layout and its images."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from nuclei.core import paths
from nuclei.core.errors import InputError
from nuclei.data.layouts.brca_m2c import BrcaM2C
from nuclei.data.layouts.fields import FieldOfView, Layout
from nuclei.data.layouts.manifest import Manifest
from nuclei.data.layouts.notebook import Notebook
from nuclei.data.layouts.nucls import Nucls
from nuclei.data.layouts.qupath import QuPath

LAYOUTS: tuple[Layout, ...] = (Nucls(), Notebook(), BrcaM2C(), Manifest(), QuPath())


class RawFolder(NamedTuple):
    """A raw folder, recognised."""

    folder: Path
    names: list[str]  # POSIX names of all files, relative to the folder
    layout: Layout
    fields: list[FieldOfView]


def find(data: str, cache_folder: Callable[[], Path | None]) -> RawFolder:
    """List the files and fields of view of data/raw/`data`; no label and no image is read.

    If all fields are of one site, none can be held out: each patient then counts as a site. A file
    may be a link into DVC's cache. InputError if there is no folder, no known layout, no field, or
    if a link leads out.
    """
    folder = paths.RAW / data
    if not folder.is_dir():
        others = sorted(path.name for path in paths.RAW.glob("*") if path.is_dir())
        raise InputError(
            f"params.yaml: data: there is no folder {folder}; "
            f"{paths.RAW} holds: {', '.join(others) or 'nothing'}"
        )
    names = _names(folder, cache_folder)
    layout = recognise(names, str(folder))
    fields = layout.fields(names, content(folder / layout.table) if layout.table else b"")
    if not fields:
        where = f"{layout.folders[0]}/" if layout.folders else layout.table
        raise InputError(f"{folder}: {layout.name}, but without an image in {where}")
    if len({field.site for field in fields}) == 1:
        fields = [field._replace(site=field.patient) for field in fields]
    return RawFolder(folder, names, layout, fields)


def recognise(names: list[str], folder: str) -> Layout:
    """Return the one layout of files, by their POSIX names; raise InputError if there is none."""
    folders = {name.partition("/")[0] for name in names if "/" in name}
    matches = [
        layout
        for layout in LAYOUTS
        if folders.issuperset(layout.folders) and layout.table in ("", *names)
    ]
    if len(matches) == 1:
        return matches[0]
    parts_of = {one.name: filter(None, [*one.folders, one.table]) for one in LAYOUTS}
    valid = "; ".join(f"{' and '.join(parts)} ({name})" for name, parts in parts_of.items())
    raise InputError(
        f"{folder}: holds {'more than one' if matches else 'no'} known layout; "
        f"found folders: {', '.join(sorted(folders)) or 'none'}; valid is exactly one of: {valid}"
    )


def _names(folder: Path, cache_folder: Callable[[], Path | None]) -> list[str]:
    """Return the POSIX names of all files in a folder, but hidden ones."""
    root = folder.resolve()
    all_names, outside = [], []
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
                outside.append(path)
            all_names.append(name)
    # With `cache.type symlink`, DVC makes every file that it tracks a link into its cache.
    cache = cache_folder() if outside else None
    for path in outside:
        if cache is None or not path.resolve().is_relative_to(cache):
            link = folder / path.relative_to(root)
            raise InputError(f"{link}: a link to a place outside {folder}")
    return all_names


def _fail(error: OSError) -> None:
    raise error


def content(path: Path) -> bytes:
    """Read a file whole; raise InputError, beginning with its name, if it cannot be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from None
