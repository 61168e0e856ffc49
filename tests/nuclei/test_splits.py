import contextlib

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nuclei import splits
from nuclei.classes import CLASSES
from nuclei.errors import InputError


def _table(n=700, seed=0):
    draw = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "id": [f"f/{i}" for i in range(n)],
            "label": draw.choice(CLASSES, n, p=[0.1, 0.3, 0.6]),
            "patient": draw.choice(["P", "Q", "R", "S"], n, p=[0.05, 0.15, 0.3, 0.5]),
        }
    )


def test_a_patient_of_two_released_splits_goes_whole_to_the_first_of_the_precedence():
    patient_of = {"a": "P", "b": "P", "c": "Q"}
    released = {"a": "validation", "b": "train", "c": "validation"}
    split_of, moved = splits.by_patient(patient_of, released, ("train", "test", "validation"))
    assert split_of == {"P": "train", "Q": "validation"}
    assert moved == {"P": {"from": ["train", "validation"], "to": "train"}}
    split_of, _ = splits.by_patient(patient_of, released, ("validation", "train"))
    assert split_of == {"P": "validation", "Q": "validation"}


def test_validation_is_whole_sites_of_train_up_to_the_share():
    site_of = {f"P{i}": f"site {i % 10}" for i in range(100)}
    split_of = {
        patient: "test" if site == "site 3" else "train" for patient, site in site_of.items()
    }
    chosen, held = splits.with_validation(split_of, site_of, 0.15, seed=1)
    assert len(held) == 2
    assert "site 3" not in held
    for patient, site in site_of.items():
        assert (chosen[patient] == "validation") == (site in held)
        assert (chosen[patient] == "test") == (site == "site 3")
    backwards = dict(reversed(split_of.items()))
    assert splits.with_validation(backwards, site_of, 0.15, seed=1)[1] == held
    draws = {tuple(splits.with_validation(split_of, site_of, 0.15, seed)[1]) for seed in range(9)}
    assert len(draws) > 1


def test_validation_never_takes_all_sites():
    site_of = {"P": "a", "Q": "b", "R": "b"}
    for seed in range(9):
        held = splits.with_validation(dict.fromkeys(site_of, "train"), site_of, 0.5, seed)[1]
        assert len(held) == 1
    with pytest.raises(InputError, match="are of site a; at least two sites"):
        splits.with_validation({"P": "train"}, {"P": "a"}, 0.5, 1)


def test_a_released_validation_is_kept():
    split_of = {"P": "train", "Q": "validation"}
    assert splits.with_validation(split_of, {"P": "a", "Q": "b"}, 0.5, 1) == (split_of, [])


def test_check_refuses_a_leak_and_a_missing_class():
    table = pd.DataFrame(
        [(f"{s}-{c}", c, s) for s in splits.SPLITS for c in CLASSES],
        columns=["patient", "label", "split"],
    )
    splits.check(table)
    with pytest.raises(InputError, match="patient train-TIL is in train and validation"):
        splits.check(table.replace("validation-tumor", "train-TIL"))
    with pytest.raises(InputError, match=r"validation holds no TIL nucleus.*change prepare\.seed"):
        splits.check(table[table["patient"] != "validation-TIL"])


@pytest.mark.parametrize("column", ["label", "patient"])
def test_every_prefix_is_balanced(column):
    table = _table()
    ordered = table.iloc[splits.order(table, seed=1)].reset_index(drop=True)
    share = np.arange(1, len(table) + 1) / len(table)
    for value, count in table[column].value_counts().items():
        off = (ordered[column] == value).cumsum() - share * count
        # A patient has a group per class, each within one of its share, and the classes' own lag.
        assert off.abs().max() < {"label": 1, "patient": 4}[column]


def test_the_order_holds_every_row_once_and_depends_on_the_seed_not_on_the_input_order():
    table = _table()
    ids = table["id"].to_numpy()[splits.order(table, seed=1)]
    assert sorted(ids) == sorted(table["id"])
    shuffled = table.sample(frac=1, random_state=0)
    assert list(shuffled["id"].to_numpy()[splits.order(shuffled, seed=1)]) == list(ids)
    assert list(table["id"].to_numpy()[splits.order(table, seed=2)]) != list(ids)


def test_count_is_by_split_and_class():
    table = _table().assign(split="test", site="a")
    counts = splits.count(table)
    assert counts["test"]["all"] == {"nuclei": 700, "patients": 4, "sites": 1}
    assert counts["test"]["TIL"]["nuclei"] == (table["label"] == "TIL").sum()
    assert counts["train"]["all"] == {"nuclei": 0, "patients": 0, "sites": 0}


@settings(max_examples=100, deadline=None)
@given(
    released=st.lists(st.tuples(st.integers(0, 5), st.sampled_from(splits.SPLITS)), min_size=1),
    share=st.floats(0.01, 0.5),
    seed=st.integers(0, 99),
)
def test_a_patient_is_in_one_split_and_validation_takes_no_site_of_train(released, share, seed):
    patient_of = {str(i): f"P{patient}" for i, (patient, _) in enumerate(released)}
    listed = {str(i): split for i, (_, split) in enumerate(released)}
    split_of, moved = splits.by_patient(patient_of, listed, ("test", "train", "validation"))
    assert {*split_of} == {*patient_of.values()}
    for patient in split_of:
        found = {listed[field] for field, own in patient_of.items() if own == patient}
        assert split_of[patient] in found
        assert (patient in moved) == (len(found) > 1)
    site_of = {patient: patient[1] for patient in split_of}
    with contextlib.suppress(InputError):
        chosen, held = splits.with_validation(split_of, site_of, share, seed)
        assert {*chosen} == {*split_of} and (not held or "train" in chosen.values())
        assert all(chosen[p] == split_of[p] for p in split_of if site_of[p] not in held)


@settings(max_examples=50, deadline=None)
@given(
    rows=st.lists(st.tuples(st.sampled_from(CLASSES), st.sampled_from("PQR")), max_size=30),
    seed=st.integers(0, 99),
)
def test_any_table_is_ordered_whatever_its_own_order(rows, seed):
    table = pd.DataFrame(rows, columns=["label", "patient"])
    table["id"] = [f"f/{i}" for i in range(len(rows))]
    ids = table["id"].to_numpy()[splits.order(table, seed)]
    assert sorted(ids) == sorted(table["id"])
    backwards = table.iloc[::-1]
    assert list(backwards["id"].to_numpy()[splits.order(backwards, seed)]) == list(ids)
