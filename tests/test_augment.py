"""Augment: every nucleus in every copy, and the file that says how passes are drawn anew."""

import subprocess
import sys
from pathlib import Path

import five_sites
import numpy as np
import pytest
from commands import ENVIRONMENT, ROOT

import augment
import prepare
import train
from nuclei.augmentation import recipes
from nuclei.core import files, folds
from nuclei.core.errors import InputError

RECIPE, LEARNED = "invert+flip", "flip+randstainna-50"
FRESH = Path("data/fresh") / f"{RECIPE}.json"
COPIES = Path("data/augmented") / RECIPE


@pytest.fixture
def prepared(tmp_path, monkeypatch):
    """A prepared release; returns all its nuclei."""
    monkeypatch.chdir(tmp_path)
    five_sites.build(tmp_path)
    prepare.main()
    return files.read_nuclei(Path("data/prepared"))


def _made():
    return {path.name: path.read_bytes() for path in [*COPIES.iterdir(), FRESH]}


@pytest.mark.parametrize("chunk", [7, 256])
def test_every_copy_holds_every_nucleus_in_the_order_of_the_table(prepared, monkeypatch, chunk):
    monkeypatch.setattr(augment, "CHUNK", chunk)
    augment.main(RECIPE)
    assert {*_made()} == {"copy-0.npy", "copy-1.npy", FRESH.name}
    for copy in (0, 1):
        stored = files.read_crops(COPIES / f"copy-{copy}.npy")
        np.testing.assert_array_equal(stored, recipes.augment(prepared, RECIPE, 1, copy))


def test_fresh_json_says_how_passes_are_drawn(prepared):
    augment.main(RECIPE)
    said = files.read_json(FRESH)
    assert (said["recipe"], said["seed"]) == (RECIPE, 1)
    assert train._draw(RECIPE)._asdict() == said


def test_an_operation_that_draws_otherwise_changes_fresh_json_and_stops_train_until_it_does(
    prepared, monkeypatch
):
    augment.main(RECIPE)
    before = _made()
    operation = recipes.OPERATIONS["flip"]
    other = operation._replace(draw=lambda keys: operation.draw(keys + np.uint64(1)))
    monkeypatch.setitem(recipes.OPERATIONS, "flip", other)
    with pytest.raises(
        InputError, match=r"fresh/.*\.json: .*now; type `dvc repro augment@invert"
    ) as e:
        train._draw(RECIPE)
    assert "\n" not in str(e.value)
    augment.main(RECIPE)
    after = _made()
    assert all(before[name] != after[name] for name in before)
    assert train._draw(RECIPE).sample == files.read_json(FRESH)["sample"]


def test_what_is_learned_is_learned_per_fold_and_of_its_training_nuclei_alone(
    prepared, monkeypatch
):
    crops = prepared.crops
    table, dealt = (
        files.read_csv(Path(f"data/prepared/{name}.csv")) for name in ("nuclei", "folds")
    )
    augment.main(LEARNED)
    said = files.read_json(Path(f"data/fresh/{LEARNED}.json"))["learned"]
    found = folds.of_tables(table, dealt)
    assert len(found) == 5 and not Path(f"data/augmented/{LEARNED}/copy-0.npy").exists()
    for fold in found:
        known = recipes.learn(LEARNED, crops, fold.train)
        assert said[str(fold.number)] == known
        path = Path(f"data/augmented/{LEARNED}/fold-{fold.number}/copy-1.npy")
        expected = recipes.augment(prepared, LEARNED, 1, 1, known)
        np.testing.assert_array_equal(files.read_crops(path), expected)
    # A patient of another colour, in test and in validation, changes nothing of what a fold learns.
    outside = np.concatenate([found[0].test, found[0].validation])
    tinted = crops.copy()
    tinted[outside, ..., 0] = 255
    np.save("data/prepared/nuclei.npy", tinted)
    augment.main(LEARNED)
    again = files.read_json(Path(f"data/fresh/{LEARNED}.json"))["learned"]
    assert again["1"] == said["1"] and again["2"] != said["2"]


def test_an_operation_of_no_part_changes_nothing(prepared, monkeypatch):
    augment.main(RECIPE)
    before = _made()
    other = recipes.OPERATIONS["stain"]._replace(apply=lambda crops, **of: crops)
    monkeypatch.setitem(recipes.OPERATIONS, "stain", other)
    train._draw(RECIPE)
    augment.main(RECIPE)
    assert _made() == before


def test_an_arm_that_generates_nothing_imports_no_tensorflow(prepared):
    said = (
        f"import sys; sys.path.insert(0, {str(ROOT / 'src')!r}); import augment; "
        f"augment.main({LEARNED!r}); print('tensorflow' in sys.modules)"
    )
    found = subprocess.run(
        [sys.executable, "-c", said], capture_output=True, text=True, check=True, env=ENVIRONMENT
    )
    assert found.stdout.split() == ["False"]
