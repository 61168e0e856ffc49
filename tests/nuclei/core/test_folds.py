from math import inf

import numpy as np
import pandas as pd
import pytest

from nuclei.core import folds
from nuclei.core.classes import CLASSES
from nuclei.core.errors import InputError
from nuclei.data import order, splits

SITES = dict(zip([f"P{i:02}" for i in range(24)], np.repeat(list("abcdefgh"), 3), strict=True))


def _prepared(make, seed=0):
    """Twenty-four patients in the order that `make` gives them, and the folds of four."""
    draw = np.random.default_rng(seed)
    patient = np.repeat(list(SITES), draw.integers(6, 40, len(SITES)))
    table = pd.DataFrame({"patient": patient, "site": pd.Series(patient).map(SITES)})
    table["id"] = [f"f/{i}" for i in range(len(table))]
    table["label"] = draw.choice(CLASSES, len(table), p=[0.2, 0.3, 0.5])
    dealt = splits.of_folds(splits.dealt(SITES, 4, seed=1))
    table = table.iloc[make(table, 1)].reset_index(drop=True)
    whole = {fold: splits.with_validation(of, SITES, 0.15, 1, fold) for fold, of in dealt.items()}
    return table, folds.of_tables(table, splits.table(whole))


@pytest.mark.parametrize("make", [order.of_nuclei, order.of_patients])
def test_the_rows_of_a_fold_are_those_of_its_patients_in_their_order(make):
    table, of_folds = _prepared(make)
    assert [fold.number for fold in of_folds] == [1, 2, 3, 4]
    for fold in of_folds:
        rows = np.concatenate([fold.train, fold.validation, fold.test])
        assert sorted(rows) == list(range(len(table)))
        sites = [set(table["site"].iloc[part]) for part in fold[1:]]
        assert not (sites[0] & sites[1] or sites[0] & sites[2] or sites[1] & sites[2])
        assert all((np.diff(part) > 0).all() for part in fold[1:])


def test_every_nucleus_is_tested_by_one_fold_and_those_of_a_released_list_by_one_or_none():
    table, of_folds = _prepared(order.of_nuclei)
    assert (np.sum([np.isin(np.arange(len(table)), f.test) for f in of_folds], axis=0) == 1).all()
    by = folds.tested_by(of_folds, len(table))
    assert all((by[fold.test] == fold.number).all() for fold in of_folds)
    assert set(folds.tested_by(of_folds[:1], len(table))) == {0, 1}


@pytest.mark.parametrize("column", ["label", "patient"])
def test_every_prefix_of_a_folds_training_rows_is_balanced(column):
    table, of_folds = _prepared(order.of_nuclei)
    for fold in of_folds:
        of_rows = table[column].iloc[fold.train].reset_index(drop=True)
        share = np.arange(1, len(of_rows) + 1) / len(of_rows)
        for value, count in of_rows.value_counts().items():
            off = ((of_rows == value).cumsum() - share * count).abs().max()
            # Patients outside the fold lie between: a class may be a few nuclei off, not more.
            assert off < {"label": 6, "patient": 5}[column]


def test_half_of_the_nuclei_is_every_patients_half():
    table, of_folds = _prepared(order.of_nuclei)
    patients = table["patient"].to_numpy()
    for fold in of_folds:
        half = folds.at_volume(fold.train, patients, 0.5, "nuclei")
        assert len(half) == round(len(fold.train) / 2)
        np.testing.assert_array_equal(half, fold.train[: len(half)])
        whole = pd.Series(patients[fold.train]).value_counts()
        assert (abs(pd.Series(patients[half]).value_counts() - whole / 2) < 4).all()


def test_half_of_the_patients_are_whole_and_of_all_sites():
    table, of_folds = _prepared(order.of_patients)
    patients = table["patient"].to_numpy()
    for fold in of_folds:
        half = folds.at_volume(fold.train, patients, 0.5, "patients")
        kept, left = set(patients[half]), set(patients[np.setdiff1d(fold.train, half)])
        assert not kept & left
        assert len(kept) == round(len(kept | left) / 2)
        of_site = pd.Series([SITES[patient] for patient in kept]).value_counts()
        assert set(of_site.index) == {SITES[patient] for patient in kept | left}
        assert of_site.max() <= 2  # of three


@pytest.mark.parametrize("named", ["nuclei", "patients"])
def test_beyond_one_the_rows_come_again_and_fresh_draws_read_each_once(named):
    rows, patients = np.array([3, 5, 8]), np.array(list("abbcbcccd"))
    at = {volume: folds.at_volume(rows, patients, volume, named) for volume in (1, 2, 2.4, inf)}
    assert at[1].tolist() == at[inf].tolist() == [3, 5, 8]
    assert at[2].tolist() == [3, 5, 8, 3, 5, 8]
    assert at[2.4].tolist() == [3, 5, 8, 3, 5, 8, 3]


@pytest.mark.parametrize("named", ["nuclei", "patients"])
def test_a_volume_without_a_nucleus_is_an_error(named):
    with pytest.raises(InputError, match=r"volume: .*; 0\.1 holds no nucleus"):
        folds.at_volume(np.array([0, 1, 2]), np.array(["a", "b", "c"]), 0.1, named)


def test_rows_are_taken_evenly_over_all():
    rows, patients = np.arange(100, 200), np.repeat(np.arange(20), 10)
    some = folds.evenly(rows, 30)
    assert len(set(some)) == 30 and set(some) <= set(rows)
    assert set(patients[some]) == set(range(10, 20))
    np.testing.assert_array_equal(folds.evenly(rows, 2048), rows)
    assert len(folds.evenly(rows[:0], 30)) == 0


def test_a_patient_without_nuclei_has_no_site_that_splits_could_share():
    splits_of = {"P": "test", "no nuclei": "test", "Q": "train", "neither": "train", "R": "train"}
    table = splits.table({1: splits_of})
    assert folds.shared_sites(table, {"P": "a", "Q": "b", "R": "b"}) == {}
    assert folds.shared_sites(table, {"P": "a", "Q": "b", "R": "a"}) == {1: ["a"]}
