"""What people call the three classes: from a name in their data to the class that it means."""

from collections import Counter
from collections.abc import Iterable, Mapping

from nuclei.core.classes import CLASSES
from nuclei.data.layouts.fields import Nucleus

# Lower case. Tumor, Stroma and Immune cells are those with which QuPath comes.
SYNONYMS = {
    "tumor": ("tumor", "tumour", "tumor cell", "tumour cell", "cancer", "carcinoma", "neoplastic"),
    "stromal": ("stromal", "stroma", "stromal cell", "fibroblast", "connective"),
    "TIL": ("til", "tils", "lymphocyte", "lymphocytes", "immune cells", "immune cell", "immune"),
}
KNOWN = {name: label for label in CLASSES for name in SYNONYMS[label]}


def class_of(name: str, own: Mapping[str, str | None]) -> str | None:
    """Tell the class that a name means; None where it means none.

    Args:
        name: as it stands in the data; capitals and spaces around it do not count. Of a name that
            QuPath has derived from another, such as "Immune cells: Positive", the first part
            counts where the whole is not known.
        own: classes by name, or None to drop one, which go before the names that are known.
    """
    of = KNOWN | {own_name.strip().lower(): label for own_name, label in own.items()}
    whole = name.strip().lower()
    return of[whole] if whole in of else of.get(whole.partition(":")[0].strip())


def without_use(names: Iterable[str], own: Mapping[str, str | None]) -> list[str]:
    """List the names of `own` that no name in the data is, nor begins with before a colon."""
    there = {name.strip().lower() for name in names}
    there |= {name.partition(":")[0].strip() for name in there}
    return [name for name in own if name.strip().lower() not in there]


def named(
    nuclei: Iterable[Nucleus], own: Mapping[str, str | None]
) -> tuple[list[Nucleus], Counter[str]]:
    """Give nuclei the class that the name of theirs means.

    Returns:
        Those of a class, in their order; of the others, how many there are by their name.
    """
    kept: list[Nucleus] = []
    dropped: Counter[str] = Counter()
    known: dict[str, str | None] = {}
    for nucleus in nuclei:
        name = nucleus.label
        if name not in known:
            known[name] = class_of(name, own)
        if label := known[name]:
            kept.append(nucleus._replace(label=label))
        else:
            dropped[f"class {name!r}" if name else "no class"] += 1
    return kept, dropped
