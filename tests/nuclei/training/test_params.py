"""The knobs of a network: its budget, and those that have a default."""

import pytest
from examples import KNOBS

from nuclei.core.errors import InputError
from nuclei.core.params import parse
from nuclei.training.params import Network, Train

FEWEST = {"architecture": "resnet50", "learning_rate": 0.001, "batch": 64, "updates": 270}


@pytest.mark.parametrize("updates", [1, 270, 1_000_000, "1 epochs", "10 epochs"])
def test_a_budget_is_updates_or_epochs(updates):
    assert parse(Network, FEWEST | {"updates": updates}).updates == updates


@pytest.mark.parametrize(
    "updates", [None, 0, -1, 9.5, True, 10**7, "270", "0 epochs", "10 passes", "epochs", [10]]
)
def test_another_budget_is_named_with_what_is_valid(updates):
    said = r"^params.yaml: updates: a whole number from 1 to 1000000, .* such as 10 epochs; got "
    with pytest.raises(InputError, match=said) as error:
        parse(Network, FEWEST | {"updates": updates})
    assert "\n" not in str(error.value)


def test_knobs_that_are_left_out_have_their_defaults():
    network = parse(Network, FEWEST)
    assert network.model_dump() == FEWEST | {
        "weights": "none",
        "side": None,
        "head": [],
        "loss": "categorical_crossentropy",
        "schedule": "constant",
        "intra_op_threads": 1,
    }


def test_validation_is_measured_on_enough_nuclei():
    said = "max_validation: .*greater than or equal to 30; got 29"
    with pytest.raises(InputError, match=said):
        parse(Train, KNOBS.model_dump() | {"max_validation": 29})
