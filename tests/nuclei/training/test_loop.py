import subprocess
import sys
from pathlib import Path

import examples
import keras
import numpy as np
import pytest
from examples import SMALL

from nuclei.training import loop


def _nuclei(count, seed):
    """Nuclei in two parts where the count is even."""
    crops, labels = examples.crops(count, seed)
    return loop.Nuclei(np.split(crops, 2 - count % 2), labels)


SPLITS = {"train": _nuclei(60, 1), "validation": _nuclei(21, 2), "test": _nuclei(33, 3)}


def _train(network=SMALL, seeds=(1, 2), points=3):
    return list(loop.train(network, SPLITS, list(seeds), points, sample=30))


@pytest.fixture(scope="module")
def trained():
    return _train()


def test_the_same_seed_gives_the_same_bytes(trained):
    again = _train()
    for first, second in zip(trained, again, strict=True):
        assert first.probabilities.tobytes() == second.probabilities.tobytes()
        assert first.curves == second.curves
        for one, other in zip(first.weights, second.weights, strict=True):
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
import test_loop
strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
test_loop.loop._strategy = lambda: strategy
assert strategy.num_replicas_in_sync == 2
test_loop.test_it_learns()
"""
    path = [str(Path(__file__).parent), *sys.path]
    code = f"import sys; sys.path[:0] = {path}{code}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_all_cells_of_a_process_trace_the_network_once(monkeypatch):
    traced, step = [], keras.Model.train_step
    monkeypatch.setattr(keras.Model, "train_step", lambda *a: traced.append(1) or step(*a))
    other = SMALL.model_copy(update={"learning_rate": 0.001})
    for _ in range(2):
        _train(other, seeds=[1, 2, 3])
    assert len(traced) == 1


def test_epochs_are_turned_into_updates():
    by_epochs = SMALL.model_copy(update={"updates": None, "epochs": 3})
    assert loop.updates(SMALL, 1000) == 6
    assert loop.updates(by_epochs, 1000) == 188


def test_batches_pass_over_every_nucleus_before_any_comes_again():
    nuclei = loop.Nuclei([np.arange(10, dtype=np.uint8).reshape(10, 1, 1, 1)], np.zeros(10, int))
    batches = [crops.ravel() for crops, _ in loop._batches(nuclei, 4, 5, seed=1)]
    seen = np.concatenate(batches)
    assert sorted(seen[:10]) == sorted(seen[10:]) == list(range(10))
    assert list(seen[:10]) != list(seen[10:])
