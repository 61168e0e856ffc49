"""A cell's folder of networks: model.json says what they are, HDF5 files hold their weights.

Neither can hold code. `models.load("models/invert+flip/x1", fold=1, repeat=0)` loads one.
"""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Annotated

import keras
import numpy as np
import tensorflow as tf
from pydantic import Field

from nuclei.core import files
from nuclei.core.classes import CLASSES
from nuclei.core.errors import InputError
from nuclei.core.params import Positive, Section, Seed, Side, parse
from nuclei.training import networks
from nuclei.training.params import Network

TOGETHER = 256  # nuclei that are classified at once


class Made(Section):
    """How one network was made."""

    fold: Annotated[int, Field(ge=1)]  # it has not seen the patients that this fold tests
    repeat: Annotated[int, Field(ge=0)]
    seed: Seed
    updates: Annotated[int, Field(ge=1)]  # after which its weights were kept
    of: Annotated[int, Field(ge=1)]  # that were made
    validation_loss: float


class Description(Section):
    """The content of a model.json: what a cell's networks take and give, and how they were made."""

    classes: list[str]
    side: Side
    window_um: Positive | None
    network: Network
    checkpoints: Annotated[list[Made], Field(min_length=1)]


def describe(folder: str | Path) -> Description:
    """Read a model's description, model.json; raises InputError where it is not one."""
    path = Path(folder, "model.json")
    found = parse(Description, files.read_json(path), str(path))
    if found.classes != list(CLASSES):
        raise InputError(f"{path}: classes: {found.classes}; valid: {list(CLASSES)}")
    return found


def load(folder: str | Path, fold: int = 1, repeat: int = 0) -> keras.Model:
    """Load one of a cell's networks, built as its description says.

    Raises:
        InputError: naming the file that is missing, not whole or of another network.
    """
    described, weights = describe(folder), weights_file(folder, fold, repeat)
    untrained = described.network.model_copy(update={"weights": "none"})
    model = networks.build(untrained, described.side)
    try:
        model.load_weights(weights)
    except (OSError, ValueError, KeyError, TypeError) as error:
        said = " ".join(str(error).split())
        raise InputError(f"{weights}: not the weights that model.json describes: {said}") from None
    if not all(np.isfinite(values).all() for values in model.get_weights()):
        raise InputError(f"{weights}: not every weight is a finite number")
    return model


def ensemble(folder: str | Path) -> Callable[[np.ndarray], np.ndarray]:
    """Load all of a cell's networks, to classify as they do on average.

    Returns:
        A function from crops, uint8 (N, S, S, 3), to their mean probabilities, float64 (N, 3).

    Raises:
        InputError: as `load`.
    """
    described = describe(folder)
    members = [load(folder, of.fold, of.repeat) for of in described.checkpoints]
    # Of any number of crops, so that it is traced once; Keras needs no AutoGraph.
    shape = tf.TensorSpec((None, described.side, described.side, 3), tf.uint8)

    @tf.function(autograph=False, input_signature=[shape])
    def mean(crops: tf.Tensor) -> tf.Tensor:
        return tf.reduce_mean([member(crops, training=False) for member in members], axis=0)

    def probabilities(crops: np.ndarray) -> np.ndarray:
        parts = range(0, len(crops), TOGETHER)
        return np.concatenate([mean(crops[part : part + TOGETHER]) for part in parts]).astype(float)

    return probabilities


def weights_file(folder: str | Path, fold: int, repeat: int) -> Path:
    """Name the file that holds the weights of one network."""
    return Path(folder, f"fold-{fold}-repeat-{repeat}.weights.h5")


def save(network: Network, side: int, weights: list[np.ndarray], path: Path) -> None:
    """Write a trained network's weights; a full disk is an error, not a crash.

    Args:
        network: an entry of params.networks.
        side: pixels of a crop's side.
        weights: of `loop.train`.
        path: the HDF5 file.
    """
    model = _vessel(network.model_dump_json(), side)
    model.set_weights(weights)
    # HDF5 crashes where the disk is full: let plain bytes, more than it needs, try first.
    path.write_bytes(bytes(8 * model.count_params() + 2**20))
    model.save_weights(path)


@cache
def _vessel(described: str, side: int) -> keras.Model:
    """A network to save weights from: it has no optimizer, whose state would be saved too."""
    network = Network.model_validate_json(described)
    return networks.build(network.model_copy(update={"weights": "none"}), side)
