import contextlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nuclei import draws
from nuclei.augmentation import recipes
from nuclei.augmentation.recipes import OPERATIONS
from nuclei.errors import InputError

CROPS = np.random.default_rng(1).integers(0, 256, (12, 16, 16, 3), dtype=np.uint8)
HASHED = draws.hash_ids(map(str, range(12)))


def test_operations_are_applied_in_the_order_named():
    rotated = recipes.augment(CROPS, HASHED, "rotation", 1, 0)
    expected = recipes.augment(rotated, HASHED, "crop", 1, 0)
    np.testing.assert_array_equal(recipes.augment(CROPS, HASHED, "rotation+crop", 1, 0), expected)
    assert (recipes.augment(CROPS, HASHED, "crop+rotation", 1, 0) != expected).any()


def test_none_is_every_copy_as_it_was():
    for copy in range(3):
        np.testing.assert_array_equal(recipes.augment(CROPS, HASHED, "none", 1, copy), CROPS)


def test_a_recipe_with_crop_enlarges_and_no_other_does():
    assert [recipe for recipe in (*OPERATIONS, "invert+crop") if recipes.enlarges(recipe)] == [
        "crop",
        "invert+crop",
    ]


def test_at_training_scale_a_crop_is_its_middle_window_as_large_as_crop_shows_it():
    rows = np.arange(30, dtype=np.uint8) * 8
    crops = np.broadcast_to(rows[None, :, None, None], (2, 30, 30, 3)).copy()
    shown = recipes.at_training_scale(crops)
    assert shown.shape == crops.shape and shown.dtype == np.uint8
    assert (shown[:, 0] == rows[5]).all() and (shown[:, -1] == rows[24]).all()
    assert recipes.at_training_scale(crops[:0]).shape == (0, 30, 30, 3)


@pytest.mark.parametrize(
    ("recipe", "said"),
    [
        ("blur", "no operation 'blur'; valid: none, crop"),
        ("flip+", "no operation ''"),
        ("", "no operation ''"),
        ("Flip", "no operation 'Flip'"),
        ("flip + invert", "no operation 'flip '"),
        ("../flip", "no operation '../flip'"),
        ("flip+flip", "only once"),
        ("none+flip", "none stands alone"),
    ],
)
def test_a_bad_recipe_is_named(recipe, said):
    with pytest.raises(InputError, match=said.replace("(", r"\(").replace(".", r"\.")):
        recipes.parse(recipe)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(sorted({*OPERATIONS} - {"none"})), min_size=1, unique=True))
def test_operations_joined_are_the_operations_parsed(names):
    assert recipes.parse("+".join(names)) == tuple(names)


@settings(max_examples=150, deadline=None)
@given(st.text() | st.lists(st.sampled_from([*OPERATIONS, ""])).map("+".join))
def test_any_text_is_a_recipe_or_an_error(recipe):
    with contextlib.suppress(InputError):
        assert "+".join(recipes.parse(recipe)) == recipe
