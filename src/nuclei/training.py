"""Train every repeat of a cell in one process: one model, traced once, its weights drawn anew."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf
from tqdm import tqdm

from nuclei import networks
from nuclei.classes import CLASSES
from nuclei.params import Network


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
    if network.updates is not None:
        return network.updates
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
        model = networks.build(network, side)
        model.compile(_optimizer(network, total), network.loss)
        model.optimizer.build(model.trainable_variables)
    untouched = [variable.numpy() for variable in model.optimizer.variables]
    # Keras needs no AutoGraph, which would read and translate all of its code first.
    traced = partial(tf.function, autograph=False)
    predict = traced(lambda crops: model(crops, training=False))
    step = traced(lambda *batch: strategy.run(model.train_step, args=(batch,)))

    for repeat, seed in enumerate(seeds):
        keras.utils.set_random_seed(seed)
        own = networks.build(network, side)
        model.set_weights(own.get_weights())
        for variable, value in zip(model.optimizer.variables, untouched, strict=True):
            variable.assign(value)
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
        own.set_weights(model.get_weights())
        yield Trained(own, _probabilities(predict, splits["test"]), curves)


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
    for place, part in enumerate(parts):
        here = rows // length == place
        crops[here] = part[rows[here] - place * length]
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
            np.mean([_auc(probabilities[:, k], labels == k) for k in range(len(CLASSES))])
        ),
    }


def _auc(score: np.ndarray, positive: np.ndarray) -> float:
    # Mann and Whitney's; importing scikit-learn for it would cost every cell a second.
    _, place, ties = np.unique(score, return_inverse=True, return_counts=True)
    rank = (np.cumsum(ties) - (ties - 1) / 2)[place]
    positives = positive.sum()
    wins = rank[positive].sum() - positives * (positives + 1) / 2
    return wins / (positives * (len(positive) - positives))
