import numpy as np
import pandas as pd
import pytest

from nuclei.classes import CLASSES
from nuclei.errors import InputError
from nuclei.statistics import sizes


def test_size_floor_sees_size_and_nothing_else():
    typical = {"stromal": 9.0, "TIL": 5.0, "tumor": 14.0}
    rng = np.random.default_rng(0)
    rows = pd.DataFrame({"id": "n", "label": np.resize(CLASSES, 300)})
    telling = rows.assign(longest=rows["label"].map(typical) * rng.uniform(0.95, 1.05, 300))
    mute = rows.assign(longest=rng.uniform(5, 15, 300))
    assert sizes.size_floor(telling, telling) == 1
    assert sizes.size_floor(mute, rows.assign(longest=rng.uniform(5, 15, 300))) < 0.6


@pytest.mark.parametrize("longest", [0.0, -1.0, np.nan])
def test_size_floor_wants_sizes(longest):
    rows = pd.DataFrame({"id": ["n1"], "label": ["TIL"], "longest": [longest]})
    with pytest.raises(InputError, match="n1"):
        sizes.size_floor(rows, rows)


def test_size_floor_wants_several_sizes_of_a_class():
    rows = pd.DataFrame(
        {
            "id": "n",
            "label": ["stromal", "TIL", "tumor", "stromal"],
            "longest": [9.0, 5.0, 14.0, 8.0],
        }
    )
    with pytest.raises(InputError, match="TIL"):
        sizes.size_floor(rows, rows)
