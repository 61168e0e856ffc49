"""Augment: every nucleus in every copy, and the file that says how they were drawn."""

import subprocess
import sys
from pathlib import Path

import five_sites
import numpy as np
import pytest
from commands import ENVIRONMENT, ROOT
from dvc.utils.serialize import modify_yaml

import augment
import prepare
import train
from nuclei.augmentation import recipes
from nuclei.core import files, folds
from nuclei.core.errors import InputError

RECIPE, LEARNED = "invert+flip", "flip+randstainna-50"
AUGMENTED = Path("data/augmented")
COPIES = AUGMENTED / RECIPE


@pytest.fixture
def prepared(tmp_path, monkeypatch):
    """A prepared release; returns all its nuclei."""
    monkeypatch.chdir(tmp_path)
    five_sites.build(tmp_path)
    prepare.main()
    return files.read_nuclei(Path("data/prepared"))


def _folds():
    tables = (files.read_csv(Path(f"data/prepared/{name}.csv")) for name in ("nuclei", "folds"))
    return folds.of_tables(*tables)


def _contents():
    return {path.name: path.read_bytes() for path in COPIES.iterdir()}


def _draw_otherwise(monkeypatch, name):
    """Have an operation draw other numbers, as an edit of its code would."""
    draw = recipes.OPERATIONS[name].draw
    changed = recipes.OPERATIONS[name]._replace(
        draw=lambda keys, *strength: draw(keys + np.uint64(1), *strength)
    )
    monkeypatch.setitem(recipes.OPERATIONS, name, changed)


def _fresh(aug, nuclei):
    """Prepare fresh draws as the stage train does."""
    return train._training_sets(aug, "inf", nuclei, train._draws(aug), "nuclei")


@pytest.mark.parametrize("chunk", [7, 256])
def test_every_copy_holds_every_nucleus_in_the_order_of_the_table(prepared, monkeypatch, chunk):
    monkeypatch.setattr(augment, "CHUNK", chunk)
    augment.main(RECIPE)
    assert {*_contents()} == {"copy-0.npy", "copy-1.npy", "draws.json"}
    for copy in (0, 1):
        stored = files.read_crops(COPIES / f"copy-{copy}.npy")
        np.testing.assert_array_equal(stored, recipes.augment(prepared, RECIPE, 1, copy))


def test_the_draws_of_a_recipe_that_learns_nothing_are_its_seed(prepared):
    augment.main(RECIPE)
    assert files.read_json(COPIES / "draws.json") == {"seed": 1, "learned": {}, "generator": {}}


def test_fresh_draws_go_by_the_seed_of_the_copies_and_not_by_todays_params(prepared):
    augment.main(RECIPE)
    with modify_yaml("params.yaml") as params:
        params["augment"]["seed"] = 2
    fold, rows, pictures = _fresh(RECIPE, prepared)[0]
    stored = files.read_crops(COPIES / "copy-1.npy")
    np.testing.assert_array_equal(pictures(np.arange(len(rows)), 1), stored[fold.train])


@pytest.mark.parametrize(("aug", "changed"), [(RECIPE, "flip"), (LEARNED, "randstainna")])
def test_train_refuses_fresh_draws_of_an_operation_that_draws_otherwise_than_the_copies(
    prepared, monkeypatch, aug, changed
):
    augment.main(aug)
    _fresh(aug, prepared)
    _draw_otherwise(monkeypatch, changed)
    message = r"^data/augmented/.*: .* draws otherwise now; type `dvc repro augment@"
    with pytest.raises(InputError, match=message) as error:
        _fresh(aug, prepared)
    assert "\n" not in str(error.value)
    augment.main(aug)
    _fresh(aug, prepared)


def test_what_is_learned_is_learned_per_fold_and_of_its_training_nuclei_alone(prepared):
    augment.main(LEARNED)
    learned = files.read_json(AUGMENTED / LEARNED / "draws.json")["learned"]
    assert len(_folds()) == 5 and not (AUGMENTED / LEARNED / "copy-0.npy").exists()
    for fold in _folds():
        of_fold = recipes.learn(LEARNED, prepared.crops, fold.train)
        assert learned[str(fold.number)] == of_fold
        stored = files.read_crops(AUGMENTED / LEARNED / f"fold-{fold.number}/copy-1.npy")
        expected = recipes.augment(prepared, LEARNED, 1, 1, of_fold)
        np.testing.assert_array_equal(stored, expected)
    # A patient of another colour, in test and in validation, changes nothing of what a fold learns.
    first = _folds()[0]
    tinted = prepared.crops.copy()
    tinted[np.concatenate([first.test, first.validation]), ..., 0] = 255
    np.save("data/prepared/nuclei.npy", tinted)
    augment.main(LEARNED)
    again = files.read_json(AUGMENTED / LEARNED / "draws.json")["learned"]
    assert again["1"] == learned["1"] and again["2"] != learned["2"]


def test_an_operation_of_another_recipe_changes_nothing(prepared, monkeypatch):
    augment.main(RECIPE)
    before = _contents()
    _draw_otherwise(monkeypatch, "stain")
    _fresh(RECIPE, prepared)
    augment.main(RECIPE)
    assert _contents() == before


def test_a_recipe_that_generates_nothing_imports_no_tensorflow(prepared):
    code = (
        f"import sys; sys.path.insert(0, {str(ROOT / 'src')!r}); import augment; "
        f"augment.main({LEARNED!r}); print('tensorflow' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=ENVIRONMENT
    )
    assert done.stdout.split() == ["False"]
