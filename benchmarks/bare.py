"""How fast this process is alone: `bare.py steps SECONDS` or `bare.py product SECONDS`."""

import os
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
if sys.argv[1] == "steps":
    os.environ["TF_NUM_INTRAOP_THREADS"] = "1"
import numpy as np
import tensorflow as tf

from nuclei import files
from nuclei.params.train import TrainParams
from nuclei.training import loop


def main(what: str, seconds: str) -> None:
    """Print updates per second of the network `small`, or GFLOP/s of a matrix product."""
    print({"steps": steps, "product": product}[what](float(seconds)))


def steps(seconds: float) -> float:
    """Train on one batch in memory again and again."""
    network = files.read_params(TrainParams, ROOT / "params.yaml").networks["small"]
    learner = loop._learner(network.model_dump_json(), 32, 200)
    random = np.random.default_rng(1)
    crops = tf.constant(random.integers(0, 256, (network.batch, 32, 32, 3), dtype=np.uint8))
    labels = tf.constant(np.eye(3, dtype=np.float32)[random.integers(0, 3, network.batch)])
    return _rate(lambda: learner.step(crops, labels), seconds)


def product(seconds: float, side: int = 4096) -> float:
    """Multiply two matrices of float32 again and again."""
    matrix = tf.ones((side, side))
    return _rate(lambda: tf.linalg.matmul(matrix, matrix), seconds) * 2 * side**3 / 1e9


def _rate(call, seconds: float) -> float:
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
    main(*sys.argv[1:])
