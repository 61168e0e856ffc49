"""Folds of train, validation and test: whole patients each, whole sites; rows in balance."""

from collections import Counter
from collections.abc import Mapping
from itertools import product

import numpy as np
import pandas as pd

from nuclei.core import draws
from nuclei.core.classes import CLASSES
from nuclei.core.errors import InputError
from nuclei.core.folds import SPLITS


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


def tested_once(patient_of: Mapping[str, str], fold_of: Mapping[str, int]) -> dict[str, int]:
    """Give every patient the one fold that tests it.

    Args:
        patient_of: the patient by the field of view's name.
        fold_of: the fold that tests it, by the field's name.

    Raises:
        InputError: two folds test a patient.
    """
    of_patient: dict[str, int] = {}
    for field, patient in sorted(patient_of.items()):
        fold = of_patient.setdefault(patient, fold_of[field])
        if fold != fold_of[field]:
            raise InputError(
                f"patient {patient} is tested by folds {fold} and {fold_of[field]}; valid: one"
            )
    return of_patient


def dealt(site_of: Mapping[str, str], count: int, seed: int) -> dict[str, int]:
    """Deal whole sites to folds that test as equally many patients as sites allow.

    The largest site first, each to the fold with the fewest patients so far; the seed decides
    between sites of one size.

    Args:
        site_of: the site by patient.
        count: how many folds.
        seed: of the order.

    Returns:
        The fold that tests it, from 1, by patient.

    Raises:
        InputError: there are fewer sites than folds.
    """
    patients = Counter(site_of.values())
    if len(patients) < count:
        raise InputError(
            f"prepare.folds: {count} folds of whole sites need as many sites; the data hold "
            f"{len(patients)}: {', '.join(sorted(patients))}; valid: released, where lists are"
        )
    draw = dict(zip(sorted(patients), draws.of_names(sorted(patients), seed, "folds"), strict=True))
    held = dict.fromkeys(range(1, count + 1), 0)
    fold_of = {}
    for site in sorted(patients, key=lambda site: (-patients[site], draw[site])):
        fold_of[site] = min(held, key=lambda fold: held[fold])
        held[fold_of[site]] += patients[site]
    return {patient: fold_of[site] for patient, site in site_of.items()}


def of_folds(fold_of: Mapping[str, int]) -> dict[int, dict[str, str]]:
    """Return the splits of every fold, test or train, by patient."""
    return {
        number: {
            patient: "test" if fold == number else "train" for patient, fold in fold_of.items()
        }
        for number in sorted(set(fold_of.values()))
    }


def with_validation(
    split_of: Mapping[str, str], site_of: Mapping[str, str], share: float, seed: int, fold: int
) -> dict[str, str]:
    """Hold whole sites of train out for validation, unless a patient already is in validation.

    Args:
        split_of: the split by patient.
        site_of: the site by patient.
        share: sites are added, in an order that the seed draws, until they hold at least this
            share of the train patients; one that has more than twice what is missing comes last,
            the smallest of them first, so that training keeps its large sites; never all sites.
        seed: of the order.
        fold: its number; each fold draws an order of its own.

    Returns:
        The split by patient.

    Raises:
        InputError: all train patients are of one site.
    """
    if "validation" in split_of.values():
        return dict(split_of)
    patients = Counter(site_of[patient] for patient in split_of if split_of[patient] == "train")
    if len(patients) < 2:
        raise InputError(
            f"fold {fold}: the patients outside test are of site {', '.join(patients) or 'none'}; "
            "at least two sites are needed to hold one out for validation"
        )
    sites = sorted(patients)
    drawn = [sites[at] for at in np.argsort(draws.of_names(sites, seed, f"validation/{fold}"))]
    held: list[str] = []
    missing = share * patients.total()
    for site in drawn:
        if missing > 0 and patients[site] <= 2 * missing:
            held.append(site)
            missing -= patients[site]
    for site in sorted(set(sites) - set(held), key=lambda site: (patients[site], site)):
        if missing > 0 and len(held) < len(sites) - 1:
            held.append(site)
            missing -= patients[site]
    moves = {p: "validation" for p in split_of if split_of[p] == "train" and site_of[p] in held}
    return {**split_of, **moves}


def table(splits: Mapping[int, Mapping[str, str]]) -> pd.DataFrame:
    """Put the splits of every fold into the table ``fold, patient, split``."""
    rows = [
        (fold, patient, split)
        for fold, split_of in splits.items()
        for patient, split in sorted(split_of.items())
    ]
    return pd.DataFrame(rows, columns=["fold", "patient", "split"])


def check(nuclei: pd.DataFrame, folds: pd.DataFrame) -> None:
    """Make sure that every split of every fold holds every class.

    Args:
        nuclei: a row per nucleus with the columns patient and label.
        folds: of `table`.

    Raises:
        InputError: naming the fold, the split and the class that it lacks.
    """
    of_patient = nuclei.groupby("patient")["label"].unique()
    for (fold, split), rows in folds.groupby(["fold", "split"]):
        present = {
            label for labels in of_patient.reindex(rows["patient"]).dropna() for label in labels
        }
        for label in CLASSES:
            if label not in present:
                raise InputError(
                    f"fold {fold}: {split} holds no {label} nucleus; every split needs all of "
                    f"{', '.join(CLASSES)}: change prepare.seed, prepare.validation or "
                    "prepare.folds in params.yaml, or the data set"
                )
    for fold, rows in folds.groupby("fold"):
        for split in SPLITS:
            if split not in set(rows["split"]):
                raise InputError(f"fold {fold}: no patient is in {split}")


def count(table: pd.DataFrame, folds: pd.DataFrame) -> dict[str, dict[str, dict[str, int]]]:
    """Count nuclei, by class, patients and sites of each split of every fold.

    Args:
        table: a row per nucleus with the columns label, patient and site.
        folds: of `table`.
    """
    counted: dict[str, dict[str, dict[str, int]]] = {}
    of_split = dict(list(folds.groupby(["fold", "split"])))
    for fold, split in product(folds["fold"].unique(), SPLITS):
        part = table[table["patient"].isin(of_split[fold, split]["patient"])]
        counted.setdefault(str(fold), {})[split] = {
            "nuclei": len(part),
            **{label: int((part["label"] == label).sum()) for label in CLASSES},
            "patients": part["patient"].nunique(),
            "sites": part["site"].nunique(),
        }
    return counted


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
