import pytest

from nuclei.core.errors import InputError
from nuclei.core.params import parse
from nuclei.statistics import notebook
from nuclei.statistics.params import Evaluate, EvaluateParams

EVALUATE = {"seed": 1, "resamples": 200, "margin": 0.01, "examples": 8, "mixed": "refuse"}


def test_the_notebooks_augmentations_are_planned_unless_others_are_named():
    assert parse(Evaluate, EVALUATE).planned == list(notebook.AUGMENTATIONS)
    planned = ["none", "stain-10", "flip+stain"]
    assert parse(Evaluate, EVALUATE | {"planned": planned}).planned == planned


def test_a_planned_augmentation_that_is_none_is_named():
    with pytest.raises(InputError, match=r"^params.yaml: planned.1: augmentation 'invert-flip'"):
        parse(Evaluate, EVALUATE | {"planned": ["none", "invert-flip"]})


@pytest.mark.parametrize("volume", ["inf", float("inf"), 2, 0.5])
def test_the_volume_is_a_number(volume):
    params = parse(EvaluateParams, {"aug": "flip", "volume": volume, "evaluate": EVALUATE})
    assert params.volume == float(volume)
