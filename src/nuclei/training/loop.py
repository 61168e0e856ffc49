"""Train a network: from its initial weights, batch after batch, to its checkpoint."""

from collections.abc import Callable, Iterator
from math import ceil
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf

from nuclei.core import ranks
from nuclei.core.classes import CLASSES
from nuclei.core.errors import InputError
from nuclei.core.nuclei import Nuclei
from nuclei.training import passes
from nuclei.training.learner import assign, prepared, shared_out
from nuclei.training.params import Network, Train
from nuclei.training.passes import Pictures

TOGETHER = 512  # pictures made at once: an operation has a cost per call
CHUNK = 256  # nuclei predicted at once
AVERAGED_EVERY = 4  # updates: averaging after each would take a sixteenth of the training time


class Training(NamedTuple):
    """Nuclei to train on: their labels, int (n,), and what each pass shows of them."""

    pictures: Pictures
    labels: np.ndarray


class Trained(NamedTuple):
    """A trained network, as it was at its checkpoint."""

    weights: list[np.ndarray]  # in the order of `networks.build(...).weights`
    # ``updates``, ``of`` how many, until it was kept; its ``validation_loss`` and ``late_fall``
    checkpoint: dict[str, float]
    curves: list[dict]  # a row per evaluation and split: ``updates``, ``split`` and scores
    predict: Callable[[np.ndarray], tf.Tensor]  # crops to probabilities; until the next training


def devices() -> dict:
    """Return what training runs on; with a GPU, switch mixed precision on."""
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
    return ceil(int(network.updates.split()[0]) * nuclei / network.batch)


def train(
    network: Network,
    knobs: Train,
    seed: int,
    training: Training,
    validation: Nuclei,
    advance: Callable[[], object] = lambda: None,
) -> Trained:
    """Train the network once; keep the weights of its checkpoint. InputError if it diverged.

    What is measured and kept is an exponential moving average of the weights: after each update it
    keeps the share ``ema_decay`` of itself and takes the rest from the model. It is computed after
    every fourth update, with the fourth power of that share, and before every evaluation.

    The seed sets the initial weights and the order of the batches.
    """
    total = updates(network, len(training.labels))
    points = np.linspace(0, total, min(knobs.evaluations, total) + 1).round().astype(int)
    evaluations = set(points[1:])
    learner = prepared(network, validation.crops.shape[1], total, seed)
    curves, least, weights, chosen, averaged, waited = [], np.inf, [], 0, 0, 0
    # A plain loop: what `fit` adds to every update costs a small network a tenth of its speed.
    for update, batch in enumerate(_batches(training, network.batch, total, seed), start=1):
        learner.step(*(shared_out(part, learner.strategy) for part in batch))
        advance()
        if update - averaged == AVERAGED_EVERY or update in evaluations:
            # Early on the average is a short one, as in TensorFlow's ExponentialMovingAverage.
            decay = min(knobs.ema_decay, (1 + update) / (10 + update))
            learner.average(tf.constant(decay ** (update - averaged), tf.float32))
            averaged = update
        if update not in evaluations:
            continue
        mean_loss = float(learner.model.metrics[0].result())  # since the last evaluation
        learner.model.reset_metrics()
        curves.append({"updates": update, "split": "train", "loss": mean_loss})
        scores = _scores(validation.labels, probabilities(learner.predict, validation.crops))
        curves.append({"updates": update, "split": "validation", **scores})
        loss = scores["loss"]
        waited += 1
        better = loss < least if knobs.checkpoint == "best" else update == total
        if better:
            least, weights, chosen, waited = loss, learner.averaged.get_weights(), update, 0
        elif waited == knobs.patience:
            break
    if not np.isfinite(least):
        raise InputError(
            f"training of seed {seed} diverged: the loss on validation ends at {loss}; "
            f"lower the network's learning_rate ({network.learning_rate:g}) in params.yaml"
        )
    assign(learner.averaged.weights, weights)
    checkpoint = {"updates": chosen, "of": total, "validation_loss": least}
    checkpoint["late_fall"] = _late_fall(curves, total)
    return Trained(weights, checkpoint, curves, learner.predict)


def _late_fall(curves: list[dict], total: int) -> float:
    """Return by what share the loss on validation fell in the last fifth of all updates."""
    loss = {row["updates"]: row["loss"] for row in curves if row["split"] == "validation"}
    earlier = [value for updates, value in loss.items() if updates <= 0.8 * total]
    ended = np.isfinite(loss.get(total, np.nan))
    return 1 - loss[total] / np.nanmin(earlier) if ended and np.isfinite(earlier).any() else 0.0


def probabilities(predict: Callable, crops: np.ndarray) -> np.ndarray:
    """Return the class probabilities of crops, uint8 (N, S, S, 3), as float32 (N, classes)."""
    # Chunks of one shape, the last one filled up, so that the function is traced once.
    last, chunks = len(crops) - 1, []
    for first in range(0, len(crops), CHUNK):
        rows = np.minimum(np.arange(first, first + CHUNK), last)
        chunks.append(predict(crops[rows]).numpy())
    return np.concatenate(chunks)[: last + 1]


def _batches(
    training: Training, batch: int, total: int, seed: int
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield `total` batches of crops and one-hot labels. Passes join, so all have one shape."""
    one_hot = np.eye(len(CLASSES), dtype=np.float32)
    parts = passes.shuffled(training.pictures, len(training.labels), TOGETHER, seed)
    crops, positions = next(parts)
    for _ in range(total):
        while len(crops) < batch:
            more = next(parts)
            crops = np.concatenate([crops, more[0]])
            positions = np.concatenate([positions, more[1]])
        yield crops[:batch], one_hot[training.labels[positions[:batch]]]
        crops, positions = crops[batch:], positions[batch:]


def _scores(labels: np.ndarray, probabilities: np.ndarray) -> dict:
    of_label = np.clip(probabilities[np.arange(len(labels)), labels], 1e-7, 1)
    aucs = [ranks.auc(probabilities[:, code], labels == code) for code in range(len(CLASSES))]
    return {
        "loss": float(-np.log(of_label).mean()),
        "accuracy": float((probabilities.argmax(axis=1) == labels).mean()),
        "macro_auc": float(np.mean(aucs)),
    }
