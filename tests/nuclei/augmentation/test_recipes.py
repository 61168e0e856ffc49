import contextlib
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nuclei.augmentation import recipes
from nuclei.augmentation.recipes import OPERATIONS
from nuclei.core import draws
from nuclei.core.errors import InputError
from nuclei.core.nuclei import Nuclei

CROPS = np.random.default_rng(1).integers(0, 256, (12, 16, 16, 3), dtype=np.uint8)
HASHED = draws.hash_ids(map(str, range(12)))
NUCLEI = Nuclei(CROPS, HASHED, np.arange(12) % 3)


def test_operations_are_applied_in_the_order_named():
    rotated = recipes.augment(NUCLEI, "rotation", 1, 0)
    expected = recipes.augment(NUCLEI._replace(crops=rotated), "crop", 1, 0)
    np.testing.assert_array_equal(recipes.augment(NUCLEI, "rotation+crop", 1, 0), expected)
    assert (recipes.augment(NUCLEI, "crop+rotation", 1, 0) != expected).any()


def test_none_is_every_copy_as_it_was():
    for copy in range(3):
        np.testing.assert_array_equal(recipes.augment(NUCLEI, "none", 1, copy), CROPS)


def test_a_recipe_with_crop_enlarges_and_no_other_does():
    enlarging = {recipe: recipes.enlargement(recipe) for recipe in (*OPERATIONS, "invert+crop-2")}
    assert {recipe: by for recipe, by in enlarging.items() if by != 1} == {
        "crop": 1.5,
        "invert+crop-2": 2,
    }


def test_at_training_scale_a_crop_is_its_middle_window_as_large_as_crop_shows_it():
    rows = np.arange(30, dtype=np.uint8) * 8
    crops = np.broadcast_to(rows[None, :, None, None], (2, 30, 30, 3)).copy()
    shown = recipes.at_training_scale(crops, "crop")
    assert shown.shape == crops.shape and shown.dtype == np.uint8
    assert (shown[:, 0] == rows[5]).all() and (shown[:, -1] == rows[24]).all()
    assert (recipes.at_training_scale(crops, "flip+crop-3")[:, 0] == rows[10]).all()
    assert recipes.at_training_scale(crops[:0], "crop").shape == (0, 30, 30, 3)


def test_a_number_is_the_strength_and_without_one_it_is_the_default():
    assert recipes.parse("rotation-18+flip+blur-0.5") == (
        ("rotation", 18),
        ("flip", None),
        ("blur", 0.5),
    )
    assert recipes.parse("rotation") == (("rotation", 36),)


def test_two_strengths_draw_the_same_random_numbers():
    rotation = OPERATIONS["rotation"].draw
    keys = draws.keys(HASHED, 1, 0, "rotation")
    weak, strong = rotation(keys, 18)["quarters"], rotation(keys, 180)["quarters"]
    assert np.abs(weak * 10 - strong).max() <= 20
    expected = OPERATIONS["rotation"].apply(CROPS, weak)
    np.testing.assert_array_equal(recipes.augment(NUCLEI, "rotation-18", 1, 0), expected)


def test_only_what_learns_is_learned_and_from_the_crops_given():
    learned = {name for name in OPERATIONS if recipes.is_learned(name)}
    assert learned == {"randstainna", "generated"} and recipes.is_learned("flip+randstainna-50")
    assert recipes.learn("flip", CROPS, np.arange(12)) == {}
    one, other = (
        recipes.learn("flip+randstainna", CROPS, rows) for rows in (np.arange(6), np.arange(6, 12))
    )
    assert [*one] == ["randstainna"] and one != other


def test_odd_copies_are_made_nuclei_of_the_same_class_and_even_ones_the_nuclei_themselves():
    pool = np.repeat(np.arange(24, dtype=np.uint8), 16 * 16 * 3).reshape(24, 16, 16, 3)
    known = {"generated": {"pool": pool}}
    for copy in range(6):
        made = recipes.augment(NUCLEI, "generated", 1, copy, known)
        if copy % 2 == 0:
            np.testing.assert_array_equal(made, CROPS)
        else:  # of the pool's 24, the first 8 are of the first class
            np.testing.assert_array_equal(made[:, 0, 0, 0] // 8, NUCLEI.labels)
    drawn = [recipes.augment(NUCLEI, "generated", 1, n, known) for n in (1, 3)]
    assert (drawn[0] != drawn[1]).any()
    # What follows is drawn as if nothing stood before it.
    flipped = recipes.augment(NUCLEI._replace(crops=drawn[0]), "flip", 1, 1)
    both = recipes.augment(NUCLEI, "generated+flip", 1, 1, known)
    np.testing.assert_array_equal(both, flipped)


def test_made_nuclei_of_another_side_are_an_error():
    known = {"generated": {"pool": CROPS}}
    with pytest.raises(InputError, match="a side of 16 pixels, crops one of 8"):
        recipes.augment(NUCLEI._replace(crops=CROPS[:, :8, :8]), "generated", 1, 1, known)


@pytest.mark.parametrize(
    ("recipe", "said"),
    [
        ("melt", "no operation 'melt'; valid: none, crop"),
        ("flip-2", "flip takes no number; got '2'"),
        ("rotation-", "the number of rotation is its largest angle either way, 1 to 180 degrees"),
        ("rotation-0", "number such as 36; got '0'"),
        ("rotation-181", "number such as 36; got '181'"),
        ("rotation-18.0", "number such as 36; got '18.0'"),
        ("rotation-018", "number such as 36; got '018'"),
        ("rotation--18", "number such as 36; got '-18'"),
        ("rotation-1e1", "number such as 36; got '1e1'"),
        ("rotation-1٨", "number such as 36; got '1٨'"),
        ("rotation-nan", "number such as 36; got 'nan'"),
        ("rand-1.5", "a whole number such as 2; got '1.5'"),
        ("flip+rotation-36", "rotation-36 is rotation: 36 is its default; write rotation"),
        ("rotation-18+rotation-90", "only once"),
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
    with pytest.raises(InputError, match=re.escape(said)):
        recipes.parse(recipe)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(sorted({*OPERATIONS} - {"none"})), min_size=1, unique=True))
def test_operations_joined_are_the_operations_parsed(names):
    assert [step.name for step in recipes.parse("+".join(names))] == names


@settings(max_examples=150, deadline=None)
@given(
    st.text()
    | st.lists(st.sampled_from([*OPERATIONS, ""])).map("+".join)
    | st.tuples(st.sampled_from([*OPERATIONS]), st.text("0123456789.-e")).map("-".join)
)
def test_any_text_is_a_recipe_or_an_error(recipe):
    with contextlib.suppress(InputError):
        steps, words = recipes.parse(recipe), recipe.split("+")
        for step, word in zip(steps, words, strict=True):
            assert word in (step.name, f"{step.name}-{step.strength:g}" if step.strength else "")


@pytest.mark.parametrize(
    ("recipe", "real"),
    [("generated", "none"), ("generated+flip", "flip"), ("invert+generated+rotation-90", None)],
)
def test_a_recipe_that_generates_is_compared_with_the_same_without(recipe, real):
    assert recipes.of_real_nuclei(recipe) == (real or "invert+rotation-90")
