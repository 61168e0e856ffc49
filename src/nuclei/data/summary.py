"""What `prepare` has read, kept and left out: the content of summary.json."""

from collections import Counter
from collections.abc import Iterable
from itertools import product

import pandas as pd

from nuclei.core.classes import CLASSES
from nuclei.core.folds import SPLITS
from nuclei.data.layouts import names as names_of_classes
from nuclei.data.layouts.fields import not_read
from nuclei.data.params import PrepareParams
from nuclei.data.raw_folder import RawFolder
from nuclei.data.reading import Read


def of_all(
    params: PrepareParams, raw: RawFolder, read: Read, folds: pd.DataFrame, moved: dict[str, dict]
) -> dict:
    """Return the content of summary.json; `folds` and `moved` are of `splits.of_layout`."""
    knobs, simulate = params.prepare, params.simulate if params.data == "simulated" else {}
    dropped = sum((one.dropped for one in read.fields), Counter())
    stretched = [one.field.image for one in read.fields if one.stretched]
    unread = not_read(raw.names, {field.image for field in raw.fields})
    count = len(read.table)
    return {
        "data": params.data,
        "layout": raw.layout.name,
        "side": knobs.side,
        "window_um": None if raw.fields[0].one_nucleus else knobs.window_um,
        "order": knobs.order,
        "knobs": {
            "data": params.data,
            **{f"simulate.{name}": value for name, value in simulate.items()},
            **{f"prepare.{name}": value for name, value in knobs.model_dump().items()},
        },
        "fields": {
            "found": len(raw.fields),
            "skipped": len(read.skipped),
            "without_nuclei": len(read.fields) - read.table["source"].nunique(),
        },
        "rows": {"read": count + dropped.total(), "kept": count, "dropped": dropped.total()},
        "dropped": dict(sorted(dropped.items())),
        "skipped": read.skipped,
        "pictures_not_read": {ending: _some(names) for ending, names in unread.items()},
        "crops_not_square": _some(stretched) if stretched else {},
        "moved": moved,
        "folds": of_folds(read.table, folds),
    }


def _some(names: list[str]) -> dict:
    return {"files": len(names), "first": names[0]}


def of_folds(table: pd.DataFrame, folds: pd.DataFrame) -> dict[str, dict[str, dict[str, int]]]:
    """Count nuclei, by class, patients and sites of each split of every fold."""
    counts: dict[str, dict[str, dict[str, int]]] = {}
    rows_of = dict(list(folds.groupby(["fold", "split"])))
    for fold, split in product(folds["fold"].unique(), SPLITS):
        part = table[table["patient"].isin(rows_of[fold, split]["patient"])]
        counts.setdefault(str(fold), {})[split] = {
            "nuclei": len(part),
            **{label: int((part["label"] == label).sum()) for label in CLASSES},
            "patients": part["patient"].nunique(),
            "sites": part["site"].nunique(),
        }
    return counts


def unused_names(raw: RawFolder, read: Read, own: Iterable[str]) -> list[str]:
    """Return a line for each name of `own`, prepare.classes, that no nucleus was read with."""
    names = {name for one in read.fields for name in one.names}
    why = f"no nucleus, read as {raw.layout.name}, is called that"
    if raw.layout.maps_names:
        why = f"read as {raw.layout.name}, nuclei are called {', '.join(sorted(names))} alone"
    elif read.skipped:
        why = f"it may be in one of the {len(read.skipped)} fields skipped, but in no other"
    unused = names_of_classes.without_use(names, own)
    return [f"not used: prepare.classes {name!r}: {why}" for name in unused]
