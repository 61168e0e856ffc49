"""Orders of the nuclei in which every prefix is balanced as the whole is."""

from collections.abc import Callable

import numpy as np
import pandas as pd

from nuclei.core import draws


def of_nuclei(table: pd.DataFrame, seed: int) -> np.ndarray:
    """Return the row positions, int64 (N,), in an order balanced over classes and patients.

    Each patient's nuclei of a class are shuffled and spread evenly over (0, 1), from an offset
    drawn for the patient. Their ranks are the order within the class. The classes, each spread
    evenly too, are then merged, so a prefix holds each class within one nucleus of its share. Draws
    depend on the seed and on names alone, not on the order of the table's rows.
    """
    table = table.assign(
        group=table["label"] + "/" + table["patient"], draw=draws.of_names(table["id"], seed, "row")
    )
    group = table.groupby("group")["draw"]
    offset = pd.Series(draws.of_names(list(group.groups), seed, "offset"), index=list(group.groups))
    spread = (group.rank() - 1 + table["group"].map(offset)) / group.transform("size")
    by_class = spread.groupby(table["label"])
    merged = (by_class.rank() - 0.5) / by_class.transform("size")
    return np.lexsort((table["label"], merged))


def of_patients(table: pd.DataFrame, seed: int) -> np.ndarray:
    """Return the row positions, int64 (N,), in an order of whole patients balanced over sites.

    Each site's patients are shuffled and spread evenly over (0, 1), from an offset drawn for the
    site. Within a patient the order is that of `of_nuclei`.
    """
    patients = table.groupby("patient")["site"].first().reset_index()
    draw = pd.Series(draws.of_names(patients["patient"].tolist(), seed, "patient"))
    by_site = draw.groupby(patients["site"])
    names = sorted(patients["site"].unique())
    offset = dict(zip(names, draws.of_names(names, seed, "offset"), strict=True))
    spread = (by_site.rank() - 1 + patients["site"].map(offset)) / by_site.transform("size")
    place = dict(zip(patients["patient"], spread.rank(method="first"), strict=True))
    within = np.argsort(of_nuclei(table, seed))
    return np.lexsort((within, table["patient"].map(place)))


ORDERS: dict[str, Callable[[pd.DataFrame, int], np.ndarray]] = {
    "nuclei": of_nuclei,
    "patients": of_patients,
}
