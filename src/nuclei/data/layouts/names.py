"""What people call the three classes: from a name in their data to the class that it means."""

from collections import Counter
from collections.abc import Iterable, Mapping
from functools import cache, partial

from nuclei.core.classes import CLASSES
from nuclei.data.layouts.fields import Nucleus

# Lower case. Tumor, Stroma and Immune cells are those with which QuPath comes.
SYNONYMS = {
    "tumor": ("tumor", "tumour", "tumor cell", "tumour cell", "cancer", "carcinoma", "neoplastic"),
    "stromal": ("stromal", "stroma", "stromal cell", "fibroblast", "connective"),
    "TIL": ("til", "tils", "lymphocyte", "lymphocytes", "immune cells", "immune cell", "immune"),
}
CLASS_OF = {name: label for label in CLASSES for name in SYNONYMS[label]}


def class_of(name: str, own: Mapping[str, str | None]) -> str | None:
    """Return the class that a name stands for, or None; capitals and spaces around do not count.

    QuPath derives names from others, such as "Immune cells: Positive": if the whole is not listed,
    its first part counts. `own` classes, None to drop one, go before the synonyms listed here.
    """
    labels = CLASS_OF | {own_name.strip().lower(): label for own_name, label in own.items()}
    whole = name.strip().lower()
    return labels[whole] if whole in labels else labels.get(_first_part(whole))


def without_use(names: Iterable[str], own: Iterable[str]) -> list[str]:
    """Return the names of `own` that are neither a name in the data nor its first part."""
    in_data = {name.strip().lower() for name in names}
    in_data |= {_first_part(name) for name in in_data}
    return [name for name in own if name.strip().lower() not in in_data]


def named(
    nuclei: Iterable[Nucleus], own: Mapping[str, str | None]
) -> tuple[list[Nucleus], Counter[str]]:
    """Return nuclei with the classes that their names stand for; count the others by name."""
    kept: list[Nucleus] = []
    dropped: Counter[str] = Counter()
    label_of = cache(partial(class_of, own=own))
    for nucleus in nuclei:
        name = nucleus.label
        if label := label_of(name):
            kept.append(nucleus._replace(label=label))
        else:
            dropped[f"class {name!r}" if name else "no class"] += 1
    return kept, dropped


def _first_part(name: str) -> str:
    return name.partition(":")[0].strip()
