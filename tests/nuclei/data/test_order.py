import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nuclei.core.classes import CLASSES
from nuclei.data import order

ORDERS = [order.of_nuclei, order.of_patients]


def _table(n=700, seed=0):
    draw = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "id": [f"f/{i}" for i in range(n)],
            "label": draw.choice(CLASSES, n, p=[0.1, 0.3, 0.6]),
            "patient": draw.choice(["P", "Q", "R", "S"], n, p=[0.05, 0.15, 0.3, 0.5]),
            "site": "A1",
        }
    )


def _patients(seed=0):
    """Forty patients of four sites of unlike size, with few to many nuclei each."""
    draw = np.random.default_rng(seed)
    site = np.repeat(["a", "b", "c", "d"], [20, 10, 6, 4])
    patient = np.repeat(np.arange(40), draw.integers(1, 30, 40))
    table = pd.DataFrame({"patient": [f"P{i:02}" for i in patient], "site": site[patient]})
    table["id"] = [f"f/{i}" for i in range(len(table))]
    table["label"] = draw.choice(CLASSES, len(table))
    return table.sample(frac=1, random_state=seed).reset_index(drop=True)


def _ids(make, table, seed=1):
    return table["id"].to_numpy()[make(table, seed)].tolist()


@pytest.mark.parametrize("column", ["label", "patient"])
def test_every_prefix_of_the_nuclei_is_balanced(column):
    table = _table()
    ordered = table.iloc[order.of_nuclei(table, seed=1)].reset_index(drop=True)
    share = np.arange(1, len(table) + 1) / len(table)
    for value, count in table[column].value_counts().items():
        off = (ordered[column] == value).cumsum() - share * count
        # A patient has a group per class, each within one of its share, and the classes' own lag.
        assert off.abs().max() < {"label": 1, "patient": 4}[column]


@pytest.mark.parametrize("seed", range(5))
def test_in_the_order_of_patients_each_lies_together_and_every_prefix_is_balanced_over_sites(seed):
    table = _patients()
    ordered = table.iloc[order.of_patients(table, seed)]
    starts = ordered["patient"].to_numpy()[1:] != ordered["patient"].to_numpy()[:-1]
    assert starts.sum() + 1 == table["patient"].nunique()
    patients = ordered.drop_duplicates("patient")
    share = np.arange(1, len(patients) + 1) / len(patients)
    for site, count in patients["site"].value_counts().items():
        off = (patients["site"] == site).cumsum().to_numpy() - share * count
        assert np.abs(off).max() < 2  # one for the site's own offset, one for the other sites'


def test_within_a_patient_the_nuclei_keep_the_balanced_order():
    table = _patients()
    plain = table.iloc[order.of_nuclei(table, 1)].groupby("patient")["id"].agg(list)
    by_patient = table.iloc[order.of_patients(table, 1)].groupby("patient")["id"].agg(list)
    assert plain.to_dict() == by_patient.to_dict()


@pytest.mark.parametrize("make", ORDERS)
def test_an_order_holds_every_row_once_and_depends_on_the_seed_not_on_the_input_order(make):
    table = _patients()
    ids = _ids(make, table)
    assert sorted(ids) == sorted(table["id"])
    assert _ids(make, table.sample(frac=1, random_state=0)) == ids
    assert _ids(make, table, seed=2) != ids


@pytest.mark.parametrize("make", ORDERS)
@settings(max_examples=50, deadline=None)
@given(
    rows=st.lists(st.tuples(st.sampled_from(CLASSES), st.sampled_from("PQR")), max_size=30),
    seed=st.integers(0, 99),
)
def test_any_table_is_ordered_whatever_its_own_order(make, rows, seed):
    table = pd.DataFrame(rows, columns=["label", "patient"])
    table["id"] = [f"f/{i}" for i in range(len(rows))]
    table["site"] = table["patient"].replace("R", "Q")
    ids = _ids(make, table, seed)
    assert sorted(ids) == sorted(table["id"])
    assert _ids(make, table.iloc[::-1], seed) == ids
