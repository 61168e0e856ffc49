"""Which raw layout a folder is in."""

from collections import Counter
from collections.abc import Mapping
from typing import Protocol

from nuclei.core.errors import InputError
from nuclei.data.layouts import brca_m2c, manifest, notebook, nucls, qupath
from nuclei.data.layouts.fields import FieldOfView, Nucleus


class Layout(Protocol):
    """How a raw data set is laid out on disk; the modules beside this one are its kinds."""

    @property
    def NAME(self) -> str:
        """What messages and the summary call it."""
        ...

    @property
    def FOLDERS(self) -> tuple[str, ...]:
        """The folders by which it is recognised."""
        ...

    @property
    def TABLES(self) -> tuple[str, ...]:
        """The files by which it is recognised; they list its fields of view."""
        ...

    @property
    def PRECEDENCE(self) -> tuple[str, ...]:
        """Of several released splits, a patient goes whole to the first one here."""
        ...

    def fields(self, names: list[str], content: Mapping[str, bytes]) -> list[FieldOfView]:
        """List the fields of view, given the POSIX names of all files of the raw folder.

        `content` is that of the files of `TABLES`.
        """
        ...

    def nuclei(self, field: FieldOfView, content: bytes) -> tuple[list[Nucleus], Counter[str]]:
        """Read a label file: nuclei with the name of their class, and rows dropped by reason."""
        ...

    def lists(self, folds: bool) -> list[str]:
        """Name the files that list the released folds, or else the released splits."""
        ...

    def released_folds(
        self, fields: list[FieldOfView], lists: Mapping[str, bytes]
    ) -> dict[str, int] | None:
        """Tell the fold that tests each field by its name; None where the release has no folds."""
        ...

    def released_splits(
        self, fields: list[FieldOfView], lists: Mapping[str, bytes]
    ) -> dict[str, str]:
        """Tell the released split of every field by its name, given those files' content."""
        ...


LAYOUTS: tuple[Layout, ...] = (nucls, notebook, brca_m2c, manifest, qupath)


def recognise(names: list[str], folder: str) -> Layout:
    """Recognise a raw layout by the folders and tables it holds.

    Args:
        names: POSIX names of all files, relative to the raw folder.
        folder: the raw folder's name, for messages.

    Returns:
        The layout, which reads the folder's files.

    Raises:
        InputError: the folder holds no known layout, or more than one.
    """
    folders, files = {name.partition("/")[0] for name in names if "/" in name}, set(names)
    found = [
        layout
        for layout in LAYOUTS
        if folders.issuperset(layout.FOLDERS) and files.issuperset(layout.TABLES)
    ]
    if len(found) == 1:
        return found[0]
    valid = "; ".join(
        f"{' and '.join([*lay.FOLDERS, *lay.TABLES])} ({lay.NAME})" for lay in LAYOUTS
    )
    raise InputError(
        f"{folder}: holds {'no' if not found else 'more than one'} known layout; "
        f"found folders: {', '.join(sorted(folders)) or 'none'}; valid is exactly one of: {valid}"
    )
