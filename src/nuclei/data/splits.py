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
from nuclei.data.layouts.fields import FieldOfView, Layout, Lists
from nuclei.data.params import Prepare

# A patient whom released lists put into several splits goes whole to the first of these.
PRECEDENCE = ("test", "train", "validation")
FEWEST_TESTED = 2  # patients, whom statistics.bootstrap draws anew


def of_layout(
    layout: Layout, fields: list[FieldOfView], lists: Lists, knobs: Prepare
) -> tuple[pd.DataFrame, dict[str, dict]]:
    """Return the folds, released or of whole sites, as ``fold, patient, split``; and who moved.

    The latter are the patients whom released lists put into several splits, each with `{"from":
    [...], "to": ...}`. `lists` are the files of `layout.split_lists` for released splits, else of
    `layout.fold_lists`. InputError if they contradict each other, or folds cannot be as asked for.
    """
    patient_of = {field.name: field.patient for field in fields}
    site_of = {field.patient: field.site for field in fields}
    moved: dict[str, dict] = {}
    if knobs.folds == "released":
        split_of, moved = by_patient(patient_of, layout.released_splits(fields, lists))
        splits = {1: split_of}
    else:
        released = layout.released_folds(fields, lists)
        fold_of = tested_once(patient_of, released) if released is not None else {}
        # Another number of folds than was released: whole sites are dealt anew.
        if len(set(fold_of.values())) != knobs.folds:
            fold_of = dealt(site_of, int(knobs.folds), knobs.seed)
        splits = of_folds(fold_of)
    whole = {
        fold: with_validation(split_of, site_of, knobs.validation, knobs.seed, fold)
        for fold, split_of in splits.items()
    }
    return table(whole), moved


def by_patient(
    patient_of: Mapping[str, str], released: Mapping[str, str]
) -> tuple[dict[str, str], dict[str, dict]]:
    """Return one split per patient, and `{"from": [...], "to": ...}` of those with several."""
    splits_of: dict[str, set[str]] = {}
    for field, patient in patient_of.items():
        splits_of.setdefault(patient, set()).add(released[field])
    split_of: dict[str, str] = {}
    moved: dict[str, dict] = {}
    for patient, listed in sorted(splits_of.items()):
        split_of[patient] = min(listed, key=PRECEDENCE.index)
        if len(listed) > 1:
            moved[patient] = {"from": sorted(listed, key=SPLITS.index), "to": split_of[patient]}
    return split_of, moved


def tested_once(patient_of: Mapping[str, str], fold_of: Mapping[str, int]) -> dict[str, int]:
    """Return the fold that tests each patient, by its fields; InputError if two folds do."""
    tested_by: dict[str, int] = {}
    for field, patient in sorted(patient_of.items()):
        fold = tested_by.setdefault(patient, fold_of[field])
        if fold != fold_of[field]:
            raise InputError(
                f"patient {patient} is tested by folds {fold} and {fold_of[field]}; valid: one"
            )
    return tested_by


def dealt(site_of: Mapping[str, str], count: int, seed: int) -> dict[str, int]:
    """Deal whole sites to folds; return the fold that tests each patient, counted from 1.

    The largest site comes first, each goes to the fold with the fewest patients so far, and the
    seed decides between sites of one size. InputError if there are fewer sites than folds.
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
        n: {patient: "test" if fold == n else "train" for patient, fold in fold_of.items()}
        for n in sorted(set(fold_of.values()))
    }


def with_validation(
    split_of: Mapping[str, str], site_of: Mapping[str, str], share: float, seed: int, fold: int
) -> dict[str, str]:
    """Hold whole sites of train out for validation, unless some patients are in validation yet.

    Sites are added, in an order that the seed draws for the fold, until they hold the share of the
    train patients. A site with more than twice as many as are missing comes last, the smallest
    first, so that training keeps its large sites. InputError if train is of one site alone.
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
    """Check that every fold has nuclei of every class in each split, and of two patients in test.

    InputError names the fold, the split and what it lacks.
    """
    change = "change prepare.seed, prepare.validation or prepare.folds in params.yaml, or the data"
    for fold, split in product(folds["fold"].unique(), SPLITS):
        patients = folds["patient"][(folds["fold"] == fold) & (folds["split"] == split)]
        if patients.empty:
            raise InputError(f"fold {fold}: no patient is in {split}")
        present = nuclei[nuclei["patient"].isin(patients)]
        if lacking := [label for label in CLASSES if label not in set(present["label"])]:
            raise InputError(
                f"fold {fold}: {split} holds no {lacking[0]} nucleus; every split needs all of "
                f"{', '.join(CLASSES)}: {change}"
            )
        if split == "test" and (count := present["patient"].nunique()) < FEWEST_TESTED:
            raise InputError(
                f"fold {fold}: test holds nuclei of {count} patient; intervals are drawn from at "
                f"least {FEWEST_TESTED}: {change}"
            )
