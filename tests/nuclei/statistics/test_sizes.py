import numpy as np
import pandas as pd
import pytest

from nuclei.core.classes import CLASSES
from nuclei.core.errors import InputError
from nuclei.core.folds import Fold
from nuclei.statistics import predictions, sizes

TYPICAL = {"stromal": 9.0, "TIL": 5.0, "tumor": 14.0}
ROWS, LABEL = np.arange(600), np.resize(CLASSES, 600)
IDS = np.array([f"n{row}" for row in ROWS])
RANDOM = np.random.default_rng(0)
TELLING = np.array([TYPICAL[name] for name in LABEL]) * RANDOM.uniform(0.95, 1.05, 600)
MUTE = RANDOM.uniform(5, 15, 600)
FOLD = Fold(1, ROWS[300:], ROWS[:0], ROWS[:300])


def floor(longest, folds=(FOLD,), label=LABEL, patient=IDS):
    nuclei = pd.DataFrame({"id": IDS, "label": label, "patient": patient, "site": "A1"})
    table = pd.DataFrame({"id": IDS, "longest": longest}).iloc[::-1]
    tested, _ = predictions.tested_nuclei(nuclei, folds)
    return sizes.size_floor(nuclei, table, list(folds), tested)


def test_size_floor_sees_size_and_nothing_else():
    assert floor(TELLING) == 1
    assert floor(MUTE) < 0.6


def test_a_fold_is_fitted_on_its_own_training_nuclei_and_weighs_as_its_patients():
    longest = np.where(ROWS < 450, TELLING, MUTE)
    half, rest = Fold(1, ROWS[:150], ROWS[:0], ROWS[150:300]), ROWS[450:]
    mute = Fold(2, rest, ROWS[:0], rest)
    alone = floor(longest, [mute])
    assert floor(longest, [half]) == 1 and alone < 0.7
    patient = np.where(ROWS < 450, [f"P{row % 3}" for row in ROWS], "P9")  # three, and one
    both = floor(longest, [half, mute], patient=patient)
    assert both == pytest.approx(3 / 4 + alone / 4)


@pytest.mark.parametrize("longest", [0.0, -1.0, np.nan])
def test_size_floor_wants_sizes(longest):
    with pytest.raises(InputError, match="nucleus n7: longest is"):
        floor(np.where(ROWS == 7, longest, TELLING))


def test_size_floor_wants_several_sizes_of_a_class():
    few = Fold(3, ROWS[:4], ROWS[:0], ROWS[300:])
    with pytest.raises(InputError, match=r"fold 3: no discriminant fits the sizes: .*TIL"):
        floor(TELLING, [few])
