"""A network that is traced once in a process and trained many times, each time from new weights."""

from collections.abc import Callable
from functools import cache, partial
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf

from nuclei.core.classes import CLASSES
from nuclei.training import networks
from nuclei.training.params import Network


class Learner(NamedTuple):
    """A traced network, with the average of its weights over the updates."""

    model: keras.Model
    averaged: keras.Model  # the same network with averaged weights, which are measured and kept
    initial_optimizer: list[np.ndarray]
    step: Callable  # trains the model on one batch
    average: Callable  # given a share: keeps it of the average, and takes the rest from the model
    predict: Callable  # crops to probabilities, by the averaged weights
    strategy: tf.distribute.Strategy


def prepared(network: Network, side: int, total: int, seed: int) -> Learner:
    """Return the process's learner for a network, as it is before the first update.

    The schedule cosine depends on `total`, the updates of the training.
    """
    description = network.model_dump_json()
    learner = _learner(description, side, total if network.schedule == "cosine" else None)
    initial = _initial_weights(description, side, seed)
    assign(learner.model.weights, initial)
    assign(learner.averaged.weights, initial)
    assign(learner.model.optimizer.variables, learner.initial_optimizer)
    learner.model.reset_metrics()
    return learner


def assign(variables: list, values: list[np.ndarray]) -> None:
    """Set each variable to its value."""
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)


def shared_out(part: np.ndarray, strategy: tf.distribute.Strategy) -> tf.Tensor:
    """Give each of several GPUs its share of a batch's crops or labels."""
    if strategy.num_replicas_in_sync == 1:
        return tf.constant(part)
    shares = np.array_split(part, strategy.num_replicas_in_sync)
    return strategy.experimental_distribute_values_from_function(
        lambda context: tf.constant(shares[context.replica_id_in_sync_group])
    )


@cache
def _learner(description: str, side: int, total: int | None) -> Learner:
    network = Network.model_validate_json(description)
    tf.config.experimental.enable_op_determinism()
    strategy = _strategy()
    with strategy.scope():
        keras.utils.set_random_seed(0)  # its weights are replaced before it learns
        model, averaged = (networks.build(network, side, len(CLASSES)) for _ in range(2))
        rate = network.learning_rate
        if total is not None:
            rate = keras.optimizers.schedules.CosineDecay(rate, total)
        model.compile(keras.optimizers.Adam(rate), network.loss)
        model.optimizer.build(model.trainable_variables)

    def average(share: tf.Tensor) -> None:
        for mean, now in zip(averaged.weights, model.weights, strict=True):
            mean.assign(share * mean + (1 - share) * now)

    # Keras needs no AutoGraph, which would read and translate all of its code first.
    traced = partial(tf.function, autograph=False)
    return Learner(
        model,
        averaged,
        initial_optimizer=[variable.numpy() for variable in model.optimizer.variables],
        step=traced(lambda *batch: strategy.run(model.train_step, args=(batch,))),
        average=traced(average),
        predict=traced(lambda crops: averaged(crops, training=False)),
        strategy=strategy,
    )


@cache
def _initial_weights(description: str, side: int, seed: int) -> list[np.ndarray]:
    """Draw a network's weights; repeat r of every configuration and fold starts from the same."""
    keras.utils.set_random_seed(seed)
    network = Network.model_validate_json(description)
    return networks.build(network, side, len(CLASSES)).get_weights()


def _strategy() -> tf.distribute.Strategy:
    several = len(tf.config.list_physical_devices("GPU")) > 1
    return tf.distribute.MirroredStrategy() if several else tf.distribute.get_strategy()
