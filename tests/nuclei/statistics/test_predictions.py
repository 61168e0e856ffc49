import numpy as np
import pandas as pd
import pytest

from nuclei.core.classes import CLASSES
from nuclei.core.errors import InputError
from nuclei.core.folds import Fold
from nuclei.statistics import predictions

NOBODY = np.zeros(0, np.int64)
ROWS = np.array([1, 2, 4])  # of 5 nuclei


def nuclei():
    table = pd.DataFrame({"label": ["TIL", "tumor", "stromal", "tumor", "TIL"]})
    return table.assign(patient=["P1", "P2", "P3", "P1", "P2"], site=["A1", "A1", "B2", "A1", "C3"])


def folds(*tested):
    return [Fold(number, NOBODY, NOBODY, np.array(rows)) for number, rows in tested]


def test_tested_nuclei_stand_in_the_order_of_the_table_with_the_fold_that_tests_them():
    tested, rows = predictions.tested_nuclei(nuclei(), folds((2, [1, 4]), (3, [2])))
    assert rows.tolist() == [1, 2, 4]
    assert [CLASSES[code] for code in tested.label] == ["tumor", "stromal", "TIL"]
    assert tested.patient.tolist() == ["P2", "P3", "P2"]
    assert tested.site.tolist() == ["A1", "B2", "C3"]
    assert tested.fold.tolist() == [2, 3, 2]


def test_a_fold_weighs_as_its_patients_not_as_its_nuclei():
    tested, _ = predictions.tested_nuclei(nuclei(), folds((1, [1, 4]), (2, [0, 2, 3])))
    assert predictions.share_of_patients(tested) == {
        1: pytest.approx(1 / 3),
        2: pytest.approx(2 / 3),
    }


def table_of_two():
    """Two repeats of 5 nuclei, of which rows 1, 2 and 4 are tested; the others have no numbers."""
    table = np.full((2, 5, 3), np.nan, np.float32)
    table[:, ROWS] = np.random.default_rng(0).dirichlet([1, 1, 1], (2, 3))
    return table


def test_good_predictions_come_back_without_the_nuclei_that_nobody_tests():
    table = table_of_two()
    assert (predictions.checked(table, ROWS, 5, 2, "none/x1/test.npy") == table[:, ROWS]).all()


def with_values(*values):
    table = table_of_two()
    table[1, 4] = values
    return table


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (table_of_two().astype(float), r"float64 \(2, 5, 3\); valid: float32 \(2, 5, 3\)"),
        (table_of_two()[0], r"float32 \(5, 3\); valid"),
        (table_of_two()[:, :4], r"float32 \(2, 4, 3\); valid"),
        (table_of_two()[..., :2], r"float32 \(2, 5, 2\); valid"),
        (
            table_of_two()[:1],
            r"float32 \(1, 5, 3\); valid: .* 2 repeats that its training recorded",
        ),
        (with_values(np.nan, 0.5, 0.5), r"repeat 1, row 4 of nuclei.csv: probabilities nan, 0.5"),
        (with_values(0.5, 0.5, 0.25), r"repeat 1, row 4 .* 0.5, 0.5, 0.25; .* sum to 1"),
        (with_values(-0.5, 0.5, 1.0), r"repeat 1, row 4 .* -0.5, 0.5, 1; .* from 0 to 1"),
        (with_values(np.inf, 0.5, 0.5), "repeat 1, row 4 .* inf, 0.5, 0.5"),
    ],
)
def test_bad_predictions_are_named(table, message):
    with pytest.raises(InputError, match=message) as error:
        predictions.checked(table, ROWS, 5, 2, "flip/x1/test.npy")
    assert str(error.value).startswith("flip/x1/test.npy: ")
    assert "\n" not in str(error.value)
