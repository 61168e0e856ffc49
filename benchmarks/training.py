"""A train cell: its loop against bare steps and PyTorch, its start, its share of the machine."""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

ROOT = Path(__file__).parents[1]
os.environ |= {"TF_CPP_MIN_LOG_LEVEL": "3", "TF_NUM_INTRAOP_THREADS": "1"}
START = time.perf_counter()
import keras
import tensorflow as tf

IMPORTED = time.perf_counter() - START
import numpy as np
import results
import yaml

from nuclei import files
from nuclei.params.train import Network, TrainParams
from nuclei.training import loop, networks

try:
    import torch
    import torch_small
except ImportError:
    torch = None

ROUNDS, STEPS, SIDE, NUCLEI = 15, 40, 32, 4000


def main() -> None:
    """Print each comparison's ratio with its spread over rounds in which every way ran once."""
    tf.config.experimental.enable_op_determinism()
    entries = files.read_params(TrainParams, ROOT / "params.yaml").networks
    small = entries["small"]
    nuclei = _nuclei()
    batch = next(loop._batches(nuclei, small.batch, 1, seed=1))
    step = _step(small)
    ways = {"ours": lambda: _loop(step, nuclei, small.batch)}
    ways["bare steps"] = lambda: _bare(step, tuple(map(tf.constant, batch)))
    model = _compiled(small)
    ways["Keras fit"] = lambda: _fit(model, nuclei, small.batch)
    if torch:
        ways["PyTorch"] = torch_small.loop(*batch, STEPS)
        ways["PyTorch, channels last"] = torch_small.loop(*batch, STEPS, channels_last=True)
    else:
        print("PyTorch is not installed: left out")
    rates = {name: [] for name in ways}
    for way in ways.values():
        way()
    for _ in range(ROUNDS):
        for name, way in ways.items():
            start = time.perf_counter()
            way()
            rates[name].append(STEPS / (time.perf_counter() - start))
    found = {"steps": results.compared("small, batch of 64 at 32 px", rates, "steps/s")}
    found["roofline"] = _roofline(small, max(rates["ours"]))
    found["start"] = {"import": IMPORTED} | {n: _start(e) for n, e in entries.items()}
    print(f"seconds before the first step is done: {found['start']}")
    found["cell"] = _cell()
    results.record("training", found)


def _nuclei() -> loop.Nuclei:
    random = np.random.default_rng(1)
    crops = random.integers(0, 256, (NUCLEI, SIDE, SIDE, 3), dtype=np.uint8)
    return loop.Nuclei([crops], random.integers(0, 3, NUCLEI))


def _compiled(network: Network) -> keras.Model:
    model = networks.build(network, SIDE)
    model.compile(keras.optimizers.Adam(network.learning_rate), network.loss)
    return model


def _step(network: Network):
    model = _compiled(network)
    return tf.function(lambda *batch: model.train_step(batch), autograph=False)


def _loop(step, nuclei: loop.Nuclei, batch: int) -> None:
    for part in loop._batches(nuclei, batch, STEPS, seed=1):
        step(*(loop._shared_out(array, tf.distribute.get_strategy()) for array in part))


def _bare(step, batch: tuple) -> None:
    for _ in range(STEPS):
        step(*batch)


def _fit(model: keras.Model, nuclei: loop.Nuclei, batch: int) -> None:
    batches = loop._batches(nuclei, batch, STEPS, seed=1)
    model.fit(batches, steps_per_epoch=STEPS, shuffle=False, verbose=0)


def _start(network: Network) -> float:
    start = time.perf_counter()
    step = _step(network.model_copy(update={"weights": "none"}))
    batch = next(loop._batches(_nuclei(), network.batch, 1, seed=1))
    step(*map(tf.constant, batch))
    return time.perf_counter() - start


def _roofline(network: Network, steps_per_second: float) -> dict:
    """Multiplications and additions of the layers, three times for the two passes of training."""
    model = networks.build(network, SIDE)
    per_crop = sum(
        2 * layer.kernel.shape.num_elements() * np.prod(layer.output.shape[1:-1], dtype=int)
        for layer in model.layers
        if hasattr(layer, "kernel")
    )
    achieved = 3 * per_crop * network.batch * steps_per_second
    matrix = np.ones((2048, 2048), np.float32)
    seconds = []
    for _ in range(9):
        start = time.perf_counter()
        matrix @ matrix
        seconds.append(time.perf_counter() - start)
    peak = 2 * 2048**3 / min(seconds)
    print(f"roofline: {achieved / 1e9:.1f} of {peak / 1e9:.0f} GFLOP/s, {achieved / peak:.1%}")
    return {"achieved": achieved, "peak": peak, "share": achieved / peak}


def _cell() -> dict:
    """The embedded study's none at volume 1, run with once and thrice its updates.

    What does not grow with the updates is no training: import, build, trace, reading, predicting.
    """
    shipped = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    if not (ROOT / "data/augmented/none").exists():
        print("data/augmented/none is missing (`dvc repro augment@none`): no cell timed")
        return {}
    updates, repeats = shipped["networks"]["small"]["updates"], shipped["train"]["repeats"]
    seconds = {1: [], 3: []}
    for _ in range(5):
        for factor, times in seconds.items():
            shipped["networks"]["small"]["updates"] = factor * updates
            times.append(_timed_cell(shipped))
    whole = median(seconds[1])
    steps = (median(seconds[3]) - whole) / 2
    print(
        f"cell: {whole:.1f} s ({min(seconds[1]):.1f}-{max(seconds[1]):.1f}), of which "
        f"{repeats} × {updates} updates {steps:.1f} s; not training {1 - steps / whole:.0%}"
    )
    return {"seconds": seconds[1], "updates": steps, "not_training": 1 - steps / whole}


def _timed_cell(changed: dict) -> float:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "params.yaml").write_text(yaml.safe_dump(changed), encoding="utf-8")
        Path(folder, "data").mkdir()
        for name in ("prepared", "augmented"):
            Path(folder, "data", name).symlink_to(ROOT / "data" / name)
        start = time.perf_counter()
        command = [sys.executable, ROOT / "src/train.py", "none", "1"]
        subprocess.run(command, cwd=folder, check=True)
        return time.perf_counter() - start


if __name__ == "__main__":
    main()
