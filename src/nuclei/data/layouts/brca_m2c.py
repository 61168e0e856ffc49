"""BRCA-M2C: tiles of TCGA breast slides at about 0.5 microns per pixel, a dot per nucleus.

Abousamra et al., Multi-Class Cell Detection Using Spatial Context Representation, ICCV 2021.
"""

import re
from collections import Counter

from nuclei.core.errors import InputError
from nuclei.data.layouts import labels
from nuclei.data.layouts.fields import PATIENT, FieldOfView, Layout, Lists, Nucleus, names_in, site

MPP = 0.5
LABELS = {"1": "TIL", "2": "tumor", "3": "stromal"}
ENDING = "_gt_class_coords.txt"
LISTS = {
    "brca_ds_train.txt": "train",
    "brca_ds_val.txt": "validation",
    "brca_ds_test.txt": "test",
}


class BrcaM2C(Layout):
    """Tiles in images/, a text file for each in labels/, and three lists of tiles."""

    name = "BRCA-M2C"
    folders = ("images", "labels")
    maps_names = True
    split_lists = tuple(LISTS)

    def fields(self, names: list[str], table: bytes) -> list[FieldOfView]:
        """List the tiles that have an image or a label file, by name."""
        images = names_in(names, "images", ".png")
        labelled = names_in(names, "labels", ENDING)
        fields = []
        for name in sorted(images | labelled):
            image, file = f"images/{name}.png", f"labels/{name}{ENDING}"
            match = re.match(rf"({PATIENT})(?![A-Z0-9])", name)
            if not match:
                raise InputError(f"{image}: must begin with a patient such as TCGA-A2-A04T")
            fields.append(FieldOfView(name, image, file, match[1], site(match[1]), MPP))
        return fields

    def nuclei(self, field: FieldOfView, content: bytes) -> tuple[list[Nucleus], Counter[str]]:
        """Read a tile's label file, rows of `Y X class`; an empty file is a tile without nuclei."""
        nuclei, file = [], str(field.labels)
        for number, line in enumerate(labels.text(content, file).splitlines()):
            where = f"{file}: row {number}"
            cells = line.split()
            if not cells:
                continue
            if len(cells) != 3:
                raise InputError(f"{where}: must be Y X class; got {line!r}")
            y, x = (labels.pixels(cells[n], f"{where}: {axis}") for n, axis in enumerate("YX"))
            if (label := cells[2]) not in LABELS:
                valid = "1 (TIL), 2 (tumor), 3 (stromal)"
                raise InputError(f"{where}: unknown class {label!r}; valid: {valid}")
            nuclei.append(Nucleus(f"{field.name}/{number}", LABELS[label], x, y))
        return nuclei, Counter()

    def released_splits(self, fields: list[FieldOfView], lists: Lists) -> dict[str, str]:
        """Return "train", "validation" or "test" by tile, as the three lists say, each once."""
        tiles = {f"{field.name}.png": field.name for field in fields}
        splits: dict[str, str] = {}
        for file, content in lists.items():
            lines = [line.strip() for line in labels.text(content, file).splitlines()]
            listed = [line for line in lines if line]
            if not listed:
                raise InputError(f"{file}: lists no tile")
            for tile in listed:
                if tile not in tiles:
                    raise InputError(f"{file}: lists {tile!r}, which images/ does not hold")
                if tiles[tile] in splits:
                    raise InputError(f"{file}: lists {tile!r}, which is listed before")
                splits[tiles[tile]] = LISTS[file]
        if unlisted := sorted(set(tiles.values()) - set(splits)):
            raise InputError(f"images/{unlisted[0]}.png: in none of {', '.join(lists)}")
        return splits
