"""The NuCLS release: fields of view at 0.2 microns per pixel, a box per nucleus.

Amgad et al., NuCLS: A scalable crowdsourcing approach and dataset for nucleus classification and
segmentation in breast cancer, GigaScience 11, 2022.
"""

import re
from collections import Counter
from collections.abc import Mapping

from nuclei.core.errors import InputError
from nuclei.data.layouts import labels
from nuclei.data.layouts.fields import PATIENT, FieldOfView, Nucleus, names_in, site
from nuclei.data.layouts.layout import Layout

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
    "neutrophil",
    "eosinophil",
    "myoepithelium",
    "ductal_epithelium",
    "apoptotic_body",
    "unlabeled",
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
        f"train_test_splits/fold_{fold}_{split}.csv"
        for fold in FOLDS
        for split in ("train", "test")
    )
    split_lists = fold_lists[:2]  # of the first fold

    def fields(self, names: list[str], table: bytes) -> list[FieldOfView]:
        """List the fields of view that have an image or a label file, by name.

        The numbers in a field's name are pixels of the slide, not of the image; they are not used.

        Raises:
            InputError: a file of rgb/ or csv/ is not named as a field of view.
        """
        images = names_in(names, "rgb", ".png")
        labelled = names_in(names, "csv", ".csv") - {INDEX}
        return [
            _field(name, "rgb" if name in images else "csv") for name in sorted(images | labelled)
        ]

    def nuclei(self, field: FieldOfView, content: bytes) -> tuple[list[Nucleus], Counter[str]]:
        """Read a field's label file.

        Returns:
            The nuclei of the three classes, centred on the middle of their boxes, and the number of
            rows dropped by reason: the raw class, "point", or "box without area".

        Raises:
            InputError: a column is missing, a row is malformed or its class unknown.
        """
        nuclei: list[Nucleus] = []
        dropped: Counter[str] = Counter()
        file = str(field.labels)
        for number, row in enumerate(labels.table(content, file, COLUMNS)):
            where = f"{file}: row {number}"
            name = row["raw_classification"].removeprefix("correction_")
            if name not in LABELS and name not in DROPPED:
                valid = ", ".join(sorted([*LABELS, *DROPPED]))
                raise InputError(
                    f"{where}: unknown raw_classification {row['raw_classification']!r}; "
                    f"valid: {valid}"
                )
            if name in DROPPED:
                dropped[name] += 1
            elif row["type"] == "point":
                dropped["point"] += 1
            else:
                box = [labels.pixels(row[side], f"{where}: {side}") for side in BOX]
                nucleus = _nucleus(f"{field.name}/{number}", LABELS[name], *box)
                if nucleus:
                    nuclei.append(nucleus)
                else:
                    dropped["box without area"] += 1
        return nuclei, dropped

    def released_folds(
        self, fields: list[FieldOfView], lists: Mapping[str, bytes]
    ) -> dict[str, int]:
        """Return the fold that tests each field, by the five pairs of lists, which must agree.

        Raises:
            InputError: no fold tests a field's slide, or two do.
        """
        fold_of: dict[str, int] = {}
        pairs = list(lists.items())
        for fold in FOLDS:
            splits = self.released_splits(fields, dict(pairs[2 * fold - 2 : 2 * fold]))
            for name in (name for name, split in splits.items() if split == "test"):
                if name in fold_of:
                    raise InputError(
                        f"train_test_splits: folds {fold_of[name]} and {fold} both test {name}; "
                        "valid: exactly one"
                    )
                fold_of[name] = fold
        for field in fields:
            if field.name not in fold_of:
                raise InputError(
                    f"train_test_splits: no fold tests the slide of {field.image}; valid: exactly "
                    "one"
                )
        return fold_of

    def released_splits(
        self, fields: list[FieldOfView], lists: Mapping[str, bytes]
    ) -> dict[str, str]:
        """Return "train" or "test" by field, as the slides listed for a fold say.

        Args:
            fields: all fields of view.
            lists: name and content of the fold's two files, train first.

        Raises:
            InputError: a field's slide is in neither file, or in both.
        """
        train, test = (
            {row["slide_name"] for row in labels.table(content, file, ("slide_name",))}
            for file, content in lists.items()
        )
        for field in fields:
            slide = _slide(field)
            if (slide in train) == (slide in test):
                raise InputError(
                    f"{field.image}: its slide {slide} is in "
                    f"{'both' if slide in train else 'neither'} of {' and '.join(lists)}; valid: "
                    "exactly one"
                )
        return {field.name: "train" if _slide(field) in train else "test" for field in fields}


def _field(name: str, folder: str) -> FieldOfView:
    match = FIELD.fullmatch(name)
    if not match:
        raise InputError(
            f"{folder}/{name}: not the name of a field of view, such as "
            "TCGA-A2-A04T-DX1_id-<24 hex>_left-1_top-1_bottom-2_right-2"
        )
    patient = match[1]
    return FieldOfView(name, f"rgb/{name}.png", f"csv/{name}.csv", patient, site(patient), MPP)


def _nucleus(
    identity: str, label: str, xmin: float, ymin: float, xmax: float, ymax: float
) -> Nucleus | None:
    if xmax <= xmin or ymax <= ymin:
        return None
    longest = max(xmax - xmin, ymax - ymin) * MPP
    return Nucleus(identity, label, (xmin + xmax) / 2, (ymin + ymax) / 2, longest)


def _slide(field: FieldOfView) -> str:
    return field.name.partition("_id-")[0]
