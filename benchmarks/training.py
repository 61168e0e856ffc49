"""What a train cell costs beyond its steps: the input pipeline, and import, build and trace."""

import os
import sys
import time
from pathlib import Path
from statistics import median

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
sys.path.insert(0, str(Path(__file__).parents[1] / "src"))
START = time.perf_counter()
import keras
import numpy as np
import tensorflow as tf
import yaml

from nuclei import networks, params, training

IMPORTED = time.perf_counter() - START
ROUNDS, STEPS, SIDE, NUCLEI = 25, 40, 32, 4000


def main() -> None:
    """Print the ratio of fit to bare steps, and the seconds before the first step."""
    tf.config.experimental.enable_op_determinism()
    shipped = yaml.safe_load(Path("params.yaml").read_text(encoding="utf-8"))
    entries = params.parse(shipped).networks
    print(f"import {IMPORTED:.1f} s")
    for name, entry in entries.items():
        network = entry.model_copy(update={"weights": "none"})
        start = time.perf_counter()
        model = _compiled(network)
        built = time.perf_counter()
        bare = _bare(network)
        model.fit(bare, steps_per_epoch=1, shuffle=False, verbose=0)
        print(
            f"{name}: build {built - start:.1f} s, "
            f"trace and first step {time.perf_counter() - built:.1f} s"
        )
    network = entries["small"]
    model, nuclei, bare = _compiled(network), _nuclei(), _bare(network)
    model.fit(bare, steps_per_epoch=10, shuffle=False, verbose=0)
    rounds = []
    for seed in range(ROUNDS):
        piped = training._dataset(nuclei, network.batch, STEPS, seed)
        rounds.append((_seconds(model, bare), _seconds(model, piped)))
    ratios = sorted(steps / fit for steps, fit in rounds)
    step = median(steps for steps, _ in rounds) / STEPS
    print(f"small: {step * 1000:.1f} ms a step, {network.batch / step:,.0f} nuclei/s")
    print(
        f"small: speed of fit over bare steps {median(ratios):.3f} "
        f"({ratios[0]:.3f}-{ratios[-1]:.3f} in {ROUNDS} rounds of {STEPS} steps)"
    )


def _compiled(network: params.Network) -> keras.Model:
    model = networks.build(network, SIDE)
    model.compile(keras.optimizers.Adam(network.learning_rate), network.loss)
    return model


def _nuclei() -> training.Nuclei:
    random = np.random.default_rng(1)
    crops = random.integers(0, 256, (NUCLEI, SIDE, SIDE, 3), dtype=np.uint8)
    return training.Nuclei([crops], random.integers(0, 3, NUCLEI))


def _bare(network: params.Network) -> tf.data.Dataset:
    batch = next(training._batches(_nuclei(), network.batch, 1, seed=1))
    return tf.data.Dataset.from_tensors(batch).repeat()


def _seconds(model: keras.Model, batches: tf.data.Dataset) -> float:
    start = time.perf_counter()
    model.fit(batches, steps_per_epoch=STEPS, shuffle=False, verbose=0)
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
