"""Train every repeat of a cell in one process: one model, traced once, its weights drawn anew."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf
from tqdm import tqdm

from nuclei import ranks
from nuclei.classes import CLASSES
from nuclei.params.train import Network
from nuclei.training import networks


class Nuclei(NamedTuple):
    """Crops, uint8 (N, S, S, 3), as parts that lie behind one another, and their labels."""

    parts: list[np.ndarray]
    labels: np.ndarray


class Trained(NamedTuple):
    """One repeat: its model, its test probabilities float32 (N, 3) and the rows of its curves."""

    model: keras.Model
    probabilities: np.ndarray
    curves: list[dict]


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
    network: Network, splits: dict[str, Nuclei], seeds: list[int], points: int, sample: int
) -> Iterator[Trained]:
    """Train one model per seed.

    Args:
        network: an entry of params.networks.
        splits: the nuclei of `train`, `validation` and `test`.
        seeds: of the repeats; each sets the initial weights and the order of the batches.
        points: how often the curves are measured,
        sample: and on how many nuclei, the first of train and of validation.

    Yields:
        The result of each repeat, in order.
    """
    tf.config.experimental.enable_op_determinism()
    training = splits["train"]
    measured = {
        split: Nuclei(splits[split].parts, splits[split].labels[:sample])
        for split in ("train", "validation")
    }
    total = updates(network, len(training.labels))
    marks = set(np.linspace(0, total, min(points, total) + 1).round().astype(int)[1:])
    side = training.parts[0].shape[1]
    strategy = _strategy()
    with strategy.scope():
        keras.utils.set_random_seed(seeds[0])
        learner = networks.build(network, side)
        learner.compile(_optimizer(network, total), network.loss)
        learner.optimizer.build(learner.trainable_variables)
    optimizer_at_rest = [variable.numpy() for variable in learner.optimizer.variables]
    # Keras needs no AutoGraph, which would read and translate all of its code first.
    traced = partial(tf.function, autograph=False)
    predict = traced(lambda crops: learner(crops, training=False))
    step = traced(lambda *batch: strategy.run(learner.train_step, args=(batch,)))

    for repeat, seed in enumerate(seeds):
        # The repeat's own model gives its freshly drawn weights to the learner, which alone is
        # traced, and takes back what the learner has made of them.
        keras.utils.set_random_seed(seed)
        model = networks.build(network, side)
        _assign(learner.weights, model.get_weights())
        _assign(learner.optimizer.variables, optimizer_at_rest)
        curves = []
        batches = _batches(training, network.batch, total, seed)
        progress = tqdm(batches, f"repeat {repeat}", total, disable=None, leave=False)
        # A plain loop: what `fit` adds to every update costs a small network a tenth of its speed.
        for update, batch in enumerate(progress, start=1):
            step(*(_shared_out(part, strategy) for part in batch))
            if update in marks:
                for split, nuclei in measured.items():
                    scores = _scores(nuclei.labels, _probabilities(predict, nuclei))
                    curves.append({"repeat": repeat, "updates": update, "split": split, **scores})
        model.set_weights(learner.get_weights())
        yield Trained(model, _probabilities(predict, splits["test"]), curves)


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
