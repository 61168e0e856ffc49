import numpy as np
import pytest

from nuclei.augmentation import policies, recipes
from nuclei.core import draws

KEYS = draws.hash_ids(map(str, range(6_000)))
CROPS = np.random.default_rng(1).integers(0, 256, (60, 24, 24, 3), dtype=np.uint8)


@pytest.mark.parametrize("draw", [policies.draw_one, lambda keys: policies.draw_several(keys, 3)])
def test_every_operation_of_the_set_is_drawn_as_often_and_each_layer_anew(draw):
    chosen = draw(KEYS)["chosen"]
    shares = [np.bincount(layer, minlength=len(policies.WIDE)) / len(KEYS) for layer in chosen.T]
    assert np.abs(np.array(shares) - 1 / len(policies.WIDE)).max() < 0.015
    for layer in range(1, chosen.shape[1]):
        same = (chosen[:, layer] == chosen[:, 0]).mean()
        assert abs(same - 1 / len(policies.WIDE)) < 0.015


@pytest.mark.parametrize("name", policies.WIDE)
@pytest.mark.parametrize("apply", [policies.apply_widely, policies.apply_as_usual])
def test_what_is_drawn_is_the_operation_itself(name, apply):
    strengths = policies.WIDE if apply is policies.apply_widely else policies.USUAL
    chosen = np.full((60, 1), [*strengths].index(name))
    made = apply(CROPS, chosen, KEYS[:60, None])
    operation = recipes.OPERATIONS[name]
    number = [] if strengths[name] is None else [strengths[name]]
    expected = operation.apply(CROPS, **operation.draw(KEYS[:60], *number))
    np.testing.assert_array_equal(made, expected)


def test_several_are_applied_one_after_the_other():
    drawn = policies.draw_several(KEYS[:60], 3)
    expected = CROPS
    for layer in range(3):
        one = {name: of[:, layer : layer + 1] for name, of in drawn.items()}
        expected = policies.apply_as_usual(expected, **one)
    np.testing.assert_array_equal(policies.apply_as_usual(CROPS, **drawn), expected)


def test_the_strengths_of_the_set_are_valid():
    for name, strength in (*policies.WIDE.items(), *policies.USUAL.items()):
        recipes.parse(name if strength is None else f"{name}-{strength:g}")
