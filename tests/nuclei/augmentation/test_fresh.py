import numpy as np
import pytest

from nuclei.augmentation import fresh, recipes
from nuclei.augmentation.operation import Operation
from nuclei.augmentation.recipes import OPERATIONS
from nuclei.core import draws, files

CROPS = np.random.default_rng(3).integers(0, 256, (20, 16, 16, 3), dtype=np.uint8)


def _edited(name, monkeypatch, **changes):
    """Have an operation draw or apply otherwise, as an edit of its code would."""
    monkeypatch.setitem(recipes.OPERATIONS, name, OPERATIONS[name]._replace(**changes))


def test_the_same_recipe_and_seed_have_the_same_sample_and_others_another():
    made = {fresh.sample(recipe, seed) for recipe in OPERATIONS for seed in (1, 2)}
    assert len(made) == 2 * len(OPERATIONS) - 2  # none and channels draw nothing, whatever the seed
    assert fresh.sample("invert+flip", 1) == fresh.sample("invert+flip", 1)


@pytest.mark.parametrize("name", [name for name in OPERATIONS if name not in ("none", "channels")])
def test_an_operation_that_draws_or_applies_otherwise_changes_the_sample(name, monkeypatch):
    before = fresh.sample(name, 1)
    draw, apply = OPERATIONS[name].draw, OPERATIONS[name].apply
    _edited(name, monkeypatch, draw=lambda keys, *number: draw(keys + np.uint64(1), *number))
    drawn = fresh.sample(name, 1)
    _edited(name, monkeypatch, draw=draw, apply=lambda crops, **of: apply(crops, **of) ^ 1)
    assert len({before, drawn, fresh.sample(name, 1)}) == 3
    _edited(name, monkeypatch, draw=draw, apply=apply)
    assert fresh.sample(name, 1) == before


def test_an_operation_of_another_recipe_changes_no_sample(monkeypatch):
    before = fresh.sample("invert+flip", 1)
    _edited("stain", monkeypatch, apply=lambda crops, **of: crops)
    other = Operation(lambda keys: {}, lambda crops: crops, "this test")
    monkeypatch.setitem(recipes.OPERATIONS, "other", other)
    assert fresh.sample("invert+flip", 1) == before


def test_what_is_tested_at_training_scale_is_in_the_sample_of_a_recipe_that_needs_it(monkeypatch):
    before = [fresh.sample(recipe, 1) for recipe in ("crop", "flip")]
    monkeypatch.setattr(recipes, "at_training_scale", lambda crops, recipe: crops)
    after = [fresh.sample(recipe, 1) for recipe in ("crop", "flip")]
    assert [a == b for a, b in zip(before, after, strict=True)] == [False, True]


def test_a_later_pass_that_is_drawn_otherwise_changes_the_sample(monkeypatch):
    before, keys = fresh.sample("flip", 1), draws.keys
    monkeypatch.setattr(
        recipes, "keys", lambda ids, seed, copy, name: keys(ids, seed, copy % 500, name)
    )
    assert fresh.sample("flip", 1) != before


def test_a_draw_is_what_its_file_says(tmp_path):
    learned = {"1": recipes.learn("randstainna", CROPS, np.arange(20))}
    draw = fresh.Draw("randstainna", 3, learned, fresh.sample("randstainna", 3))
    files.write_json(tmp_path / "fresh.json", draw._asdict())
    assert fresh.Draw(**files.read_json(tmp_path / "fresh.json")) == draw


def test_an_operation_that_learns_otherwise_changes_the_sample(monkeypatch):
    before, learn = fresh.sample("flip+randstainna", 1), OPERATIONS["randstainna"].learn
    _edited("randstainna", monkeypatch, learn=lambda crops, rows: learn(crops, rows[::2]))
    assert fresh.sample("flip+randstainna", 1) != before


def test_a_strength_is_in_the_sample():
    assert len({fresh.sample(recipe, 1) for recipe in ("rotation", "rotation-90", "stain-5")}) == 3
    assert fresh.sample("rotation-36", 1) == fresh.sample("rotation", 1)
