import subprocess
import sys
from pathlib import Path

import examples
import keras
import numpy as np
import pytest
from examples import KNOBS, SMALL

from nuclei.core.errors import InputError
from nuclei.training import loop, models, networks

VALIDATION = examples.nuclei(21, 2)
TEST, _ = examples.crops(33, 3)


def _training(count=60, seed=1):
    crops, labels = examples.crops(count, seed)
    return loop.Training(lambda positions, number: crops[positions], labels)


def _train(seed=1, network=SMALL, training=None, validation=VALIDATION, **knobs):
    """Train once; return the network and its probabilities of the test nuclei."""
    knobs = KNOBS.model_copy(update=knobs)
    trained = loop.train(network, knobs, seed, training or _training(), validation)
    return trained, loop.probabilities(trained.predict, TEST)


@pytest.fixture(scope="module")
def trained():
    return [_train(seed) for seed in (1, 2)]


def _same(one, other):
    return all(a.tobytes() == b.tobytes() for a, b in zip(one.weights, other.weights, strict=True))


def test_the_same_seed_gives_the_same_bytes_whatever_was_trained_before(trained):
    for seed in (2, 1):
        (again, probabilities), (before, of_before) = _train(seed), trained[seed - 1]
        assert probabilities.tobytes() == of_before.tobytes()
        assert again.curves == before.curves and again.checkpoint == before.checkpoint
        assert _same(again, before)
    assert (trained[0][1] != trained[1][1]).any()


def test_a_fold_does_not_depend_on_the_folds_before_it(trained):
    other, _ = _train(1, training=_training(48, 9))
    again, probabilities = _train(1)
    assert probabilities.tobytes() == trained[0][1].tobytes() and _same(again, trained[0][0])
    assert not _same(other, again)


def test_probabilities_cover_every_test_nucleus(trained):
    for _, probabilities in trained:
        assert probabilities.shape == (33, 3) and probabilities.dtype == np.float32
        np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-5)


def test_curves_are_measured_at_evenly_spaced_updates(trained):
    rows = [(row["updates"], row["split"]) for row in trained[0][0].curves]
    assert rows == [(u, split) for u in (2, 4, 6) for split in ("train", "validation")]


def _scripted(monkeypatch, *losses):
    """Have validation measure these losses, one after the other."""
    remaining = iter(losses)
    monkeypatch.setattr(
        loop, "_scores", lambda *_: {"loss": next(remaining), "accuracy": 0.5, "macro_auc": 0.6}
    )


def _kept(trained):
    return {name: trained.checkpoint[name] for name in ("updates", "of", "validation_loss")}


@pytest.mark.parametrize(
    ("losses", "fall"),
    [
        ((1.0, 0.8, 0.8, 0.7, 0.6), 1 - 0.6 / 0.7),
        ((1.0, 0.5, 0.8, 0.7, 0.6), 1 - 0.6 / 0.5),  # it was lower before
        ((1.0, 0.8, 0.8, 0.7), 0),  # patience ended it
    ],
)
def test_the_late_fall_is_that_of_the_last_fifth_of_all_updates(losses, fall):
    rows = [
        {"updates": 20 * number, "split": split, "loss": loss}
        for number, loss in enumerate(losses, start=1)
        for split in ("train", "validation")
    ]
    assert loop._late_fall(rows, 100) == pytest.approx(fall)
    assert loop._late_fall(rows[-2:], 100) == 0  # one evaluation has nothing before it


