import pytest

from nuclei.core.errors import InputError
from nuclei.statistics import trainings
from nuclei.statistics.params import Evaluate

EVALUATE = Evaluate(
    seed=1, resamples=200, margin=0.01, examples=1, mixed="refuse", planned=["flip"]
)


def training(**knobs):
    content = dict.fromkeys(trainings.KEYS, "recorded")
    return content | {"knobs": {"network": "small", "train.repeats": 2} | knobs}


def test_a_training_that_records_all_is_returned():
    assert trainings.checked(training(), "flip/x1.json") == training()


@pytest.mark.parametrize("content", [[], None, {"record": {}, "made": []}])
def test_a_training_of_other_code_is_named_with_what_it_lacks(content):
    with pytest.raises(InputError, match=r"^flip/x1.json: it lacks .*checkpoints.*`dvc repro`$"):
        trainings.checked(content, "flip/x1.json")


def test_rows_carry_the_configuration_that_they_are_of():
    points = {"curves": [{"loss": 1.0}, {"loss": 0.5}]}
    table = trainings.rows({("flip", 1.0): points, ("none", 2.0): points}, "curves")
    assert table["aug"].tolist() == ["flip"] * 2 + ["none"] * 2
    assert table["volume"].tolist() == [1, 1, 2, 2]
    assert table["loss"].tolist() == [1, 0.5] * 2


def test_knobs_are_those_that_were_recorded_and_todays_of_evaluate():
    study = {("flip", 1.0): training(), ("none", 1.0): training()}
    assert trainings.knobs(study, {"data": "nucls", "prepare.seed": 3}, EVALUATE) == {
        **{"data": "nucls", "prepare.seed": 3, "network": "small", "train.repeats": 2},
        **{f"evaluate.{name}": value for name, value in EVALUATE},
    }


def test_a_mixture_of_knobs_is_listed():
    study = {("flip", 1.0): training(), ("none", 1.0): training(**{"train.seed": 1})}
    study["crop", 1.0] = training(**{"train.seed": 5})
    study["invert", 1.0] = training(**{"train.seed": 1})
    assert trainings.knobs(study, {}, EVALUATE)["train.seed"] == "1 or 5"
