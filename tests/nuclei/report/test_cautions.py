import numpy as np
import pandas as pd
import pytest
from examples import predictions

from nuclei.report import cautions
from nuclei.statistics.predictions import Tested

FINE = predictions(patients=(20, 20), count=900).tested
KNOBS = {"train.repeats": 2, "train.checkpoint": "best"}
CONFIGURATIONS = pd.DataFrame(
    {"aug": ["none", "flip"], "volume": [1.0, np.inf], "accuracy": [0.7, 0.8]}
)
CHECKPOINTS = pd.DataFrame({"aug": "none", "volume": 1.0, "late_fall": [0.0, -0.1, 0.05]})


def warned(tested=FINE, configurations=CONFIGURATIONS, checkpoints=CHECKPOINTS, **train):
    knobs = KNOBS | {f"train.{name}": value for name, value in train.items()}
    return cautions.cautions(tested, configurations, checkpoints, knobs)


def test_a_sound_study_has_no_caution():
    assert warned() == {}


@pytest.mark.parametrize(("patients", "warning"), [(29, 29), (30, None)])
def test_few_patients_are_counted(patients, warning):
    tested = predictions(patients=(patients,), count=3000).tested
    assert warned(tested).get("few_patients") == warning


def test_that_no_site_is_named_is_a_caution():
    assert warned(FINE._replace(site=FINE.patient)) == {"no_sites": True}


def test_a_class_with_few_test_nuclei_is_named_with_its_count():
    label = np.repeat([0, 1, 2], [99, 100, 701])
    warnings = warned(FINE._replace(label=label), CONFIGURATIONS.assign(accuracy=0.9))
    assert warnings == {"few_nuclei": ["99 stromal"]}


def test_configurations_below_the_commonest_class_are_named():
    """Fold 1 tests 3 of 4 patients and half of its nuclei are tumor; fold 2 has a tenth."""
    label = np.array([2] * 300 + [1] * 300 + [2] * 60 + [0] * 270 + [1] * 270)
    fold = np.repeat([1, 2], [600, 600])
    patient = np.array(
        [f"P{row % 30}" for row in range(600)] + [f"Q{row % 10}" for row in range(600)]
    )
    tested = Tested(label, patient, np.full(len(label), "A1"), fold)
    commonest = 0.75 * 0.5 + 0.25 * 0.45  # TIL
    configurations = CONFIGURATIONS.assign(accuracy=[commonest - 0.01, commonest + 0.01])
    below = {"class": "TIL", "share": pytest.approx(commonest), "configurations": "`none` ×1"}
    assert warned(tested, configurations) == {"below_guessing": below}


def test_configurations_of_which_most_networks_still_learned_at_the_end_are_named():
    learning = CHECKPOINTS.assign(aug="flip", volume=np.inf, late_fall=[0.0, 0.05, 0.04])
    both = pd.concat([CHECKPOINTS, learning])
    assert warned(checkpoints=both) == {"too_short": "`flip` ×∞"}
    assert warned(checkpoints=both, checkpoint="last") == {}


@pytest.mark.parametrize("falls", [[0.0, 0.0, 0.05], [0.02, 0.03, 0.03], [-0.4, -0.1, -0.2]])
def test_a_loss_that_has_settled_in_most_networks_is_no_caution(falls):
    assert warned(checkpoints=CHECKPOINTS.assign(late_fall=falls)) == {}


def test_many_configurations_are_counted_not_listed():
    learning = CHECKPOINTS.assign(late_fall=0.1)
    many = pd.concat([learning.assign(volume=float(volume)) for volume in range(1, 9)])
    assert warned(checkpoints=many) == {"too_short": "8 of 8 configurations"}


def test_one_repeat_is_a_caution():
    assert warned(repeats=1) == {"one_repeat": True}


RECORD = {"tensorflow": "2.21.0", "keras": "3.15.1", "device": "CPU", "replicas": 1}
RECORD |= {"precision": "float32", "updates": 200, "nuclei": 80}
RECORD |= {"train.repeats": 2, "networks.small.updates": 200}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({}, None),
        ({"updates": 400, "nuclei": 160}, None),  # a larger volume
        (
            {"tensorflow": "2.22.0"},
            "flip at volume 0.5 was trained with tensorflow 2.22.0, none at volume 1 with 2.21.0",
        ),
        (
            {"replicas": 2},
            "flip at volume 0.5 was trained with replicas 2, none at volume 1 with 1",
        ),
        (
            {"device": "NVIDIA A100"},
            "flip at volume 0.5 was trained with device NVIDIA A100, none at volume 1 with CPU",
        ),
        (
            {"train.repeats": 3},
            "flip at volume 0.5 was trained with train.repeats 3, none at volume 1 with 2",
        ),
        (
            {"networks.small.updates": 400, "updates": 400},
            "flip at volume 0.5 was trained with networks.small.updates 400, none at volume 1 "
            "with 200",
        ),
        (
            {"train.ema_decay": 0.995},
            "flip at volume 0.5 was trained with train.ema_decay 0.995, none at volume 1 with not "
            "recorded",
        ),
    ],
)
def test_a_configuration_that_was_trained_in_another_way_is_named(change, message):
    records = {("none", 1.0): RECORD, ("none", 0.5): RECORD, ("flip", 0.5): RECORD | change}
    assert cautions.mixed(records) == message


def test_generators_are_compared_among_recipes_that_have_one():
    generated = RECORD | {"generator.updates": 4000}
    records = {("none", 1.0): RECORD, ("generated", 1.0): generated, ("generated", 2.0): generated}
    assert cautions.mixed(records) is None
    records["generated+flip", 1.0] = RECORD | {"generator.updates": 40}
    assert cautions.mixed(records) == (
        "generated+flip at volume 1 was trained with generator.updates 40, "
        "generated at volume 1 with 4000"
    )
