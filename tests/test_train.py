"""Train: what a cell writes, of which networks, and that none depends on another."""

import json
from pathlib import Path

import five_sites
import numpy as np
import pandas as pd
import pytest
import yaml

import augment
import prepare
import train
from nuclei.augmentation import recipes
from nuclei.core import folds
from nuclei.core.errors import InputError
from nuclei.core.folds import Fold
from nuclei.training import models


def _set(**train_knobs):
    """Make networks tiny, and change knobs of train."""
    params = yaml.safe_load(Path("params.yaml").read_text())
    params["prepare"]["side"] = 16
    knobs = {"seed": 1, "repeats": 2, "points": 2, "end": "best", "average": 0.5}
    params["train"] |= knobs | train_knobs
    params["networks"]["small"] |= {"batch": 16, "updates": 6, "learning_rate": 0.003}
    Path("params.yaml").write_text(yaml.safe_dump(params))


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """A prepared release and three augmentations of it."""
    folder = tmp_path_factory.mktemp("train")
    five_sites.build(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        _set()
        prepare.main()
        for aug in ("none", "flip", "crop"):
            augment.main(aug)
    return folder


@pytest.fixture(autouse=True)
def _here(prepared, monkeypatch):
    monkeypatch.chdir(prepared)
    _set()


def _cell(aug, volume):
    """Train a cell; return its predictions, the bytes of its weights, and its description."""
    train.configuration(aug, volume, lambda: None)
    folder = Path("models") / aug / f"x{volume}"
    weights = {path.name: path.read_bytes() for path in folder.glob("*.h5")}
    predicted = np.load(Path("data/predictions") / aug / f"x{volume}/test.npy")
    return predicted, weights, json.loads((folder / "model.json").read_text())


def _found():
    tables = (pd.read_csv(f"data/prepared/{name}.csv") for name in ("nuclei", "folds"))
    return folds.of_tables(*tables)


def test_every_nucleus_is_predicted_by_the_networks_that_have_not_seen_its_patient():
    predicted, weights, described = _cell("flip", "1")
    assert predicted.dtype == np.float32 and predicted.shape == (2, 40, 3)
    np.testing.assert_allclose(predicted.sum(axis=2), 1, atol=1e-5)
    names = [f"fold-{fold}-repeat-{repeat}.weights.h5" for fold in range(1, 6) for repeat in (0, 1)]
    assert sorted(weights) == names
    crops = np.load("data/prepared/nuclei.npy")
    for made in described["made"]:
        assert (made["seed"], made["of"]) == (1 + made["repeat"], 6) and made["updates"] in (3, 6)
        fold, repeat = _found()[made["fold"] - 1], made["repeat"]
        said = models.load("models/flip/x1", fold.number, repeat).predict(
            crops[fold.test], verbose=0
        )
        np.testing.assert_allclose(said, predicted[repeat, fold.test], atol=1e-5)


def test_the_weights_saved_are_those_of_the_end_that_is_asked_for():
    last, of_last, described = _cell_that_ends("last")
    assert {made["updates"] for made in described["made"]} == {6}
    best, of_best, described = _cell_that_ends("best")
    same = {name: of_last[name] == of_best[name] for name in of_last}
    ended = {
        f"fold-{made['fold']}-repeat-{made['repeat']}.weights.h5": made["updates"] == 6
        for made in described["made"]
    }
    assert same == ended and len(set(ended.values())) == 2
    assert (last != best).any()


def _cell_that_ends(end):
    _set(end=end)
    return _cell("flip", "0.5")


def test_a_network_does_not_depend_on_the_others_of_its_cell():
    predicted, weights, _ = _cell("flip", "1")
    _set(repeats=1)
    alone, one_repeat, _ = _cell("flip", "1")
    assert one_repeat == {name: weights[name] for name in one_repeat}
    assert alone.tobytes() == predicted[:1].tobytes()
    _set(seed=2)
    _, later, _ = _cell("flip", "1")
    for fold in range(1, 6):
        name = f"fold-{fold}-repeat-%d.weights.h5"
        assert later[name % 0] == weights[name % 1]


def test_a_fold_is_the_same_whichever_other_folds_there_are(monkeypatch):
    predicted, weights, _ = _cell("flip", "1")
    found = folds.of_tables
    monkeypatch.setattr(folds, "of_tables", lambda *tables: found(*tables)[3:0:-1])
    part, backwards, _ = _cell("flip", "1")
    assert len(backwards) == 6
    assert backwards == {name: weights[name] for name in backwards}
    for fold in _found():
        same = part[:, fold.test].tobytes() == predicted[:, fold.test].tobytes()
        assert same == (fold.number in (2, 3, 4))
        assert np.isnan(part[:, fold.test]).all() == (not same)


def test_fresh_draws_learn_from_other_pictures_than_one_stored_copy():
    stored, _, _ = _cell("flip", "1")
    fresh, _, _ = _cell("flip", "inf")
    assert (stored != fresh).any()
    assert _cell("none", "1")[1] == _cell("none", "inf")[1]


def test_test_nuclei_are_made_once_for_all_repeats_of_a_fold(monkeypatch):
    made, crops = [], np.load("data/prepared/nuclei.npy")
    monkeypatch.setattr(
        train, "_views", lambda aug: {"test": lambda shown: made.append(shown) or shown}
    )
    _cell("flip", "1")
    assert [part.tobytes() for part in made] == [crops[fold.test].tobytes() for fold in _found()]


def test_a_training_that_diverges_is_told_with_its_network_and_fold():
    params = yaml.safe_load(Path("params.yaml").read_text())
    params["networks"]["small"]["learning_rate"] = 1e30
    Path("params.yaml").write_text(yaml.safe_dump(params))
    with pytest.raises(
        InputError, match=r"^networks\.small, fold 1: training of seed 1 diverged: "
    ):
        _cell("flip", "1")


def test_test_nuclei_are_shown_at_training_scale_to_a_recipe_that_enlarges():
    _cell("crop", "1")
    folder = Path("data/predictions/crop/x1")
    assert {path.name for path in folder.iterdir()} == {"test.npy", "test-at-training-scale.npy"}
    predicted = np.load(folder / "test-at-training-scale.npy")
    assert (predicted != np.load(folder / "test.npy")).any()
    crops, fold = np.load("data/prepared/nuclei.npy"), _found()[2]
    seen = recipes.at_training_scale(crops[fold.test], recipe="crop")
    said = models.load("models/crop/x1", 3, 1).predict(seen, verbose=0)
    np.testing.assert_allclose(said, predicted[1, fold.test], atol=1e-5)


def test_validation_is_measured_on_a_sample_of_all_its_patients_and_of_every_class():
    rows, patients = np.arange(100, 200), np.repeat(np.arange(20), 10)
    fold = Fold(1, rows[:0], rows, rows[:0])
    labels = np.arange(200) % 3
    measured = train._measured(fold, labels, 30)
    assert len(set(measured)) == 30 and set(measured) <= set(rows)
    assert set(patients[measured]) == set(range(10, 20))
    np.testing.assert_array_equal(train._measured(fold, labels, 2048), rows)
    with pytest.raises(InputError, match=r"^fold 1: no TIL among the 30 .*; raise train\.sample"):
        train._measured(fold, np.where(labels == 1, 0, labels), 30)


def test_what_was_made_is_told_beside_the_curves():
    _, _, described = _cell("none", "0.5")
    told = json.loads(Path("data/training/none/x0.5.json").read_text())
    assert told["made"] == described["made"]
    keys = {(point["fold"], point["repeat"], point["updates"]) for point in told["curves"]}
    assert len(keys) == 5 * 2 * 2
    assert told["record"]["nuclei"] == 12 and told["record"]["updates"] == 6
