"""Train every repeat of a cell: one network, traced once in a process, its weights drawn anew."""

from collections.abc import Callable, Iterator
from functools import cache, partial
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf

from nuclei import ranks
from nuclei.classes import CLASSES
from nuclei.params.train import Network
from nuclei.training import networks


class Nuclei(NamedTuple):
    """Crops, uint8 (N, S, S, 3), as parts that lie behind one another, and their labels."""

    parts: list[np.ndarray]
    labels: np.ndarray


class Trained(NamedTuple):
    """One repeat: its weights, its test probabilities float32 (N, 3) and the rows of its curves."""

    weights: list[np.ndarray]  # in the order of `networks.build(...).weights`
    probabilities: np.ndarray
    curves: list[dict]


class _Learner(NamedTuple):
    """A network that is traced once and trained many times, each time from other weights."""

    model: keras.Model
    optimizer_at_rest: list[np.ndarray]
    step: Callable  # trains it on one batch
    predict: Callable  # crops to probabilities
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
    """Return how many updates a training of so many nuclei makes."""
    if network.epochs is None:
        return network.updates or 0  # params allow exactly one of the two
    return -(-network.epochs * nuclei // network.batch)


def train(
    network: Network,
    splits: dict[str, Nuclei],
    seeds: list[int],
    points: int,
    sample: int,
    advance: Callable[[], object] = lambda: None,
) -> Iterator[Trained]:
    """Train the network once per seed.

    Args:
        network: an entry of params.networks.
        splits: the nuclei of `train`, `validation` and `test`.
        seeds: of the repeats; each sets the initial weights and the order of the batches.
        points: how often the curves are measured,
        sample: and on how many nuclei, the first of train and of validation.
        advance: called after every update.

    Yields:
        The result of each repeat, in order.
    """
    training = splits["train"]
    measured = {
        split: Nuclei(splits[split].parts, splits[split].labels[:sample])
        for split in ("train", "validation")
    }
    total = updates(network, len(training.labels))
    marks = set(np.linspace(0, total, min(points, total) + 1).round().astype(int)[1:])
    described, side = network.model_dump_json(), training.parts[0].shape[1]
    learner = _learner(described, side, total)
    for repeat, seed in enumerate(seeds):
        _assign(learner.model.weights, _initial_weights(described, side, seed))
        _assign(learner.model.optimizer.variables, learner.optimizer_at_rest)
        curves = []
        # A plain loop: what `fit` adds to every update costs a small network a tenth of its speed.
        batches = _batches(training, network.batch, total, seed)
        for update, batch in enumerate(batches, start=1):
            learner.step(*(_shared_out(part, learner.strategy) for part in batch))
            advance()
            if update in marks:
                for split, nuclei in measured.items():
                    scores = _scores(nuclei.labels, _probabilities(learner.predict, nuclei))
                    curves.append({"repeat": repeat, "updates": update, "split": split, **scores})
        probabilities = _probabilities(learner.predict, splits["test"])
        yield Trained(learner.model.get_weights(), probabilities, curves)


@cache
def _learner(described: str, side: int, total: int) -> _Learner:
    """Build and trace a network once for all cells that a process trains."""
    network = Network.model_validate_json(described)
    tf.config.experimental.enable_op_determinism()
    strategy = _strategy()
    with strategy.scope():
        keras.utils.set_random_seed(0)  # its weights are replaced before it learns
        model = networks.build(network, side)
        model.compile(_optimizer(network, total), network.loss)
        model.optimizer.build(model.trainable_variables)
    # Keras needs no AutoGraph, which would read and translate all of its code first.
    traced = partial(tf.function, autograph=False)
    return _Learner(
        model,
        optimizer_at_rest=[variable.numpy() for variable in model.optimizer.variables],
        step=traced(lambda *batch: strategy.run(model.train_step, args=(batch,))),
        predict=traced(lambda crops: model(crops, training=False)),
        strategy=strategy,
    )


@cache
def _initial_weights(described: str, side: int, seed: int) -> list[np.ndarray]:
    """Draw a network's weights; repeat r of every cell starts from the same ones."""
    keras.utils.set_random_seed(seed)
    return networks.build(Network.model_validate_json(described), side).get_weights()


def _assign(variables: list, values: list[np.ndarray]) -> None:
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)


def _strategy() -> tf.distribute.Strategy:
    several = len(tf.config.list_physical_devices("GPU")) > 1
    return tf.distribute.MirroredStrategy() if several else tf.distribute.get_strategy()


def _optimizer(network: Network, total: int) -> keras.optimizers.Optimizer:
    if network.schedule == "cosine":
        return keras.optimizers.Adam(
            keras.optimizers.schedules.CosineDecay(network.learning_rate, total)
        )
    return keras.optimizers.Adam(network.learning_rate)


def _shared_out(part: np.ndarray, strategy: tf.distribute.Strategy) -> tf.Tensor:
    """Give each of several GPUs its share of a batch."""
    if strategy.num_replicas_in_sync == 1:
        return tf.constant(part)
    shares = np.array_split(part, strategy.num_replicas_in_sync)
    return strategy.experimental_distribute_values_from_function(
        lambda context: tf.constant(shares[context.replica_id_in_sync_group])
    )


def _batches(
    nuclei: Nuclei, batch: int, total: int, seed: int
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    # Passes over the nuclei follow each other without a gap, so every batch is full: one shape.
    one_hot = np.eye(len(CLASSES), dtype=np.float32)
    random = np.random.default_rng(seed)
    waiting = np.empty(0, dtype=np.intp)
    for _ in range(total):
        while len(waiting) < batch:
            waiting = np.concatenate([waiting, random.permutation(len(nuclei.labels))])
        rows, waiting = waiting[:batch], waiting[batch:]
        yield _gather(nuclei.parts, rows), one_hot[nuclei.labels[rows]]


def _gather(parts: list[np.ndarray], rows: np.ndarray) -> np.ndarray:
    length = len(parts[0])
    crops = np.empty((len(rows), *parts[0].shape[1:]), np.uint8)
    for number, part in enumerate(parts):
        here = rows // length == number
        crops[here] = part[rows[here] - number * length]
    return crops


def _probabilities(predict: Callable, nuclei: Nuclei) -> np.ndarray:
    # Chunks of one shape, the last one filled up, so that the function is traced once.
    chunk, count = 256, len(nuclei.labels)
    found = []
    for first in range(0, count, chunk):
        rows = np.minimum(np.arange(first, first + chunk), count - 1)
        found.append(predict(_gather(nuclei.parts, rows)).numpy())
    return np.concatenate(found)[:count]


def _scores(labels: np.ndarray, probabilities: np.ndarray) -> dict:
    own = np.clip(probabilities[np.arange(len(labels)), labels], 1e-7, 1)
    return {
        "loss": float(-np.log(own).mean()),
        "accuracy": float((probabilities.argmax(axis=1) == labels).mean()),
        "macro_auc": float(
            np.mean([ranks.auc(probabilities[:, k], labels == k) for k in range(len(CLASSES))])
        ),
    }
