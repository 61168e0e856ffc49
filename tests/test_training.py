import json
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from nuclei import networks, training
from nuclei.classes import CLASSES
from nuclei.errors import InputError
from nuclei.params import Network

SMALL = Network(
    architecture="small",
    weights="none",
    side=None,
    head=[],
    loss="categorical_crossentropy",
    learning_rate=0.003,
    schedule="cosine",
    batch=16,
    threads=1,
    epochs=None,
    updates=6,
)


def _nuclei(count, seed):
    """Make crops whose class is their brightness, in two parts where the count is even."""
    random = np.random.default_rng(seed)
    labels = np.arange(count) % 3
    crops = random.integers(0, 40, (count, 16, 16, 3)) + labels[:, None, None, None] * 80
    return training.Nuclei(np.split(crops.astype(np.uint8), 2 - count % 2), labels)


SPLITS = {"train": _nuclei(60, 1), "validation": _nuclei(21, 2), "test": _nuclei(33, 3)}


def _train(network=SMALL, seeds=(1, 2), points=3):
    return list(training.train(network, SPLITS, list(seeds), points, sample=30))


@pytest.fixture(scope="module")
def trained():
    return _train()


def test_the_same_seed_gives_the_same_bytes(trained):
    again = _train()
    for first, second in zip(trained, again, strict=True):
        assert first.probabilities.tobytes() == second.probabilities.tobytes()
        assert first.curves == second.curves
        for one, other in zip(first.model.get_weights(), second.model.get_weights(), strict=True):
            assert one.tobytes() == other.tobytes()


def test_a_repeat_does_not_depend_on_the_repeats_before_it(trained):
    (alone,) = _train(seeds=[2])
    assert alone.probabilities.tobytes() == trained[1].probabilities.tobytes()
    assert (trained[0].probabilities != trained[1].probabilities).any()


def test_probabilities_cover_every_test_nucleus(trained):
    for repeat in trained:
        assert repeat.probabilities.shape == (33, 3)
        np.testing.assert_allclose(repeat.probabilities.sum(axis=1), 1, atol=1e-5)


def test_curves_are_measured_at_evenly_spaced_updates(trained):
    rows = [(row["updates"], row["split"]) for row in trained[0].curves]
    assert rows == [(u, split) for u in (2, 4, 6) for split in ("train", "validation")]


def test_the_curves_auc_is_scikit_learns():
    random = np.random.default_rng(1)
    score, positive = random.integers(0, 20, 200) / 20, random.integers(0, 2, 200) == 1
    assert training._auc(score, positive) == pytest.approx(roc_auc_score(positive, score))


def test_it_learns():
    longer = SMALL.model_copy(update={"updates": 60})
    (trained,) = _train(longer, seeds=[1], points=1)
    assert trained.curves[-1]["macro_auc"] > 0.95


def test_two_devices_learn_as_one_does():
    # TensorFlow takes a second device only before it starts: a process of its own.
    code = """
import tensorflow as tf
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
import test_training
strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
test_training.training._strategy = lambda: strategy
assert strategy.num_replicas_in_sync == 2
test_training.test_it_learns()
"""
    path = [str(Path(__file__).parent), str(Path(training.__file__).parents[1])]
    code = f"import sys; sys.path[:0] = {path}{code}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_all_repeats_trace_the_network_once(monkeypatch):
    traced, step = [], keras.Model.train_step
    monkeypatch.setattr(keras.Model, "train_step", lambda *a: traced.append(1) or step(*a))
    _train(seeds=[1, 2, 3])
    assert len(traced) == 1


def test_epochs_are_turned_into_updates():
    by_epochs = SMALL.model_copy(update={"updates": None, "epochs": 3})
    assert training.updates(SMALL, 1000) == 6
    assert training.updates(by_epochs, 1000) == 188


def test_batches_pass_over_every_nucleus_before_any_comes_again():
    nuclei = training.Nuclei(
        [np.arange(10, dtype=np.uint8).reshape(10, 1, 1, 1)], np.zeros(10, int)
    )
    batches = [crops.ravel() for crops, _ in training._batches(nuclei, 4, 5, seed=1)]
    seen = np.concatenate(batches)
    assert sorted(seen[:10]) == sorted(seen[10:]) == list(range(10))
    assert list(seen[:10]) != list(seen[10:])


def test_a_saved_model_is_loaded_in_one_line(trained, tmp_path):
    record = {"classes": CLASSES, "side": 16, "microns": 16, "network": SMALL.model_dump()}
    (tmp_path / "model.json").write_text(json.dumps(record))
    trained[1].model.save_weights(tmp_path / "repeat-1.weights.h5")
    model = networks.load(tmp_path, repeat=1)
    np.testing.assert_allclose(
        model.predict(SPLITS["test"].parts[0], verbose=0), trained[1].probabilities, atol=1e-6
    )


def test_weights_files_have_the_same_bytes_at_every_save(trained, tmp_path):
    for name in ("a", "b"):
        trained[0].model.save_weights(tmp_path / f"{name}.weights.h5")
    assert (tmp_path / "a.weights.h5").read_bytes() == (tmp_path / "b.weights.h5").read_bytes()


RESNET = SMALL.model_copy(update={"architecture": "resnet50", "side": 32, "head": [8]})


def test_resnet50_has_the_notebooks_head():
    model = networks.build(RESNET, 16)
    assert model.output_shape == (None, 3)
    assert [layer.units for layer in model.layers if isinstance(layer, keras.layers.Dense)] == [
        8,
        3,
    ]
    assert isinstance(model.layers[-1].kernel_initializer, keras.initializers.GlorotNormal)
    assert model.count_params() > 23_000_000


def test_imagenet_weights_are_fetched_and_used(monkeypatch, tmp_path):
    published = keras.applications.ResNet50(include_top=False, weights=None)
    stand_in = tmp_path / "resnet.weights.h5"
    published.save_weights(stand_in)
    asked = []
    monkeypatch.setattr(
        "keras.src.utils.file_utils.get_file",
        lambda name, *args, **kwargs: asked.append(name) or str(stand_in),
    )
    model = networks.build(RESNET.model_copy(update={"weights": "imagenet"}), 16)
    assert asked == ["resnet50_weights_tf_dim_ordering_tf_kernels_notop.h5"]
    body = next(layer for layer in model.layers if layer.name.startswith("resnet50"))
    np.testing.assert_array_equal(body.get_weights()[0], published.get_weights()[0])


def test_weights_that_cannot_be_downloaded_are_one_line(monkeypatch):
    def fail(*args, **kwargs):
        raise Exception("URL fetch failure on https://example.org/weights: no route")

    monkeypatch.setattr("keras.src.utils.file_utils.get_file", fail)
    with pytest.raises(InputError, match="set weights: none"):
        networks.build(RESNET.model_copy(update={"weights": "imagenet"}), 16)
