import numpy as np
import pytest

from nuclei.core.errors import InputError
from nuclei.core.folds import Fold
from nuclei.training.cross_validation import validation_rows


def test_validation_is_measured_on_nuclei_of_all_its_patients_and_of_every_class():
    rows, patients = np.arange(100, 200), np.repeat(np.arange(20), 10)
    fold = Fold(1, rows[:0], rows, rows[:0])
    labels = np.arange(200) % 3
    measured = validation_rows(fold, labels, 30)
    assert len(set(measured)) == 30 and set(measured) <= set(rows)
    assert set(patients[measured]) == set(range(10, 20))
    np.testing.assert_array_equal(validation_rows(fold, labels, 2048), rows)
    message = r"^fold 1: no TIL among the 30 .*; valid: some of each class"
    with pytest.raises(InputError, match=message):
        validation_rows(fold, np.where(labels == 1, 0, labels), 30)
