"""The networks of a configuration in a folder: model.json describes them, HDF5 has their weights.

Neither can hold code. `models.load("models/invert+flip/x1", fold=1, repeat=0)` loads one.
"""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Annotated

import keras
import numpy as np
import tensorflow as tf
from pydantic import Field, field_validator

from nuclei.core import files
from nuclei.core.errors import InputError
from nuclei.core.params import Positive, Section, Seed, Side, parse
from nuclei.training import networks
from nuclei.training.params import Network

TOGETHER = 256  # nuclei that are classified at once


class Checkpoint(Section):
    """Which of a network's weights were kept, and how it was trained."""

    fold: Annotated[int, Field(ge=1)]  # it has not seen the patients that this fold tests
    repeat: Annotated[int, Field(ge=0)]
    seed: Seed
    updates: Annotated[int, Field(ge=1)]  # after which its weights were kept
    of: Annotated[int, Field(ge=1)]  # updates that its budget gave
    validation_loss: float
    late_fall: float = 0.0  # older models did not record it


class Description(Section):
    """The content of a model.json: what the networks take and return, and their checkpoints."""

    classes: Annotated[list[str], Field(min_length=2, max_length=20)]
    side: Side
    window_um: Positive | None
    network: Network
    checkpoints: Annotated[list[Checkpoint], Field(min_length=1)]

    @field_validator("classes")
    @classmethod
    def _distinct(cls, classes: list[str]) -> list[str]:
        if len(set(classes)) < len(classes):
            raise ValueError(f"2 to 20 names, each once; got {classes}")
        return classes


def describe(folder: str | Path) -> Description:
    """Read a model.json; InputError if it is missing or is no such description."""
    path = Path(folder, "model.json")
    return parse(Description, files.read_json(path), str(path))


def load(folder: str | Path, fold: int = 1, repeat: int = 0) -> keras.Model:
    """Load one network; InputError names the file that is missing, damaged or of another one."""
    description, weights = describe(folder), weights_file(folder, fold, repeat)
    untrained = description.network.model_copy(update={"weights": "none"})
    model = networks.build(untrained, description.side, len(description.classes))
    try:
        model.load_weights(weights)
    except (OSError, ValueError, KeyError, TypeError) as error:
        reason = " ".join(str(error).split())
        raise InputError(
            f"{weights}: not the weights that model.json describes: {reason}"
        ) from None
    if not all(np.isfinite(values).all() for values in model.get_weights()):
        raise InputError(f"{weights}: not every weight is a finite number")
    return model


def ensemble(folder: str | Path) -> Callable[[np.ndarray], np.ndarray]:
    """Load all networks of a configuration, to classify by their mean; raises as `load`.

    The function takes crops, uint8 (N, S, S, 3), and returns mean probabilities, float64
    (N, classes), in the order of the description's classes.
    """
    description = describe(folder)
    members = [load(folder, one.fold, one.repeat) for one in description.checkpoints]
    # Of any number of crops, so that it is traced once; Keras needs no AutoGraph.
    shape = tf.TensorSpec((None, description.side, description.side, 3), tf.uint8)

    @tf.function(autograph=False, input_signature=[shape])
    def mean(crops: tf.Tensor) -> tf.Tensor:
        return tf.reduce_mean([member(crops, training=False) for member in members], axis=0)

    def probabilities(crops: np.ndarray) -> np.ndarray:
        parts = range(0, len(crops), TOGETHER)
        return np.concatenate([mean(crops[part : part + TOGETHER]) for part in parts]).astype(float)

    return probabilities


def weights_file(folder: str | Path, fold: int, repeat: int) -> Path:
    """Return the file that has the weights of one network."""
    return Path(folder, f"fold-{fold}-repeat-{repeat}.weights.h5")


def save(network: Network, side: int, weights: list[np.ndarray], path: Path) -> None:
    """Write a trained network's weights to an HDF5 file; a full disk is an error, not a crash."""
    classes = len(weights[-1])  # the last are the biases of the classes
    model = _without_optimizer(network.model_dump_json(), side, classes)
    model.set_weights(weights)
    # HDF5 crashes if the disk is full: first write plain bytes, more than it needs.
    path.write_bytes(bytes(8 * model.count_params() + 2**20))
    model.save_weights(path)


@cache
def _without_optimizer(description: str, side: int, classes: int) -> keras.Model:
    """Build a network to save weights from; those of an optimizer would be saved with them."""
    network = Network.model_validate_json(description)
    return networks.build(network.model_copy(update={"weights": "none"}), side, classes)
