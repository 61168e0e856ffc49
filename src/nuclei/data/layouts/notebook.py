"""The crops of the 2022 course notebook: a picture per nucleus, label and patient in its name."""

import re
from collections import Counter

from nuclei.core.classes import CLASSES
from nuclei.core.errors import InputError
from nuclei.data import crops
from nuclei.data.layouts.fields import PATIENT, FieldOfView, Layout, Lists, Nucleus, ending, site

SPLIT_OF = {"classification": "train", "classification_test": "test"}
DROPPED = "unknown"
CROP = re.compile(rf"([^./]+)\.[^./]*\.[^./]*\.({PATIENT})(?![A-Z0-9])[^/]*")


class Notebook(Layout):
    """Crops in two folders, which are the released splits; there are no folds."""

    name = "crops of the notebook"
    folders = tuple(SPLIT_OF)
    maps_names = True

    def fields(self, names: list[str], table: bytes) -> list[FieldOfView]:
        """List the crops by folder and name; each is a field of view that is one nucleus."""
        field_of: dict[str, FieldOfView] = {}
        for image in sorted(names):
            folder, _, file = image.partition("/")
            if folder not in self.folders or ending(image) not in crops.ENDINGS:
                continue
            match = CROP.fullmatch(file)
            if not match:
                raise InputError(
                    f"{image}: not the name of a crop, such as tumor.1.2.TCGA-A2-A04T-DX1.png: a "
                    "label, two parts of your own, TCGA, a site of 2 and a patient of 4 capitals "
                    "and digits"
                )
            name, patient = image[: -len(ending(image))], match[2]
            if name in field_of:
                other = field_of[name].image
                raise InputError(f"{image}: of the same name as {other}; valid: one of them")
            field = FieldOfView(name, image, None, patient, site(patient), one_nucleus=True)
            field_of[name] = field
        return list(field_of.values())

    def nuclei(self, field: FieldOfView, content: bytes) -> tuple[list[Nucleus], Counter[str]]:
        """Read the label that a crop's name begins with; "unknown" is dropped."""
        label = field.name.partition("/")[2].partition(".")[0]
        if label == DROPPED:
            return [], Counter([DROPPED])
        if label not in CLASSES:
            valid = ", ".join([*CLASSES, DROPPED])
            raise InputError(f"{field.image}: unknown label {label!r}; valid: {valid}")
        return [Nucleus(field.name, label)], Counter()

    def released_splits(self, fields: list[FieldOfView], lists: Lists) -> dict[str, str]:
        """Return "train" or "test" by crop, as its folder says."""
        return {field.name: SPLIT_OF[field.name.partition("/")[0]] for field in fields}
