"""Recipes with synthetic nuclei: what they are made of, fold by fold, and who sees them."""

import os
import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import five_sites
import numpy as np
import pytest
from commands import ROOT
from damage import flip_a_byte
from dvc.utils.serialize import modify_yaml

import augment
import prepare
import train
from nuclei.augmentation import recipes
from nuclei.core import files, folds
from nuclei.core.classes import CLASSES
from nuclei.core.errors import InputError
from nuclei.generation import feature_extractor, generator, pool_store, quality
from nuclei.study import process

RECIPE = "generated+flip"
HOME = Path("data/augmented") / RECIPE
POOL = 9
QUICK = ((generator, "TOGETHER", 8), (generator, "STEPS", 2), (feature_extractor, "UPDATES", 3))
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A release of one fold, augmented by knobs that take seconds; the test's own folder."""
    folder = tmp_path_factory.mktemp("generated")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for module, name, value in (*QUICK, (generator, "FEWEST", 3)):
            patch.setattr(module, name, value)
        five_sites.build(folder)
        with modify_yaml("params.yaml") as params:
            params["generator"] |= {"updates": 3, "pool": POOL}
            params["prepare"]["folds"] = "released"
        patch.delenv("TF_NUM_INTRAOP_THREADS", raising=False)
        prepare.main()
        augment.main(RECIPE)
        assert os.environ["TF_NUM_INTRAOP_THREADS"] == "1"
        yield folder


@pytest.fixture
def nuclei(made):
    """All nuclei, and the one fold."""
    table = files.read_csv(Path("data/prepared/nuclei.csv"))
    (fold,) = folds.of_tables(table, files.read_csv(Path("data/prepared/folds.csv")))
    return files.read_nuclei(Path("data/prepared")), fold


def _seed(seed):
    with modify_yaml("params.yaml") as params:
        params["generator"]["seed"] = seed


def _pool():
    return files.read_crops(HOME / "fold-1/pool.npy")


def test_copies_are_the_nuclei_themselves_and_synthetic_ones_in_turn(nuclei):
    nuclei, _ = nuclei
    assert _pool().shape == (len(CLASSES) * POOL, *nuclei.crops.shape[1:])
    known = {"generated": {"pool": _pool()}}
    for copy in (0, 1):
        stored = files.read_crops(HOME / f"fold-1/copy-{copy}.npy")
        expected = recipes.augment(nuclei, RECIPE, 1, copy, known)
        np.testing.assert_array_equal(stored, expected)
    flipped = recipes.augment(nuclei, "flip", 1, 0)
    np.testing.assert_array_equal(files.read_crops(HOME / "fold-1/copy-0.npy"), flipped)


@pytest.mark.parametrize("volume", ["2", "inf"])
def test_train_shows_what_is_stored_and_passes_that_are_made_in_turn(nuclei, volume):
    nuclei, fold = nuclei
    (training,) = train._training_sets(RECIPE, volume, nuclei, train._draws(RECIPE), "nuclei")
    positions, count = np.arange(len(fold.train)), len(fold.train)
    for copy in (0, 1):
        shown = (
            training.pictures(positions + copy * count, 0)
            if volume == "2"
            else training.pictures(positions, copy)
        )
        stored = files.read_crops(HOME / f"fold-1/copy-{copy}.npy")
        np.testing.assert_array_equal(shown, stored[fold.train])


def test_what_is_stored_for_train_holds_the_generators_knobs_and_no_synthetic_nucleus(made):
    knobs = {"seed": 1, "updates": 3, "pool": POOL}
    assert files.read_json(HOME / "draws.json") == {"seed": 1, "learned": {}, "generator": knobs}


def test_synthetic_nuclei_are_compared_beside_training_nuclei_and_noise(made):
    table = files.read_csv(HOME / "synthetic-nuclei.csv")
    again, themselves = "training nuclei again", "validation nuclei"
    assert table["nuclei"].tolist() == ["synthetic", again, "noise", themselves]
    assert table.set_index("nuclei")["near"][again] == 1
    assert table.set_index("nuclei").loc[themselves, ["kid", "recall"]].tolist() == [0, 1]


