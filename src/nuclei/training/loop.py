"""Train the networks of a cell: one, traced once in a process, its weights drawn anew each time."""

from collections.abc import Callable, Iterator
from functools import cache, partial
from math import ceil
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf

from nuclei.core import ranks
from nuclei.core.classes import CLASSES
from nuclei.core.errors import InputError
from nuclei.training import networks, passes
from nuclei.training.params import Network, Train
from nuclei.training.passes import Pictures

TOGETHER = 512  # pictures made at once: an operation has a cost per call
CHUNK = 256  # nuclei predicted at once
AVERAGED_EVERY = 4  # updates: averaging after each would take a sixteenth of the training time


class Nuclei(NamedTuple):
    """Nuclei to measure: crops, uint8 (N, S, S, 3), and their labels."""

    crops: np.ndarray
    labels: np.ndarray


class Training(NamedTuple):
    """Nuclei to train on: their labels, int (n,), and what each pass shows of them."""

    pictures: Pictures
    labels: np.ndarray


class Trained(NamedTuple):
    """One network, as it was at its end."""

    weights: list[np.ndarray]  # in the order of `networks.build(...).weights`
    end: dict[str, float]  # after how many ``updates``, ``of`` all; its ``validation_loss``
    curves: list[dict]
    predict: Callable[[np.ndarray], np.ndarray]  # crops to probabilities; valid until the next one


class _Learner(NamedTuple):
    """A network that is traced once and trained many times, each time from other weights."""

    model: keras.Model
    averaged: keras.Model  # the same with averaged weights: it is what is measured and kept
    optimizer_at_rest: list[np.ndarray]
    step: Callable  # trains it on one batch
    blend: Callable  # takes the share of the old average in the new one; the rest is the model
    predict: Callable  # crops to probabilities, by the averaged weights
    strategy: tf.distribute.Strategy


def devices() -> dict:
    """Say what training runs on; with a GPU, switch mixed precision on."""
    gpus = tf.config.list_physical_devices("GPU")
    if gpus:
        keras.mixed_precision.set_global_policy("mixed_float16")
    names = [tf.config.experimental.get_device_details(gpu).get("device_name") for gpu in gpus]
    return {
        "device": ", ".join(dict.fromkeys(map(str, names))) or "CPU",
        "replicas": max(len(gpus), 1),
        "precision": keras.mixed_precision.global_policy().name,
        "tensorflow": tf.__version__,
        "keras": keras.__version__,
    }


def updates(network: Network, nuclei: int) -> int:
    """Return how many updates the network's budget gives a training on so many nuclei."""
    if isinstance(network.updates, int):
        return network.updates
    epochs = int(network.updates.split()[0])
    return ceil(epochs * nuclei / network.batch)


def train(
    network: Network,
    knobs: Train,
    seed: int,
    training: Training,
    validation: Nuclei,
    advance: Callable[[], object] = lambda: None,
) -> Trained:
    """Train the network once, and end where it does best on validation.

    Args:
        network: an entry of params.networks.
        knobs: how often validation is measured, which point is the end.
        seed: sets the initial weights and the order of the batches.
        training: the nuclei to learn from.
        validation: the nuclei that choose the end.
        advance: called after every update.

    Raises:
        InputError: it diverged: no point that may be the end has a loss that is a finite number.
    """
    total = updates(network, len(training.labels))
    marks = set(np.linspace(0, total, min(knobs.evaluations, total) + 1).round().astype(int)[1:])
    described, side = network.model_dump_json(), validation.crops.shape[1]
    learner = _learner(described, side, total if network.schedule == "cosine" else None)
    initial = _initial_weights(described, side, seed)
    _assign(learner.model.weights, initial)
    _assign(learner.averaged.weights, initial)
    _assign(learner.model.optimizer.variables, learner.optimizer_at_rest)
    curves, least, kept, chosen, averaged, waited = [], np.inf, initial, 0, 0, 0
    # A plain loop: what `fit` adds to every update costs a small network a tenth of its speed.
    batches = _batches(training, network.batch, total, seed)
    learner.model.reset_metrics()
    for update, batch in enumerate(batches, start=1):
        learner.step(*(_shared_out(part, learner.strategy) for part in batch))
        advance()
        if update - averaged == AVERAGED_EVERY or update in marks:
            # Early on, as TensorFlow's ExponentialMovingAverage has it, the average is a short one.
            share = min(knobs.ema_decay, (1 + update) / (10 + update)) ** (update - averaged)
            learner.blend(tf.constant(share, tf.float32))
            averaged = update
        if update in marks:
            curves.append({"updates": update, "split": "train", "loss": _mean_loss(learner.model)})
            scores = _scores(validation.labels, probabilities(learner.predict, validation.crops))
            curves.append({"updates": update, "split": "validation", **scores})
            better = scores["loss"] < least if knobs.checkpoint == "best" else update == total
            if better:
                least, chosen, waited = scores["loss"], update, 0
                kept = learner.averaged.get_weights()
            elif knobs.patience and (waited := waited + 1) == knobs.patience:
                break
    if not np.isfinite(least):
        raise InputError(
            f"training of seed {seed} diverged: the loss on validation ends at {scores['loss']}; "
            f"lower the network's learning_rate ({network.learning_rate:g}) in params.yaml"
        )
    if chosen != averaged:  # the last update that was made: every point is averaged
        _assign(learner.averaged.weights, kept)
    end = {"updates": chosen, "of": total, "validation_loss": least}
    return Trained(kept, end, curves, learner.predict)


