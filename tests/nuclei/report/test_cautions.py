import numpy as np
import pandas as pd
import pytest
from examples import KNOBS, predictions

from nuclei.report import cautions
from nuclei.statistics.predictions import Tested

FINE = predictions(patients=(20, 20), count=900).tested
CELLS = pd.DataFrame({"aug": ["none", "flip"], "volume": [1.0, np.inf], "accuracy": [0.7, 0.8]})
ENDS = pd.DataFrame({"aug": "none", "volume": 1.0, "updates": [5, 7, 8], "of": 8})


def warned(tested=FINE, cells=CELLS, ends=ENDS, **knobs):
    return cautions.cautions(tested, cells, ends, KNOBS.model_copy(update=knobs))


def test_a_sound_study_has_no_caution():
    assert warned() == []


@pytest.mark.parametrize(("patients", "said"), [(29, True), (30, False)])
def test_few_patients_are_told(patients, said):
    tested = predictions(patients=(patients,), count=3000).tested
    assert any(f"{patients} were tested" in caution for caution in warned(tested)) == said


def test_that_no_hospitals_are_known_is_told():
    [caution] = warned(FINE._replace(site=FINE.patient))
    assert caution.startswith("**No hospitals**")


def test_a_class_with_few_test_nuclei_is_named_with_its_count():
    label = np.repeat([0, 1, 2], [99, 100, 701])
    [caution] = warned(FINE._replace(label=label), CELLS.assign(accuracy=0.9))
    assert "99 stromal" in caution
    assert "TIL" not in caution


def test_cells_below_the_commonest_class_are_named():
    """Fold 1 tests 3 of 4 patients and half of its nuclei are tumor; fold 2 has a tenth."""
    label = np.array([2] * 300 + [1] * 300 + [2] * 60 + [0] * 270 + [1] * 270)
    fold = np.repeat([1, 2], [600, 600])
    patient = np.array(
        [f"P{row % 30}" for row in range(600)] + [f"Q{row % 10}" for row in range(600)]
    )
    tested = Tested(label, patient, np.full(len(label), "A1"), fold)
    commonest = 0.75 * 0.5 + 0.25 * 0.45  # TIL
    cells = CELLS.assign(accuracy=[commonest - 0.01, commonest + 0.01])
    [caution] = warned(tested, cells)
    assert "every nucleus TIL is right in 49 %" in caution
    assert "Worse: `none` ×1." in caution


def test_cells_that_end_at_their_last_point_are_named():
    late = pd.concat([ENDS.assign(updates=[5, 8, 8]), ENDS.assign(aug="flip", volume=np.inf)])
    [caution] = warned(ends=late)
    assert "in `none` ×1, most networks" in caution
    assert warned(ends=late, checkpoint="last") == []


def test_a_budget_that_half_of_the_networks_use_up_is_long_enough():
    assert warned(ends=ENDS.iloc[:2].assign(updates=[5, 8])) == []


def test_many_cells_are_counted_not_listed():
    many = pd.concat([ENDS.assign(updates=8, volume=float(volume)) for volume in range(1, 9)])
    [caution] = warned(ends=many)
    assert "in 8 of 8 cells, most networks" in caution


def test_one_repeat_is_told():
    [caution] = warned(repeats=1)
    assert "train.repeats" in caution
