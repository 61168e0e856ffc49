"""Train, validation and test: whole patients each, validation by whole sites, rows in balance."""

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from nuclei import draws
from nuclei.classes import CLASSES
from nuclei.errors import InputError

SPLITS = ("train", "validation", "test")


def by_patient(
    patient_of: Mapping[str, str], released: Mapping[str, str], precedence: tuple[str, ...]
) -> tuple[dict[str, str], dict[str, dict]]:
    """Give every patient one split.

    Args:
        patient_of: the patient by the field of view's name.
        released: the released split by the field's name.
        precedence: of several released splits, a patient goes whole to the first one here.

    Returns:
        The split by patient; and of the patients who were in several, `{"from": [...], "to": ...}`.
    """
    of_patient: dict[str, set[str]] = {}
    for field, patient in patient_of.items():
        of_patient.setdefault(patient, set()).add(released[field])
    split_of = {
        patient: min(of_patient[patient], key=precedence.index) for patient in sorted(of_patient)
    }
    moved = {
        patient: {"from": sorted(of_patient[patient], key=SPLITS.index), "to": split}
        for patient, split in split_of.items()
        if len(of_patient[patient]) > 1
    }
    return split_of, moved


def with_validation(
    split_of: Mapping[str, str], site_of: Mapping[str, str], share: float, seed: int
) -> tuple[dict[str, str], list[str]]:
    """Hold whole sites of train out for validation, unless a patient already is in validation.

    Args:
        split_of: the split by patient.
        site_of: the site by patient.
        share: sites are added, in an order that the seed draws, until they hold at least this
            share of the train patients; never all sites.
        seed: of the order.

    Returns:
        The split by patient, and the sites held out.

    Raises:
        InputError: all train patients are of one site.
    """
    if "validation" in split_of.values():
        return dict(split_of), []
    patients = Counter(site_of[patient] for patient in split_of if split_of[patient] == "train")
    if len(patients) < 2:
        raise InputError(
            f"the patients outside test are of site {', '.join(patients) or 'none'}; "
            "at least two sites are needed to hold one out for validation"
        )
    sites = sorted(patients)
    held: list[str] = []
    for position in np.argsort(_draw(sites, seed, "validation"))[:-1]:
        held.append(sites[position])
        if sum(patients[site] for site in held) >= share * patients.total():
            break
    moves = {p: "validation" for p in split_of if split_of[p] == "train" and site_of[p] in held}
    return {**split_of, **moves}, sorted(held)


def check(table: pd.DataFrame) -> None:
    """Make sure that no patient is in two splits and that every split holds every class.

    Args:
        table: a row per nucleus with the columns patient, label and split.

    Raises:
        InputError: naming the patient and the splits, or the split and the class it lacks.
    """
    splits_of = table.groupby("patient")["split"].unique()
    for patient, splits in splits_of[splits_of.str.len() > 1].items():
        raise InputError(f"patient {patient} is in {' and '.join(splits)}; valid: one split")
    for split in SPLITS:
        present = set(table.loc[table["split"] == split, "label"])
        for label in CLASSES:
            if label not in present:
                raise InputError(
                    f"{split} holds no {label} nucleus; every split needs all of "
                    f"{', '.join(CLASSES)}: change prepare.seed, prepare.validation or "
                    "prepare.fold in params.yaml, or the data set"
                )


def order(table: pd.DataFrame, seed: int) -> np.ndarray:
    """Order nuclei so that every prefix is balanced over classes and patients as the whole is.

    Each patient's nuclei of a class, shuffled, are spread evenly over (0, 1) from an offset drawn
    for the patient; their ranks are the order within the class, and the classes, each spread
    evenly too, are merged: a prefix holds each class within one nucleus of its share.

    Args:
        table: a row per nucleus with the columns id, label and patient.
        seed: of the shuffles and offsets; a draw depends on it and the names alone.

    Returns:
        int64 (N,), row positions of `table`; the nuclei they name do not depend on its row order.
    """
    table = table.assign(
        group=table["label"] + "/" + table["patient"], draw=_draw(table["id"], seed, "row")
    )
    group = table.groupby("group")["draw"]
    offset = pd.Series(_draw(list(group.groups), seed, "offset"), index=list(group.groups))
    spread = (group.rank() - 1 + table["group"].map(offset)) / group.transform("size")
    by_class = spread.groupby(table["label"])
    even = (by_class.rank() - 0.5) / by_class.transform("size")
    return np.lexsort((table["label"], even))


def _draw(names: Sequence[str], seed: int, purpose: str) -> np.ndarray:
    return draws.uniform(draws.keys(draws.hash_ids(names), seed, 0, purpose), 0)


def count(table: pd.DataFrame) -> dict[str, dict[str, dict[str, int]]]:
    """Count nuclei, patients and sites by split and class, and by split over all classes."""
    return {
        split: {
            label: {
                "nuclei": len(part),
                "patients": part["patient"].nunique(),
                "sites": part["site"].nunique(),
            }
            for label in (*CLASSES, "all")
            for part in [rows if label == "all" else rows[rows["label"] == label]]
        }
        for split in SPLITS
        for rows in [table[table["split"] == split]]
    }


def summary(
    table: pd.DataFrame, fields: int, dropped: Counter[str], skipped: Mapping[str, str]
) -> dict:
    """Count what was read, kept and dropped.

    Args:
        table: a row per nucleus that was kept, with the column source.
        fields: how many fields of view were found.
        dropped: the rows dropped, by reason.
        skipped: why a field could not be read, by its name.
    """
    return {
        "fields": {
            "found": fields,
            "skipped": len(skipped),
            "without_nuclei": fields - len(skipped) - table["source"].nunique(),
        },
        "rows": {
            "read": len(table) + dropped.total(),
            "kept": len(table),
            "dropped": dropped.total(),
        },
        "dropped": dict(sorted(dropped.items())),
        "skipped": dict(skipped),
    }