def test_an_augmentation_copies_the_pools_that_another_has_made_of_the_same(nuclei, monkeypatch):
    def fails(*_):
        raise AssertionError("pools are made again")

    monkeypatch.setattr(generator, "pool", fails)
    HOME.rename(aside := HOME.with_name("aside"))  # as `dvc exp run` removes a former one
    try:
        augment.main("generated")
    finally:
        aside.rename(HOME)
    for name in ("fold-1/pool.npy", "synthetic-nuclei.csv", "made-of.json"):
        other = Path("data/augmented/generated", name)
        assert other.read_bytes() == (HOME / name).read_bytes()
    _seed(2)
    with pytest.raises(AssertionError, match="made again"):
        augment.main("generated")
    _seed(1)
    # A flipped bit is not copied.
    (stored,) = Path("data/pools").glob("*/fold-1/pool.npy")
    flip_a_byte(stored)
    with pytest.raises(AssertionError, match="made again"):
        augment.main("generated+invert")
    flip_a_byte(stored)
    augment.main("generated+crop")
    made_of = stored.parents[1] / "made-of.json"
    whole = made_of.read_text()
    made_of.write_text("{")
    with pytest.raises(AssertionError, match="made again"):
        augment.main("generated+hue")
    made_of.write_text(whole)


def test_other_versions_of_tensorflow_make_other_pools(nuclei, monkeypatch):
    calls = []
    monkeypatch.setattr(generator, "pool", lambda *_: calls.append(1) or _pool())
    monkeypatch.setattr(pool_store, "version", lambda _: "0.0")
    augment.main("generated+noise")
    assert calls


@pytest.mark.parametrize(
    "name", ["training/cross_validation.py", "training/params.py", "core/folds.py"]
)
def test_other_code_makes_other_pools(nuclei, tmp_path, monkeypatch, name):
    shutil.copytree(ROOT / "src/nuclei", tmp_path / "nuclei")
    with (tmp_path / "nuclei" / name).open("a") as code:
        code.write("# other code\n")
    monkeypatch.setattr(pool_store.nuclei, "__file__", str(tmp_path / "nuclei/__init__.py"))
    monkeypatch.setattr(generator, "pool", lambda *_: pytest.fail("pools are made again"))
    with pytest.raises(pytest.fail.Exception, match="made again"):
        augment.main("generated+noise")


def test_augmentations_side_by_side_make_the_pools_once(nuclei, monkeypatch):
    calls = []

    def slow(*_):
        calls.append(1)
        time.sleep(0.5)
        return _pool()

    monkeypatch.setattr(generator, "pool", slow)
    _seed(3)
    with ThreadPoolExecutor(2) as threads:
        list(threads.map(augment.main, ["generated+noise", "generated+rotation"]))
    _seed(1)
    assert len(calls) == 1


def test_a_worker_of_a_study_makes_pools_in_a_process_of_their_own(monkeypatch):
    called = []
    monkeypatch.setenv("DVC_STAGE", "")  # which the process sets
    run = lambda words, **_: called.append(words[1:]) or SimpleNamespace(returncode=0)  # noqa: E731
    monkeypatch.setattr(process.subprocess, "run", run)
    monkeypatch.setattr(augment, "main", called.append)
    for aug in ("generated+flip", "flip"):
        process.run(f"augment@{aug}")
    assert called == [["src/augment.py", "generated+flip"], "flip"]


@pytest.mark.parametrize(
    ("where", "limit", "value", "said"),
    [
        (generator, "FEWEST", 10_000, r"\d+ training nuclei of class .* at least 10000"),
        (quality, "MOST", 2, r"no \w+ among the 2 nuclei of validation"),
    ],
)
def test_a_class_with_too_few_nuclei_is_named_before_anything_is_trained(
    made, monkeypatch, where, limit, value, said
):
    monkeypatch.setattr(where, limit, value)
    monkeypatch.setattr(generator, "pool", lambda *_: pytest.fail("a generator has learned"))
    _seed(2)
    with pytest.raises(InputError, match=f"fold 1: {said}"):
        augment.main("generated+invert")
    _seed(1)
    assert not Path("data/augmented/generated+invert").exists()
    assert not [*Path("data/augmented").glob("*unfinished*")]


def test_no_generator_sees_a_patient_of_test_or_validation(nuclei):
    """A tell-tale colour, in every nucleus that is not for training, changes no byte of a pool."""
    nuclei, fold = nuclei
    crops = np.array(nuclei.crops)
    before, table = _pool().copy(), (HOME / "synthetic-nuclei.csv").read_text()
    tinted = crops.copy()
    tinted[np.concatenate([fold.test, fold.validation]), ..., 0] = 255
    np.save("data/prepared/nuclei.npy", tinted)
    try:
        augment.main(RECIPE)
        np.testing.assert_array_equal(_pool(), before)
        assert (HOME / "synthetic-nuclei.csv").read_text() != table  # validation is compared
        tinted[fold.train[0]] = 255
        np.save("data/prepared/nuclei.npy", tinted)
        augment.main(RECIPE)
        assert (_pool() != before).any()
    finally:
        np.save("data/prepared/nuclei.npy", crops)
