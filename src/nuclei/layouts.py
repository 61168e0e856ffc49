"""Which raw layout a folder is in.

A layout is a module with `NAME`, `FOLDERS` (what the raw folder must hold), `PRECEDENCE` (which
official split a patient of several joins) and the functions `fields`, `nuclei`, `lists` and
`official`.
"""

from types import ModuleType

from nuclei import brca_m2c, notebook, nucls
from nuclei.errors import InputError

LAYOUTS = (nucls, notebook, brca_m2c)


def recognise(names: list[str], folder: str) -> ModuleType:
    """Recognise a raw layout by the folders it holds.

    Args:
        names: POSIX names of all files, relative to the raw folder.
        folder: the raw folder's name, for messages.

    Returns:
        The module that reads the layout.

    Raises:
        InputError: the folder holds no known layout, or more than one.
    """
    folders = {name.partition("/")[0] for name in names if "/" in name}
    found = [layout for layout in LAYOUTS if folders.issuperset(layout.FOLDERS)]
    if len(found) == 1:
        return found[0]
    valid = "; ".join(f"{' and '.join(lay.FOLDERS)} ({lay.NAME})" for lay in LAYOUTS)
    raise InputError(
        f"{folder}: holds {'no' if not found else 'more than one'} known layout; "
        f"found folders: {', '.join(sorted(folders)) or 'none'}; valid is exactly one of: {valid}"
    )