def probabilities(predict: Callable, crops: np.ndarray) -> np.ndarray:
    """Return the class probabilities of crops, uint8 (N, S, S, 3), as float32 (N, 3)."""
    # Chunks of one shape, the last one filled up, so that the function is traced once.
    last, found = len(crops) - 1, []
    for first in range(0, len(crops), CHUNK):
        rows = np.minimum(np.arange(first, first + CHUNK), last)
        found.append(predict(crops[rows]).numpy())
    return np.concatenate(found)[: last + 1]


@cache
def _learner(described: str, side: int, total: int | None) -> _Learner:
    """Build and trace a network once in a process; one of schedule cosine, once for a `total`."""
    network = Network.model_validate_json(described)
    tf.config.experimental.enable_op_determinism()
    strategy = _strategy()
    with strategy.scope():
        keras.utils.set_random_seed(0)  # its weights are replaced before it learns
        model, averaged = networks.build(network, side), networks.build(network, side)
        model.compile(_optimizer(network, total), network.loss)
        model.optimizer.build(model.trainable_variables)

    def blend(share: tf.Tensor) -> None:
        for mean, now in zip(averaged.weights, model.weights, strict=True):
            mean.assign(share * mean + (1 - share) * now)

    # Keras needs no AutoGraph, which would read and translate all of its code first.
    traced = partial(tf.function, autograph=False)
    return _Learner(
        model,
        averaged,
        optimizer_at_rest=[variable.numpy() for variable in model.optimizer.variables],
        step=traced(lambda *batch: strategy.run(model.train_step, args=(batch,))),
        blend=traced(blend),
        predict=traced(lambda crops: averaged(crops, training=False)),
        strategy=strategy,
    )


@cache
def _initial_weights(described: str, side: int, seed: int) -> list[np.ndarray]:
    """Draw a network's weights; repeat r of every cell and fold starts from the same ones."""
    keras.utils.set_random_seed(seed)
    return networks.build(Network.model_validate_json(described), side).get_weights()


def _assign(variables: list, values: list[np.ndarray]) -> None:
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)


def _strategy() -> tf.distribute.Strategy:
    several = len(tf.config.list_physical_devices("GPU")) > 1
    return tf.distribute.MirroredStrategy() if several else tf.distribute.get_strategy()


def _optimizer(network: Network, total: int | None) -> keras.optimizers.Optimizer:
    rate = network.learning_rate
    if network.schedule == "cosine":
        rate = keras.optimizers.schedules.CosineDecay(rate, total)
    return keras.optimizers.Adam(rate)


def _shared_out(part: np.ndarray, strategy: tf.distribute.Strategy) -> tf.Tensor:
    """Give each of several GPUs its share of a batch."""
    if strategy.num_replicas_in_sync == 1:
        return tf.constant(part)
    shares = np.array_split(part, strategy.num_replicas_in_sync)
    return strategy.experimental_distribute_values_from_function(
        lambda context: tf.constant(shares[context.replica_id_in_sync_group])
    )


def _batches(
    training: Training, batch: int, total: int, seed: int
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Gather batches; passes follow each other without a gap, so all are full: one shape."""
    one_hot = np.eye(len(CLASSES), dtype=np.float32)
    shown = passes.shuffled(training.pictures, len(training.labels), TOGETHER, seed)
    crops, positions = next(shown)
    for _ in range(total):
        while len(crops) < batch:
            more = next(shown)
            crops = np.concatenate([crops, more[0]])
            positions = np.concatenate([positions, more[1]])
        yield crops[:batch], one_hot[training.labels[positions[:batch]]]
        crops, positions = crops[batch:], positions[batch:]


def _mean_loss(model: keras.Model) -> float:
    """Return the mean of the batches' losses since the last call."""
    loss = float(model.metrics[0].result())
    model.reset_metrics()
    return loss


def _scores(labels: np.ndarray, probabilities: np.ndarray) -> dict:
    own = np.clip(probabilities[np.arange(len(labels)), labels], 1e-7, 1)
    return {
        "loss": float(-np.log(own).mean()),
        "accuracy": float((probabilities.argmax(axis=1) == labels).mean()),
        "macro_auc": float(
            np.mean([ranks.auc(probabilities[:, k], labels == k) for k in range(len(CLASSES))])
        ),
    }
