"""Networks whose bytes depend on their seed and data, not on what else their process trains."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import wraps
from threading import Lock
from typing import ParamSpec, TypeVar

import keras
import tensorflow as tf

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")
_SEEDING = Lock()  # Keras draws the seeds of initial weights from Python's own stream


def in_new_thread(train: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
    """Have `train`, which builds and trains a network, run in a thread of its own.

    TensorFlow's graph optimizer (Grappler) orders the terms of a sum by the names of their layers,
    and Keras numbers names on within a thread. So after nine other convolutions in a thread, a
    network's conv2d_9 and conv2d_10 change places, and weights differ in their last bit. A new
    thread numbers from zero. Op determinism also keeps Keras from compiling with XLA, which adds up
    in another order.
    """

    @wraps(train)
    def run(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
        tf.config.experimental.enable_op_determinism()
        with ThreadPoolExecutor(1) as thread:
            return thread.submit(train, *args, **kwargs).result()

    return run


def seeded(seed: int, build: Callable[[], keras.Model]) -> keras.Model:
    """Build a model whose initial weights depend on the seed alone, whatever other threads do."""
    with _SEEDING:
        keras.utils.set_random_seed(seed)
        return build()
