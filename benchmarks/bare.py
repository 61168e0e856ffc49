"""How fast a process is alone: `bare.py WAY SECONDS [NETWORK]` prints a rate. WAY: a function."""

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parents[1]
SIDE, NUCLEI = 32, 4000
NETWORK = sys.argv[3] if len(sys.argv) > 3 else "small"
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
if "product" not in sys.argv:
    os.environ["TF_NUM_INTRAOP_THREADS"] = "1"  # as params.yaml has it
import keras
import numpy as np
import tensorflow as tf

from nuclei.core import files
from nuclei.training import loop as training
from nuclei.training import networks, passes
from nuclei.training.learner import prepared
from nuclei.training.params import Network, TrainParams


def steps(seconds: float) -> float:
    """Return updates per second on one batch in memory, again and again."""
    learner = prepared(_network(), SIDE, 200, seed=1)
    batch = tuple(map(tf.constant, _batch()))
    return _rate(lambda: learner.step(*batch), seconds)


def loop(seconds: float) -> float:
    """Return updates per second as the stage makes them: each batch is gathered from the crops."""
    learner = prepared(_network(), SIDE, 200, seed=1)
    batches = training._batches(_nuclei(), _network().batch, sys.maxsize, 1)
    return _rate(lambda: learner.step(*map(tf.constant, next(batches))), seconds)


def fit(seconds: float, each: int = 40) -> float:
    """Return updates per second of Keras's own loop."""
    model = networks.build(_network(), SIDE, 3)
    model.compile(keras.optimizers.Adam(_network().learning_rate), _network().loss)

    def several() -> None:
        batches = training._batches(_nuclei(), _network().batch, each, 1)
        model.fit(batches, steps_per_epoch=each, shuffle=False, verbose=0)

    return each * _rate(several, seconds)


def torch(seconds: float, channels_last: bool = False) -> float:
    """Return updates per second of PyTorch on one batch in memory."""
    import torch_small  # PyTorch is not always there

    return 10 * _rate(torch_small.loop(*_batch(), 10, channels_last), seconds)


def torch_channels_last(seconds: float) -> float:
    """Return those of PyTorch with its faster order of pixels."""
    return torch(seconds, channels_last=True)


def product(seconds: float, side: int = 4096) -> float:
    """Return GFLOP/s of one product of two matrices of float32, again and again."""
    matrix = tf.ones((side, side))
    return _rate(lambda: tf.linalg.matmul(matrix, matrix), seconds) * 2 * side**3 / 1e9


def _network() -> Network:
    return files.read_params(TrainParams, ROOT / "params.yaml").networks[NETWORK]


def _nuclei() -> training.Training:
    random = np.random.default_rng(1)
    crops = random.integers(0, 256, (NUCLEI, SIDE, SIDE, 3), dtype=np.uint8)
    pictures = passes.stored([crops], np.arange(NUCLEI), NUCLEI)
    return training.Training(pictures, random.integers(0, 3, NUCLEI))


def _batch() -> tuple[np.ndarray, np.ndarray]:
    return next(training._batches(_nuclei(), _network().batch, 1, 1))


def _rate(call: Callable, seconds: float) -> float:
    for _ in range(3):
        result = call()
    count, start = 0, time.perf_counter()
    while time.perf_counter() - start < seconds:
        result = call()
        count += 1
    if hasattr(result, "numpy"):
        result.numpy()  # it may still be computing
    return count / (time.perf_counter() - start)


if __name__ == "__main__":
    ways = {way.__name__: way for way in (steps, loop, fit, torch, torch_channels_last, product)}
    print(ways[sys.argv[1]](float(sys.argv[2])))
