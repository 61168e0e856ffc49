import examples
import numpy as np
import pytest
from examples import SMALL

from nuclei.core import files
from nuclei.core.classes import CLASSES
from nuclei.core.errors import InputError
from nuclei.training import models, networks

DESCRIPTION = {"classes": CLASSES, "side": 16, "window_um": 16.0, "network": SMALL.model_dump()}
CHECKPOINT = {"fold": 2, "repeat": 1, "seed": 2, "updates": 4, "of": 6, "validation_loss": 0.7}
CHECKPOINT["late_fall"] = 0.1
WHOLE = DESCRIPTION | {"checkpoints": [CHECKPOINT]}


@pytest.fixture(scope="module")
def model():
    return networks.build(SMALL, 16, 3)


def test_a_saved_model_is_loaded_in_one_line(model, tmp_path):
    files.write_json(tmp_path / "model.json", WHOLE)
    models.save(SMALL, 16, model.get_weights(), models.weights_file(tmp_path, fold=2, repeat=1))
    loaded, (crops, _) = models.load(tmp_path, fold=2, repeat=1), examples.crops(9, 1)
    expected = model.predict(crops, verbose=0)
    np.testing.assert_allclose(loaded.predict(crops, verbose=0), expected, atol=1e-6)
    (checkpoint,) = models.describe(tmp_path).checkpoints
    assert checkpoint.model_dump() == CHECKPOINT
    assert models.weights_file(tmp_path, checkpoint.fold, checkpoint.repeat).exists()
    with pytest.raises(InputError, match=r"fold-1-repeat-1\.weights\.h5: not the weights"):
        models.load(tmp_path, fold=1, repeat=1)


def test_a_configuration_classifies_as_the_mean_of_its_networks(model, tmp_path):
    checkpoints = [CHECKPOINT | {"fold": fold, "repeat": 0} for fold in (1, 2, 3)]
    files.write_json(tmp_path / "model.json", WHOLE | {"checkpoints": checkpoints})
    random, (crops, _) = np.random.default_rng(1), examples.crops(300, 1)
    for fold in (1, 2, 3):
        weights = [*model.get_weights()[:-1], random.normal(size=3)]  # biases of the classes
        models.save(SMALL, 16, weights, models.weights_file(tmp_path, fold, repeat=0))
    each = [models.load(tmp_path, fold).predict(crops, verbose=0) for fold in (1, 2, 3)]
    assert np.ptp(each, axis=0).max() > 0.01
    classify = models.ensemble(tmp_path)
    for count in (300, 1, 256, 7):
        np.testing.assert_allclose(
            classify(crops[:count]), np.mean(each, axis=0)[:count], atol=1e-6
        )


def test_a_model_says_which_classes_it_tells_apart(tmp_path):
    four = ["tumor", "stromal", "TIL", "other"]
    files.write_json(tmp_path / "model.json", WHOLE | {"classes": four})
    model = networks.build(SMALL, 16, 4)
    models.save(SMALL, 16, model.get_weights(), models.weights_file(tmp_path, fold=2, repeat=1))
    assert models.describe(tmp_path).classes == four
    crops, _ = examples.crops(9, 1)
    probabilities = models.ensemble(tmp_path)(crops)
    assert probabilities.shape == (9, 4)
    np.testing.assert_allclose(probabilities, model.predict(crops, verbose=0), atol=1e-6)
    # Its description belongs to its weights.
    files.write_json(tmp_path / "model.json", WHOLE)
    with pytest.raises(InputError, match="not the weights that model"):
        models.load(tmp_path, fold=2, repeat=1)


def test_weights_files_have_the_same_bytes_at_every_save(model, tmp_path):
    for name in ("a", "b"):
        models.save(SMALL, 16, model.get_weights(), tmp_path / f"{name}.weights.h5")
    assert (tmp_path / "a.weights.h5").read_bytes() == (tmp_path / "b.weights.h5").read_bytes()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"side": 7}, "side: .*; got 7"),
        ({"classes": ["tumor"]}, "classes: .*at least 2 items.*; got a list"),
        ({"classes": [str(k) for k in range(21)]}, "classes: .*at most 20 items.*; got a list"),
        ({"classes": ["a", "b", "a"]}, r"classes: 2 to 20 names, each once; got \['a', 'b', 'a'\]"),
        ({"checkpoints": []}, r"checkpoints: .*at least 1 item.*; got a list"),
        (
            {"checkpoints": [CHECKPOINT | {"fold": 0}]},
            r"checkpoints\.0\.fold: .*greater than or equal to 1; got 0",
        ),
        ({"checkpoints": [CHECKPOINT | {"updates": 0}]}, r"checkpoints\.0\.updates: .*; got 0"),
        (
            {"checkpoints": [CHECKPOINT | {"name": "../x"}]},
            r"checkpoints\.0\.name: no such knob; got '\.\./x'",
        ),
    ],
)
def test_a_description_is_checked_as_params_are(tmp_path, changes, said):
    path = tmp_path / "model.json"
    files.write_json(path, WHOLE)
    assert models.describe(tmp_path).side == 16
    files.write_json(path, WHOLE | changes)
    with pytest.raises(InputError, match=rf"^{path}: {said}"):
        models.describe(tmp_path)


def test_a_model_of_version_1_is_refused_in_one_line(model, tmp_path):
    path = tmp_path / "model.json"
    files.write_json(path, DESCRIPTION)
    models.save(SMALL, 16, model.get_weights(), tmp_path / "repeat-0.weights.h5")
    with pytest.raises(InputError, match=rf"^{path}: checkpoints: this knob is missing") as error:
        models.load(tmp_path)
    assert "\n" not in str(error.value)
