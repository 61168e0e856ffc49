"""The NuCLS release: fields of view at 0.2 microns per pixel, a box per nucleus.

Amgad et al., NuCLS: A scalable crowdsourcing approach and dataset for nucleus classification and
segmentation in breast cancer, GigaScience 11, 2022.
"""

import re
from collections import Counter

from nuclei.core.errors import InputError
from nuclei.data.layouts import labels
from nuclei.data.layouts.fields import PATIENT, FieldOfView, Layout, Lists, Nucleus, names_in, site

FOLDS = (1, 2, 3, 4, 5)  # of whole sites, the authors' own protocol
MPP = 0.2
LABELS = {
    "tumor": "tumor",
    "mitotic_figure": "tumor",
    "fibroblast": "stromal",
    "vascular_endothelium": "stromal",
    "macrophage": "stromal",
    "lymphocyte": "TIL",
    "plasma_cell": "TIL",
}
DROPPED = (
    *("neutrophil", "eosinophil", "myoepithelium", "ductal_epithelium"),
    *("apoptotic_body", "unlabeled"),
)
BOX = ("xmin", "ymin", "xmax", "ymax")
COLUMNS = ("raw_classification", "type", *BOX)
INDEX = "ALL_FOV_LOCATIONS"  # the release keeps its table of fields among the label files
FIELD = re.compile(
    rf"({PATIENT})-DX[A-Z0-9]+_id-[0-9a-f]{{24}}"
    r"_left-[0-9]+_top-[0-9]+_bottom-[0-9]+_right-[0-9]+"
)


class Nucls(Layout):
    """Images in rgb/, a table for each in csv/, and lists of train and test slides per fold."""

    name = "NuCLS release"
    folders = ("rgb", "csv")
    maps_names = True
    fold_lists = tuple(
        f"train_test_splits/fold_{n}_{split}.csv" for n in FOLDS for split in ("train", "test")
    )
    split_lists = fold_lists[:2]  # of the first fold

    def fields(self, names: list[str], table: bytes) -> list[FieldOfView]:
        """List the fields of view that have an image or a label file, by name.

        The numbers in a field's name are pixels of the slide, not of the image; they are not used.
        """
        images = names_in(names, "rgb", ".png")
        labelled = names_in(names, "csv", ".csv") - {INDEX}
        fields = []
        for name in sorted(images | labelled):
            match = FIELD.fullmatch(name)
            if not match:
                folder = "rgb" if name in images else "csv"
                raise InputError(
                    f"{folder}/{name}: not the name of a field of view, such as "
                    "TCGA-A2-A04T-DX1_id-<24 hex>_left-1_top-1_bottom-2_right-2"
                )
            image, file, patient = f"rgb/{name}.png", f"csv/{name}.csv", match[1]
            fields.append(FieldOfView(name, image, file, patient, site(patient), MPP))
        return fields

    def nuclei(self, field: FieldOfView, content: bytes) -> tuple[list[Nucleus], Counter[str]]:
        """Read a field's label file: nuclei centred on the middle of their boxes.

        Rows are dropped for their raw class, as "point", or as "box without area".
        """
        nuclei: list[Nucleus] = []
        dropped: Counter[str] = Counter()
        file = str(field.labels)
        for number, row in enumerate(labels.table(content, file, COLUMNS)):
            where = f"{file}: row {number}"
            raw = row["raw_classification"]
            name = raw.removeprefix("correction_")
            if name not in LABELS and name not in DROPPED:
                valid = ", ".join(sorted([*LABELS, *DROPPED]))
                raise InputError(f"{where}: unknown raw_classification {raw!r}; valid: {valid}")
            if name in DROPPED:
                dropped[name] += 1
                continue
            if row["type"] == "point":
                dropped["point"] += 1
                continue
            left, top, right, bottom = (
                labels.pixels(row[side], f"{where}: {side}") for side in BOX
            )
            if right <= left or bottom <= top:
                dropped["box without area"] += 1
                continue
            longest = max(right - left, bottom - top) * MPP
            centre = (left + right) / 2, (top + bottom) / 2
            nuclei.append(Nucleus(f"{field.name}/{number}", LABELS[name], *centre, longest))
        return nuclei, dropped

    def released_folds(self, fields: list[FieldOfView], lists: Lists) -> dict[str, int]:
        """Return the fold that tests each field, by the five pairs of lists: one and no more."""
        pairs = list(lists.items())
        splits_of = {
            fold: self.released_splits(fields, dict(pairs[2 * fold - 2 : 2 * fold]))
            for fold in FOLDS
        }
        fold_of: dict[str, int] = {}
        for field in fields:
            testing = [fold for fold in FOLDS if splits_of[fold][field.name] == "test"]
            if len(testing) != 1:
                listed = ", ".join(map(str, testing)) or "none"
                raise InputError(
                    f"train_test_splits: {field.image} is tested by these folds: {listed}; valid: "
                    "exactly one"
                )
            [fold_of[field.name]] = testing
        return fold_of

    def released_splits(self, fields: list[FieldOfView], lists: Lists) -> dict[str, str]:
        """Return "train" or "test" by field, by the slides in a fold's two files, train first."""
        train, test = (
            {row["slide_name"] for row in labels.table(content, file, ("slide_name",))}
            for file, content in lists.items()
        )
        splits: dict[str, str] = {}
        for field in fields:
            slide = field.name.partition("_id-")[0]
            if (slide in train) == (slide in test):
                number = "both" if slide in train else "neither"
                raise InputError(
                    f"{field.image}: its slide {slide} is in {number} of {' and '.join(lists)}; "
                    "valid: exactly one"
                )
            splits[field.name] = "train" if slide in train else "test"
        return splits
