"""BRCA-M2C: tiles of TCGA breast slides at about 0.5 microns per pixel, a dot per nucleus.

Abousamra et al., Multi-Class Cell Detection Using Spatial Context Representation, ICCV 2021.
"""

import re
from collections import Counter
from collections.abc import Mapping

from nuclei.core.errors import InputError
from nuclei.data.layouts import labels
from nuclei.data.layouts.fields import PATIENT, FieldOfView, Nucleus, names_in, site

NAME = "BRCA-M2C"
FOLDERS = ("images", "labels")
TABLES = ()
PRECEDENCE = ("test", "train", "validation")  # a patient on several lists: test stays whole
MICRONS_PER_PIXEL = 0.5
LABELS = {"1": "TIL", "2": "tumor", "3": "stromal"}
ENDING = "_gt_class_coords.txt"
LISTS = {
    "brca_ds_train.txt": "train",
    "brca_ds_val.txt": "validation",
    "brca_ds_test.txt": "test",
}


def fields(names: list[str], content: Mapping[str, bytes]) -> list[FieldOfView]:
    """List the tiles.

    Args:
        names: POSIX names of all files, relative to the raw folder.
        content: of no table; names say all.

    Returns:
        One FieldOfView per image or label file, by name.

    Raises:
        InputError: a tile's name does not begin with a TCGA patient.
    """
    images = names_in(names, "images", ".png")
    labelled = names_in(names, "labels", ENDING)
    return [_field(name) for name in sorted(images | labelled)]


def _field(name: str) -> FieldOfView:
    match = re.match(rf"({PATIENT})(?![A-Z0-9])", name)
    if not match:
        raise InputError(f"images/{name}.png: must begin with a patient such as TCGA-A2-A04T")
    patient = match[1]
    return FieldOfView(
        name,
        f"images/{name}.png",
        f"labels/{name}{ENDING}",
        patient,
        site(patient),
        MICRONS_PER_PIXEL,
    )


def nuclei(field: FieldOfView, content: bytes) -> tuple[list[Nucleus], Counter[str]]:
    """Read a tile's label file, rows of `Y X class`; an empty file is a tile without nuclei.

    Args:
        field: the tile.
        content: its label file.

    Returns:
        The nuclei, and an empty count: this layout has no row to drop.

    Raises:
        InputError: a row is malformed or its class unknown.
    """
    kept, file = [], str(field.labels)
    for number, line in enumerate(labels.text(content, file).splitlines()):
        where = f"{file}: row {number}"
        cells = line.split()
        if not cells:
            continue
        if len(cells) != 3:
            raise InputError(f"{where}: must be Y X class; got {line!r}")
        y, x = (
            labels.pixels(cell, f"{where}: {axis}") for cell, axis in zip(cells, "YX", strict=False)
        )
        if cells[2] not in LABELS:
            raise InputError(
                f"{where}: unknown class {cells[2]!r}; valid: 1 (TIL), 2 (tumor), 3 (stromal)"
            )
        kept.append(Nucleus(f"{field.name}/{number}", LABELS[cells[2]], x, y))
    return kept, Counter()


def lists(folds: bool) -> list[str]:
    """Names of the files that list the splits; the release has no folds of its own."""
    return [] if folds else list(LISTS)


def released_folds(fields: list[FieldOfView], lists: Mapping[str, bytes]) -> None:
    """Return None: the release has no folds."""


def released_splits(fields: list[FieldOfView], lists: Mapping[str, bytes]) -> dict[str, str]:
    """Tell the splits of tiles by the released lists.

    Args:
        fields: all tiles.
        lists: name and content of the three lists.

    Returns:
        "train", "validation" or "test" by field name.

    Raises:
        InputError: a list is empty, names a tile that is not there or listed before, or a tile
            is in no list.
    """
    tiles = {f"{field.name}.png": field.name for field in fields}
    splits = {}
    for file, content in lists.items():
        listed = [line.strip() for line in labels.text(content, file).splitlines() if line.strip()]
        if not listed:
            raise InputError(f"{file}: lists no tile")
        for tile in listed:
            if tile not in tiles:
                raise InputError(f"{file}: lists {tile!r}, which images/ does not hold")
            if tiles[tile] in splits:
                raise InputError(f"{file}: lists {tile!r}, which is listed before")
            splits[tiles[tile]] = LISTS[file]
    unlisted = sorted(set(tiles.values()) - set(splits))
    if unlisted:
        raise InputError(f"images/{unlisted[0]}.png: in none of {', '.join(lists)}")
    return splits