@pytest.mark.parametrize(
    ("losses", "at"),
    [((0.6, 0.9, 0.7), 2), ((0.9, 0.6, 0.7), 4), ((0.9, 0.7, 0.6), 6), ((0.9, 0.6, 0.6), 4)],
)
def test_the_weights_of_the_best_checkpoint_are_kept_and_predict(monkeypatch, losses, at):
    _scripted(monkeypatch, *losses)
    best, probabilities = _train()
    assert _kept(best) == {"updates": at, "of": 6, "validation_loss": min(losses)}
    # The same run again, asked at every point what it would predict there.
    _scripted(monkeypatch, 0.3, 0.2, 0.1)
    measure, asked = loop.probabilities, []
    monkeypatch.setattr(
        loop, "probabilities", lambda p, c: asked.append(measure(p, TEST)) or measure(p, c)
    )
    _train()
    assert probabilities.tobytes() == asked[at // 2 - 1].tobytes()
    model = networks.build(SMALL, 16, 3)
    model.set_weights(best.weights)
    np.testing.assert_allclose(model.predict(TEST, verbose=0), probabilities, atol=1e-5)


@pytest.mark.parametrize(
    ("losses", "patience", "at", "ended"),
    [
        ((0.9, 0.6, 0.7, 0.8, 0.5, 0.4), 2, 2, 4),
        ((0.9, 0.6, 0.7, 0.5, 0.6, 0.4), 2, 6, 6),
        ((0.9, 0.6, 0.7, 0.5, 0.6, 0.4), 1, 2, 3),
        ((0.6, 0.6, 0.5, 0.4, 0.3, 0.2), 1, 1, 2),
        ((0.9, 0.6, 0.7, 0.8, 0.5, 0.4), None, 6, 6),
    ],
)
def test_a_training_ends_when_patience_has_run_out(monkeypatch, losses, patience, at, ended):
    _scripted(monkeypatch, *losses)
    trained, probabilities = _train(evaluations=6, patience=patience)
    assert _kept(trained) == {"updates": at, "of": 6, "validation_loss": losses[at - 1]}
    assert {row["updates"] for row in trained.curves} == set(range(1, ended + 1))
    model = networks.build(SMALL, 16, 3)
    model.set_weights(trained.weights)
    np.testing.assert_allclose(model.predict(TEST, verbose=0), probabilities, atol=1e-5)


def test_the_best_checkpoints_weights_are_the_ones_saved(monkeypatch, tmp_path):
    _scripted(monkeypatch, 0.9, 0.6, 0.7)
    best, probabilities = _train()
    path = models.weights_file(tmp_path, 1, 0)
    models.save(SMALL, 16, best.weights, path)
    model = networks.build(SMALL, 16, 3)
    model.load_weights(path)
    np.testing.assert_allclose(model.predict(TEST, verbose=0), probabilities, atol=1e-5)


def test_checkpoint_last_keeps_the_last_whatever_validation_says(monkeypatch):
    _scripted(monkeypatch, 0.6, 0.9, 0.7)
    last, probabilities = _train(checkpoint="last")
    assert _kept(last) == {"updates": 6, "of": 6, "validation_loss": 0.7}
    _scripted(monkeypatch, 0.9, 0.6, 0.5)
    best, of_best = _train()
    assert _same(last, best) and probabilities.tobytes() == of_best.tobytes()


def test_validation_alone_chooses_the_checkpoint_and_changes_nothing_else():
    other = VALIDATION._replace(labels=np.roll(VALIDATION.labels, 1))
    one, another = _train(checkpoint="last"), _train(checkpoint="last", validation=other)
    assert _same(one[0], another[0])
    assert one[0].checkpoint != another[0].checkpoint


@pytest.mark.parametrize("checkpoint", ["best", "last"])
def test_a_training_that_diverges_is_an_error_that_names_the_knob(checkpoint):
    said = r"^training of seed 3 diverged: .* ends at nan; .*learning_rate \(1e\+30\) in [^\n]*$"
    with pytest.raises(InputError, match=said):
        _train(3, SMALL.model_copy(update={"learning_rate": 1e30}), checkpoint=checkpoint)


def test_a_training_that_diverges_after_its_best_checkpoint_keeps_it(monkeypatch):
    _scripted(monkeypatch, np.nan, 0.6, np.nan)
    diverged = _train()[0]
    assert _kept(diverged) == {"updates": 4, "of": 6, "validation_loss": 0.6}
    assert diverged.checkpoint["late_fall"] == 0
    _scripted(monkeypatch, 0.6, 0.6, np.nan)
    with pytest.raises(InputError, match="diverged"):
        _train(checkpoint="last")


def test_weights_without_an_average_are_those_of_the_last_update():
    plain, _ = _train(ema_decay=0.0, checkpoint="last")
    averaged, _ = _train(ema_decay=0.9, checkpoint="last")
    assert not _same(plain, averaged)
    assert [c["loss"] for c in plain.curves[::2]] == [c["loss"] for c in averaged.curves[::2]]


def test_more_evaluations_than_updates_measure_every_update():
    trained, _ = _train(evaluations=50)
    assert [c["updates"] for c in trained.curves[::2]] == [1, 2, 3, 4, 5, 6]


def test_it_learns():
    longer = SMALL.model_copy(update={"updates": 60})
    trained, _ = _train(network=longer, evaluations=1)
    assert trained.curves[-1]["macro_auc"] > 0.95
    assert trained.checkpoint["validation_loss"] == trained.curves[-1]["loss"]


@pytest.mark.slow
def test_two_devices_learn_as_one_does():
    # TensorFlow takes a second device only before it starts: a process of its own.
    code = """
import tensorflow as tf
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
import test_loop
from nuclei.training import learner
strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
learner._strategy = lambda: strategy
assert strategy.num_replicas_in_sync == 2
test_loop.test_it_learns()
"""
    path = [str(Path(__file__).parent), *sys.path]
    code = f"import sys; sys.path[:0] = {path}{code}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.fixture
def traced(monkeypatch):
    """A list with an entry for every time that a network is traced."""
    traces, step = [], keras.Model.train_step
    monkeypatch.setattr(keras.Model, "train_step", lambda *a: traces.append(1) or step(*a))
    return traces


def test_all_configurations_of_a_process_trace_the_network_once(traced):
    other = SMALL.model_copy(update={"learning_rate": 0.001})
    for seed in (1, 2, 3):
        for count in (60, 45):
            _train(seed, other, _training(count))
    assert len(traced) == 1


@pytest.mark.slow
@pytest.mark.parametrize(("schedule", "times"), [("constant", 1), ("cosine", 2)])
def test_folds_of_other_sizes_share_a_network_unless_its_rate_follows_them(traced, schedule, times):
    by_epochs = SMALL.model_copy(update={"schedule": schedule, "updates": "1 epochs"})
    for count, of in ((60, 4), (90, 6), (60, 4)):
        assert _train(network=by_epochs, training=_training(count))[0].checkpoint["of"] == of
    assert len(traced) == times


def test_every_update_is_reported():
    calls = []
    loop.train(SMALL, KNOBS, 1, _training(), VALIDATION, lambda: calls.append(1))
    assert len(calls) == 6


def test_epochs_are_turned_into_updates():
    by_epochs = SMALL.model_copy(update={"updates": "3 epochs"})
    assert loop.updates(SMALL, 1000) == 6
    assert loop.updates(by_epochs, 1000) == 188


def _numbers(count):
    """Nuclei whose picture is their own position and, above it, the pass."""

    def pictures(positions, number):
        shown = np.stack([positions, np.full(len(positions), number)], axis=-1)
        return shown.reshape(-1, 1, 2, 1)

    return loop.Training(pictures, np.arange(count) % 3)


@pytest.mark.parametrize("together", [3, 512])
def test_batches_pass_over_every_nucleus_before_any_comes_again(monkeypatch, together):
    monkeypatch.setattr(loop, "TOGETHER", together)
    batches = list(loop._batches(_numbers(10), 4, 5, seed=1))
    assert {(len(crops), len(labels)) for crops, labels in batches} == {(4, 4)}
    seen, passes = np.concatenate([crops[:, 0].reshape(-1, 2) for crops, _ in batches]).T
    assert sorted(seen[:10]) == sorted(seen[10:]) == list(range(10))
    assert list(seen[:10]) != list(seen[10:])
    assert list(passes) == [0] * 10 + [1] * 10
    np.testing.assert_array_equal(
        np.concatenate([labels for _, labels in batches]).argmax(axis=1), seen % 3
    )


def test_a_batch_may_be_larger_than_a_pass():
    ((crops, _),) = loop._batches(_numbers(3), 8, 1, seed=1)
    assert sorted(crops[:, 0, 1, 0]) == [0, 0, 0, 1, 1, 1, 2, 2]
