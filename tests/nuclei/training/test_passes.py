import numpy as np
import pytest

from nuclei.augmentation import recipes
from nuclei.augmentation.recipes import OPERATIONS
from nuclei.core import draws, folds
from nuclei.core.nuclei import Nuclei
from nuclei.training import passes

CROPS = np.random.default_rng(1).integers(0, 256, (30, 16, 16, 3), dtype=np.uint8)
PATIENTS = np.array(["P"] * 30)
NUCLEI = Nuclei(CROPS, draws.hash_ids(f"f/{i}" for i in range(30)), np.arange(30) % 3)
TRAIN = np.array([1, 2, 3, 5, 8, 13, 21, 24, 28, 29])
RECIPE, SEED = "invert+flip+crop", 7
COPIES = [recipes.augment(NUCLEI, RECIPE, SEED, copy) for copy in range(3)]


def _stored(volume):
    """The rows that a volume reads, and what shows them."""
    rows = folds.at_volume(TRAIN, PATIENTS, volume, "nuclei")
    return rows, passes.stored(COPIES, rows, min(len(rows), len(TRAIN)))


def _fresh(rows=TRAIN, recipe=RECIPE):
    return passes.fresh(NUCLEI, rows, recipe, SEED, None)


@pytest.mark.parametrize("number", [0, 1, 2])
def test_pass_k_of_fresh_draws_shows_what_copy_k_stores_byte_for_byte(number):
    positions = np.random.default_rng(2).permutation(len(TRAIN))
    shown = _fresh()(positions, number)
    assert shown.dtype == np.uint8
    assert shown.tobytes() == COPIES[number][TRAIN[positions]].tobytes()


def test_every_pass_of_fresh_draws_is_another_and_the_same_when_it_comes_again():
    positions = np.arange(len(TRAIN))
    made = [_fresh()(positions, number).tobytes() for number in (0, 1, 2, 999)]
    assert len(set(made)) == 4
    assert [_fresh()(positions, number).tobytes() for number in (0, 1, 2, 999)] == made
    none = [_fresh(recipe="none")(positions, number).tobytes() for number in (0, 9)]
    assert none == [CROPS[TRAIN].tobytes()] * 2


def test_a_fresh_picture_does_not_depend_on_those_beside_it_or_on_the_fold():
    whole = _fresh(np.arange(30))(np.arange(30), 4)
    for position, row in enumerate(TRAIN):
        np.testing.assert_array_equal(_fresh()(np.array([position]), 4)[0], whole[row])


def test_fresh_draws_know_what_was_learned_from_the_folds_own_training_nuclei():
    recipe, positions = "flip+randstainna", np.arange(len(TRAIN))
    learned = {
        fold: recipes.learn(recipe, CROPS, np.array(part))
        for fold, part in (("1", TRAIN), ("2", [0]))
    }
    for of_fold in learned.values():
        shown = passes.fresh(NUCLEI, TRAIN, recipe, SEED, of_fold)(positions, 3)
        expected = recipes.augment(NUCLEI.rows(TRAIN), recipe, SEED, 3, of_fold)
        assert shown.tobytes() == expected.tobytes()


def test_every_second_pass_of_fresh_draws_shows_made_nuclei_of_the_same_classes():
    pool, positions = CROPS[::-1], np.array([3, 0, 7])
    shown = passes.fresh(NUCLEI, TRAIN, "generated", SEED, {"generated": {"pool": pool}})
    rows = TRAIN[positions]
    assert shown(positions, 2).tobytes() == CROPS[rows].tobytes()
    for picture, label in zip(shown(positions, 3), NUCLEI.labels[rows], strict=True):
        assert picture.tobytes() in [nucleus.tobytes() for nucleus in pool[label * 10 :][:10]]


def test_stored_copies_are_the_same_in_every_pass():
    _, pictures = _stored(2)
    positions = np.array([19, 0, 7, 12])
    assert pictures(positions, 0).tobytes() == pictures(positions, 5).tobytes()


@pytest.mark.parametrize("volume", [0.5, 1, 1.5, 2, 3])
def test_the_kth_time_that_a_row_comes_it_is_shown_from_copy_k(volume):
    rows, pictures = _stored(volume)
    assert len(rows) == round(volume * len(TRAIN))
    shown = pictures(np.arange(len(rows)), 0)
    came = dict.fromkeys(TRAIN.tolist(), 0)
    for row, picture in zip(rows.tolist(), shown, strict=True):
        np.testing.assert_array_equal(picture, COPIES[came[row]][row])
        came[row] += 1


def _same_as_stored(copies, recipe=RECIPE, learned=None, rows=TRAIN):
    return passes.same_as_stored(copies, NUCLEI, rows, recipe, SEED, learned)


@pytest.mark.parametrize("name", [name for name in OPERATIONS if name not in ("none", "channels")])
def test_an_operation_that_draws_or_applies_otherwise_than_its_copies_is_noticed(name, monkeypatch):
    learned = recipes.learn(name, CROPS, TRAIN) | {"generated": {"pool": CROPS[::-1]}}
    copies = [recipes.augment(NUCLEI, name, SEED, copy, learned) for copy in (0, 1)]
    operation = OPERATIONS[name]
    changes = (
        {"draw": lambda keys, *number: operation.draw(keys + np.uint64(1), *number)},
        {"apply": lambda crops, **of: operation.apply(crops, **of) ^ 1},
    )
    assert _same_as_stored(copies, name, learned)
    for change in changes:
        monkeypatch.setitem(OPERATIONS, name, operation._replace(**change))
        assert not _same_as_stored(copies, name, learned)


def test_an_operation_that_is_given_other_numbers_than_it_learned_is_noticed():
    recipe = "flip+randstainna"
    one, other = (recipes.learn(recipe, CROPS, np.arange(*part)) for part in ((0, 15), (15, 30)))
    copies = [recipes.augment(NUCLEI, recipe, SEED, 0, one)]
    assert _same_as_stored(copies, recipe, one) and not _same_as_stored(copies, recipe, other)


def test_a_change_that_spares_copy_0_is_noticed_if_copy_1_is_stored(monkeypatch):
    keys = draws.keys
    monkeypatch.setattr(
        recipes, "keys", lambda ids, seed, copy, name: keys(ids, seed, 7 * copy, name)
    )
    assert _same_as_stored(COPIES[:1]) and not _same_as_stored(COPIES[:2])


def test_what_is_compared_are_nuclei_of_all_training_rows():
    for row in range(30):
        other = COPIES[0].copy()
        other[row] ^= 1
        assert _same_as_stored([other]) == (row not in TRAIN)
