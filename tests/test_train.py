"""Train: what a configuration writes, and that none of its networks depends on another."""

from pathlib import Path

import five_sites
import numpy as np
import pytest
from dvc.utils.serialize import modify_yaml

import augment
import prepare
import train
from nuclei.augmentation import recipes
from nuclei.core import files, folds
from nuclei.core.errors import InputError
from nuclei.training import models

LEARNED = "flip+randstainna-50"


def _set(**train_knobs):
    """Make networks tiny, and change knobs of train."""
    with modify_yaml("params.yaml") as params:
        params["prepare"]["side"] = 16
        params["augment"]["seed"] = 1
        knobs = {"seed": 1, "repeats": 2, "evaluations": 2, "checkpoint": "best", "ema_decay": 0.5}
        params["train"] |= knobs | {"patience": None} | train_knobs
        params["networks"]["tiny"] |= {"batch": 16, "updates": 6, "learning_rate": 0.01}


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """A prepared release and four augmentations of it."""
    folder = tmp_path_factory.mktemp("train")
    five_sites.build(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        _set()
        prepare.main()
        for aug in ("none", "flip", "crop", LEARNED):
            augment.main(aug)
    return folder


@pytest.fixture(autouse=True)
def _here(prepared, monkeypatch):
    monkeypatch.chdir(prepared)
    _set()


def _train(aug, volume):
    """Train a configuration; return its predictions, its weights' bytes, and its description."""
    train.configuration(aug, volume, lambda: None)
    folder = Path("models") / aug / f"x{volume}"
    weights = {path.name: path.read_bytes() for path in folder.glob("*.h5")}
    predictions = np.load(Path("data/predictions") / aug / f"x{volume}/test.npy")
    return predictions, weights, files.read_json(folder / "model.json")


def _recorded(aug, volume):
    return files.read_json(Path("data/training") / aug / f"x{volume}.json")


def _folds():
    tables = (files.read_csv(Path(f"data/prepared/{name}.csv")) for name in ("nuclei", "folds"))
    return folds.of_tables(*tables)


def test_every_nucleus_is_predicted_by_the_networks_that_have_not_seen_its_patient():
    predictions, weights, described = _train("flip", "1")
    assert predictions.dtype == np.float32 and predictions.shape == (2, 40, 3)
    np.testing.assert_allclose(predictions.sum(axis=2), 1, atol=1e-5)
    names = [f"fold-{fold}-repeat-{repeat}.weights.h5" for fold in range(1, 6) for repeat in (0, 1)]
    assert sorted(weights) == names
    crops = np.load("data/prepared/nuclei.npy")
    for row in described["checkpoints"]:
        assert (row["seed"], row["of"]) == (1 + row["repeat"], 6) and row["updates"] in (3, 6)
        fold, repeat = _folds()[row["fold"] - 1], row["repeat"]
        model = models.load("models/flip/x1", fold.number, repeat)
        probabilities = model.predict(crops[fold.test], verbose=0)
        np.testing.assert_allclose(probabilities, predictions[repeat, fold.test], atol=1e-5)


def test_the_weights_saved_are_those_of_the_checkpoint_that_is_asked_for():
    _set(checkpoint="last")
    last, last_weights, described = _train("flip", "0.5")
    assert {row["updates"] for row in described["checkpoints"]} == {6}
    _set(checkpoint="best")
    best, best_weights, described = _train("flip", "0.5")
    same = {name: last_weights[name] == best_weights[name] for name in last_weights}
    is_last = {
        f"fold-{row['fold']}-repeat-{row['repeat']}.weights.h5": row["updates"] == 6
        for row in described["checkpoints"]
    }
    assert same == is_last and len(set(is_last.values())) == 2
    assert (last != best).any()


def test_a_network_does_not_depend_on_the_others_of_its_configuration():
    predictions, weights, _ = _train("flip", "1")
    _set(repeats=1)
    alone, one_repeat, _ = _train("flip", "1")
    assert one_repeat == {name: weights[name] for name in one_repeat}
    assert alone.tobytes() == predictions[:1].tobytes()
    _set(seed=2)
    _, later, _ = _train("flip", "1")
    for fold in range(1, 6):
        name = f"fold-{fold}-repeat-%d.weights.h5"
        assert later[name % 0] == weights[name % 1]


def test_a_fold_is_the_same_whichever_other_folds_there_are(monkeypatch):
    predictions, weights, _ = _train("flip", "1")
    of_tables = folds.of_tables
    monkeypatch.setattr(folds, "of_tables", lambda *tables: of_tables(*tables)[3:0:-1])
    part, backwards, _ = _train("flip", "1")
    assert len(backwards) == 6
    assert backwards == {name: weights[name] for name in backwards}
    for fold in _folds():
        same = part[:, fold.test].tobytes() == predictions[:, fold.test].tobytes()
        assert same == (fold.number in (2, 3, 4))
        assert np.isnan(part[:, fold.test]).all() == (not same)


def test_fresh_draws_learn_from_other_pictures_than_one_stored_copy():
    stored, _, _ = _train("flip", "1")
    fresh, _, _ = _train("flip", "inf")
    assert (stored != fresh).any()
    assert _train("none", "1")[1] == _train("none", "inf")[1]


def test_test_nuclei_are_transformed_once_for_all_repeats_of_a_fold(monkeypatch):
    transformed, crops = [], np.load("data/prepared/nuclei.npy")
    monkeypatch.setattr(
        recipes, "test_views", lambda crops, aug: transformed.append(crops) or {"test": crops}
    )
    _train("flip", "1")
    expected = [crops[fold.test].tobytes() for fold in _folds()]
    assert [part.tobytes() for part in transformed] == expected


def test_a_training_that_diverges_is_named_by_its_network_and_fold():
    with modify_yaml("params.yaml") as params:
        params["networks"]["tiny"]["learning_rate"] = 1e30
    with pytest.raises(InputError, match=r"^networks\.tiny, fold 1: training of seed 1 diverged: "):
        _train("flip", "1")


def test_test_nuclei_are_shown_at_training_scale_to_a_recipe_that_enlarges():
    _train("crop", "1")
    folder = Path("data/predictions/crop/x1")
    assert {path.name for path in folder.iterdir()} == {"test.npy", "test-at-training-scale.npy"}
    predictions = np.load(folder / "test-at-training-scale.npy")
    assert (predictions != np.load(folder / "test.npy")).any()
    crops, fold = np.load("data/prepared/nuclei.npy"), _folds()[2]
    seen = recipes.at_training_scale(crops[fold.test], recipe="crop")
    probabilities = models.load("models/crop/x1", 3, 1).predict(seen, verbose=0)
    np.testing.assert_allclose(probabilities, predictions[1, fold.test], atol=1e-5)


def test_a_test_side_transform_is_applied_to_validation_and_test_nuclei(monkeypatch):
    plain, _, _ = _train("flip", "0.5")
    before = _recorded("flip", "0.5")["curves"]
    flip = recipes.OPERATIONS["flip"]._replace(at_test=lambda crops: 255 - crops)
    monkeypatch.setitem(recipes.OPERATIONS, "flip", flip)
    inverted, _, _ = _train("flip", "0.5")
    assert (plain != inverted).any()
    for old, new in zip(before, _recorded("flip", "0.5")["curves"], strict=True):
        assert (old == new) == (old["split"] == "train")


def test_a_configuration_records_what_it_was_trained_with():
    _, _, described = _train(LEARNED, "0.5")
    recorded = _recorded(LEARNED, "0.5")
    assert {*recorded} == {"record", "knobs", "checkpoints", "curves", "draws"}
    assert recorded["checkpoints"] == described["checkpoints"]
    keys = {(point["fold"], point["repeat"], point["updates"]) for point in recorded["curves"]}
    assert len(keys) == 5 * 2 * 2
    assert recorded["record"]["nuclei"] == 12 and recorded["record"]["updates"] == 6
    draws = files.read_json(Path(f"data/augmented/{LEARNED}/draws.json"))
    assert recorded["draws"] == draws and {*draws["learned"]} == {*"12345"}


def test_recorded_knobs_are_exact_and_those_that_were_used():
    with modify_yaml("params.yaml") as params:
        params["networks"]["tiny"]["learning_rate"] = 0.00123456
        params["augment"]["seed"] = 9  # the copies are of seed 1
    _, _, described = _train("none", "0.5")
    knobs = _recorded("none", "0.5")["knobs"]
    assert knobs["network"] == "tiny" and knobs["augment.seed"] == 1
    assert knobs["train.ema_decay"] == 0.5 and knobs["networks.tiny.batch"] == 16
    for rate in (knobs["networks.tiny.learning_rate"], described["network"]["learning_rate"]):
        assert rate == 0.00123456
    assert {key.partition(".")[0] for key in knobs} == {"network", "augment", "train", "networks"}


def test_synthetic_nuclei_are_recorded_with_some_of_each_class():
    pool = np.random.default_rng(1).integers(0, 256, (3 * 40, 16, 16, 3), dtype=np.uint8)
    folder = Path("data/augmented/generated")
    crops = np.load("data/prepared/nuclei.npy")
    for fold in range(1, 6):
        (folder / f"fold-{fold}").mkdir(parents=True)
        np.save(folder / f"fold-{fold}/pool.npy", np.roll(pool, fold - 1, axis=0))
        np.save(folder / f"fold-{fold}/copy-0.npy", crops)
    (folder / "synthetic-nuclei.csv").write_text("fold,nuclei,kid\n1,made,0.5\n2,noise,0.1\n")
    generator = {"seed": 3, "updates": 9, "pool": 40}
    files.write_json(folder / "draws.json", {"seed": 1, "learned": {}, "generator": generator})
    _train("generated", "inf")
    assert (
        _recorded("generated", "inf")["knobs"].items()
        >= {f"generator.{name}": value for name, value in generator.items()}.items()
    )
    assert _recorded("generated", "inf")["synthetic"] == [
        {"fold": 1, "nuclei": "made", "kid": 0.5},
        {"fold": 2, "nuclei": "noise", "kid": 0.1},
    ]
    examples = np.load("data/predictions/generated/xinf/pool.npy")
    expected = np.concatenate([pool[first : first + 32] for first in (0, 40, 80)])
    np.testing.assert_array_equal(examples, expected)
