"""Folds of train, validation and test: whole patients, and whole sites, in each split."""

from collections import Counter
from collections.abc import Mapping
from itertools import product

import numpy as np
import pandas as pd

from nuclei.core import draws
from nuclei.core.classes import CLASSES
from nuclei.core.errors import InputError
from nuclei.core.folds import SPLITS
from nuclei.data.layouts.fields import FieldOfView
from nuclei.data.layouts.layout import Layout
from nuclei.data.params import Prepare

# A patient whom released lists put into several splits goes whole to the first of these.
PRECEDENCE = ("test", "train", "validation")


def of_layout(
    layout: Layout, fields: list[FieldOfView], lists: Mapping[str, bytes], knobs: Prepare
) -> tuple[pd.DataFrame, dict[str, dict]]:
    """Return the folds of a data set: released ones, or whole sites dealt to folds.

    Args:
        layout: how the data set is laid out.
        fields: all its fields of view.
        lists: content, by name, of the files that `lists_of` names.
        knobs: how many folds, and how sites are dealt.

    Returns:
        ``fold, patient, split``, a row per fold and patient; and of the patients whom released
        lists put into several splits, `{"from": [...], "to": ...}`.

    Raises:
        InputError: lists contradict each other, or folds cannot be as asked for.
    """
    patient_of = {field.name: field.patient for field in fields}
    site_of = {field.patient: field.site for field in fields}
    moved: dict[str, dict] = {}
    if knobs.folds == "released":
        split_of, moved = by_patient(patient_of, layout.released_splits(fields, lists))
        splits = {1: split_of}
    elif (released := layout.released_folds(fields, lists)) is not None:
        fold_of = tested_once(patient_of, released)
        if (count := len(set(fold_of.values()))) != knobs.folds:
            valid = f"{count} or released" if count > 1 else "released"
            raise InputError(
                f"prepare.folds: {knobs.folds}; the patients here are tested by {count} of the "
                f"folds of the {layout.name}; valid: {valid}"
            )
        splits = of_folds(fold_of)
    else:
        splits = of_folds(dealt(site_of, int(knobs.folds), knobs.seed))
    whole = {
        fold: with_validation(split_of, site_of, knobs.validation, knobs.seed, fold)
        for fold, split_of in splits.items()
    }
    return table(whole), moved


def lists_of(layout: Layout, knobs: Prepare) -> tuple[str, ...]:
    """Return the names of the files that list the released splits, or else the released folds."""
    return layout.split_lists if knobs.folds == "released" else layout.fold_lists


def by_patient(
    patient_of: Mapping[str, str], released: Mapping[str, str]
) -> tuple[dict[str, str], dict[str, dict]]:
    """Give every patient one split.

    Args:
        patient_of: the patient by the field of view's name.
        released: the released split by the field's name.

    Returns:
        The split by patient; and of the patients who were in several, `{"from": [...], "to": ...}`.
    """
    splits_of: dict[str, set[str]] = {}
    for field, patient in patient_of.items():
        splits_of.setdefault(patient, set()).add(released[field])
    split_of = {
        patient: min(splits_of[patient], key=PRECEDENCE.index) for patient in sorted(splits_of)
    }
    moved = {
        patient: {"from": sorted(splits_of[patient], key=SPLITS.index), "to": split}
        for patient, split in split_of.items()
        if len(splits_of[patient]) > 1
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
    tested_by: dict[str, int] = {}
    for field, patient in sorted(patient_of.items()):
        fold = tested_by.setdefault(patient, fold_of[field])
        if fold != fold_of[field]:
            raise InputError(
                f"patient {patient} is tested by folds {fold} and {fold_of[field]}; valid: one"
            )
    return tested_by


def dealt(site_of: Mapping[str, str], count: int, seed: int) -> dict[str, int]:
    """Deal whole sites to folds, so that folds test about equally many patients.

    Sites are dealt in the order of their size, the largest first, each to the fold with the fewest
    patients so far. The seed decides between sites of one size.

    Args:
        site_of: the site by patient.
        count: how many folds.
        seed: of the order.

    Returns:
        The fold that tests a patient, counted from 1, by patient.

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
    tested = dict.fromkeys(range(1, count + 1), 0)
    fold_of = {}
    for site in sorted(patients, key=lambda site: (-patients[site], draw[site])):
        fold_of[site] = min(tested, key=lambda fold: tested[fold])
        tested[fold_of[site]] += patients[site]
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
    """Hold whole sites of train out for validation, unless some patients are in validation yet.

    Sites are added, in an order that the seed draws, until they hold the share. A site with more
    than twice as many patients as are missing comes last, the smallest such site first, so that
    training keeps its large sites. Never are all sites held out.

    Args:
        split_of: the split by patient.
        site_of: the site by patient.
        share: of the train patients that validation holds at least.
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
    order = np.argsort(draws.of_names(sites, seed, f"validation/{fold}"))
    held_out: list[str] = []
    missing = share * patients.total()
    for site in (sites[position] for position in order):
        if missing > 0 and patients[site] <= 2 * missing:
            held_out.append(site)
            missing -= patients[site]
    for site in sorted(set(sites) - set(held_out), key=lambda site: (patients[site], site)):
        if missing > 0 and len(held_out) < len(sites) - 1:
            held_out.append(site)
            missing -= patients[site]
    return {
        patient: "validation" if split == "train" and site_of[patient] in held_out else split
        for patient, split in split_of.items()
    }


def table(splits: Mapping[int, Mapping[str, str]]) -> pd.DataFrame:
    """Return the splits of every fold as the table ``fold, patient, split``."""
    rows = [
        (fold, patient, split)
        for fold, split_of in splits.items()
        for patient, split in sorted(split_of.items())
    ]
    return pd.DataFrame(rows, columns=["fold", "patient", "split"])


def check(nuclei: pd.DataFrame, folds: pd.DataFrame) -> None:
    """Check that every split of every fold holds every class.

    Args:
        nuclei: a row per nucleus with the columns patient and label.
        folds: of `of_layout`.

    Raises:
        InputError: naming the fold, the split and the class that it lacks.
    """
    for fold, split in product(folds["fold"].unique(), SPLITS):
        patients = folds["patient"][(folds["fold"] == fold) & (folds["split"] == split)]
        if patients.empty:
            raise InputError(f"fold {fold}: no patient is in {split}")
        present = set(nuclei["label"][nuclei["patient"].isin(patients)])
        if lacking := [label for label in CLASSES if label not in present]:
            raise InputError(
                f"fold {fold}: {split} holds no {lacking[0]} nucleus; every split needs all of "
                f"{', '.join(CLASSES)}: change prepare.seed, prepare.validation or prepare.folds "
                "in params.yaml, or the data set"
            )
