"""Which raw layout a folder is in."""

from nuclei.core.errors import InputError
from nuclei.data.layouts.brca_m2c import BrcaM2C
from nuclei.data.layouts.layout import Layout
from nuclei.data.layouts.manifest import Manifest
from nuclei.data.layouts.notebook import Notebook
from nuclei.data.layouts.nucls import Nucls
from nuclei.data.layouts.qupath import QuPath

LAYOUTS: tuple[Layout, ...] = (Nucls(), Notebook(), BrcaM2C(), Manifest(), QuPath())


def recognise(names: list[str], folder: str) -> Layout:
    """Return the layout of a raw folder, by the folders and tables that it holds.

    Args:
        names: POSIX names of all files, relative to the raw folder.
        folder: the raw folder's name, for messages.

    Raises:
        InputError: the folder holds no known layout, or more than one.
    """
    folders, files = {name.partition("/")[0] for name in names if "/" in name}, set(names)
    matches = [
        layout
        for layout in LAYOUTS
        if folders.issuperset(layout.folders) and files.issuperset(_table(layout))
    ]
    if len(matches) == 1:
        return matches[0]
    valid = "; ".join(
        f"{' and '.join([*layout.folders, *_table(layout)])} ({layout.name})" for layout in LAYOUTS
    )
    raise InputError(
        f"{folder}: holds {'no' if not matches else 'more than one'} known layout; "
        f"found folders: {', '.join(sorted(folders)) or 'none'}; valid is exactly one of: {valid}"
    )


def _table(layout: Layout) -> list[str]:
    return [layout.table] if layout.table else []
