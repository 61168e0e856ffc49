"""What a raw layout is: how a folder is recognised, and how its files become fields and nuclei."""

from collections import Counter
from collections.abc import Mapping

from nuclei.data.layouts.fields import FieldOfView, Nucleus


class Layout:
    """How a raw data set is laid out on disk. Each kind is a subclass, in a module beside this one.

    By default, labels stand in files of their own, and neither folds nor splits are released.
    """

    name: str  # what messages and the summary call it
    folders: tuple[str, ...] = ()  # by which it is recognised
    table: str = ""  # the file by which it is recognised, too, and which lists its fields of view
    maps_names: bool = False  # it turns its own names of classes into those of this project
    fold_lists: tuple[str, ...] = ()  # files that list the released folds
    split_lists: tuple[str, ...] = ()  # files that list the released splits

    def fields(self, names: list[str], table: bytes) -> list[FieldOfView]:
        """List the fields of view.

        Args:
            names: POSIX names of all files, relative to the raw folder.
            table: content of the file `table`; empty if the layout has none.

        Raises:
            InputError: naming the file or row that is not as the layout has it.
        """
        raise NotImplementedError

    def nuclei(self, field: FieldOfView, content: bytes) -> tuple[list[Nucleus], Counter[str]]:
        """Read the nuclei of a field of view.

        Args:
            field: as `fields` returns it, with its microns per pixel unless it is one nucleus.
            content: of its label file; empty if it has none.

        Returns:
            The nuclei, with the names of their classes in the data; the rows dropped, by reason.

        Raises:
            InputError: naming the file and the row that is malformed.
        """
        raise NotImplementedError

    def released_folds(
        self, fields: list[FieldOfView], lists: Mapping[str, bytes]
    ) -> dict[str, int] | None:
        """Return the fold that tests each field, by its name; None if no folds are released.

        Args:
            fields: all fields of view.
            lists: content of the files in `fold_lists`, by name.

        Raises:
            InputError: the lists contradict each other or the fields.
        """
        return None

    def released_splits(
        self, fields: list[FieldOfView], lists: Mapping[str, bytes]
    ) -> dict[str, str]:
        """Return the released split of each field, by its name.

        Args:
            fields: all fields of view.
            lists: content of the files in `split_lists`, by name.

        Raises:
            InputError: the lists contradict each other or the fields.
        """
        raise NotImplementedError
