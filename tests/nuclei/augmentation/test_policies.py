import numpy as np
import pytest

from nuclei.augmentation import policies, recipes
from nuclei.core import draws

KEYS = draws.hash_ids(map(str, range(6_000)))
CROPS = np.random.default_rng(1).integers(0, 256, (60, 24, 24, 3), dtype=np.uint8)


@pytest.mark.parametrize("layers", [1, 3])
def test_every_operation_of_the_set_is_drawn_as_often_and_each_layer_anew(layers):
    chosen = policies.draw_operations(KEYS, layers)["chosen"]
    assert chosen.shape == (len(KEYS), layers)
    shares = [np.bincount(layer, minlength=len(policies.WIDE)) / len(KEYS) for layer in chosen.T]
    assert np.abs(np.array(shares) - 1 / len(policies.WIDE)).max() < 0.015
    for layer in range(1, chosen.shape[1]):
        same = (chosen[:, layer] == chosen[:, 0]).mean()
        assert abs(same - 1 / len(policies.WIDE)) < 0.015


@pytest.mark.parametrize("name", policies.WIDE)
@pytest.mark.parametrize(
    ("policy", "strengths"), [("trivial", policies.WIDE), ("rand", policies.USUAL)]
)
def test_what_is_drawn_is_the_operation_itself(name, policy, strengths):
    chosen = np.full((60, 1), [*strengths].index(name))
    crops = policies.OPERATIONS[policy].apply(CROPS, chosen, KEYS[:60, None])
    operation = recipes.OPERATIONS[name]
    number = [] if strengths[name] is None else [strengths[name]]
    expected = operation.apply(CROPS, **operation.draw(KEYS[:60], *number))
    np.testing.assert_array_equal(crops, expected)


def test_several_are_applied_one_after_the_other():
    parameters, apply = policies.draw_operations(KEYS[:60], 3), policies.OPERATIONS["rand"].apply
    expected = CROPS
    for layer in range(3):
        one = {name: numbers[:, layer : layer + 1] for name, numbers in parameters.items()}
        expected = apply(expected, **one)
    np.testing.assert_array_equal(apply(CROPS, **parameters), expected)


def test_the_strengths_of_the_set_are_valid():
    for name, strength in policies.WIDE.items():
        recipes.parse(name if strength is None else f"{name}-{strength:g}")
    defaults = {name: recipes.parse(name)[0].strength for name in policies.WIDE}
    assert defaults == policies.USUAL
