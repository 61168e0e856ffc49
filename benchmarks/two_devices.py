"""The same cell on one device and mirrored over two: do its metrics differ by more than seeds do?

Two devices see half of a batch each, so batch normalisation takes its means over 32 nuclei instead
of 64, and no bytes can be the same. Here both are logical devices of one processor.
"""

import os
import sys
from pathlib import Path
from statistics import mean, stdev

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "src"))
import numpy as np
import pandas as pd
import results
import tensorflow as tf
from sklearn.metrics import roc_auc_score

import stage
from nuclei import training
from nuclei.classes import CLASSES

SEEDS = range(1, 7)


def main() -> None:
    """Print macro AUC of the embedded study's arm none at volume 1, its mean and spread."""
    os.chdir(ROOT)
    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    network = stage.read_params().networks["small"]
    tf.config.threading.set_intra_op_parallelism_threads(network.threads)
    strategies = {
        "one device": tf.distribute.get_strategy,
        "two devices": lambda: tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]),
    }
    splits = {split: _split(split) for split in ("train", "validation", "test")}
    found = {}
    for name, strategy in strategies.items():
        training._strategy = strategy
        cell = training.train(network, splits, list(SEEDS), points=1, sample=64)
        scores = [_macro_auc(splits["test"].labels, trained.probabilities) for trained in cell]
        found[name] = {"mean": mean(scores), "sd": stdev(scores), "by_seed": scores}
        print(f"{name}: macro AUC {mean(scores):.4f}, from seed to seed ± {stdev(scores):.4f}")
    results.record("two_devices", found)


def _split(name: str) -> training.Nuclei:
    folder = stage.AUGMENTED / "none" if name == "train" else stage.PREPARED
    file = "copy-0.npy" if name == "train" else f"{name}.npy"
    labels = pd.read_csv(stage.PREPARED / f"{name}.csv")["label"].map(CLASSES.index)
    return training.Nuclei([stage.read_crops(folder / file)], labels.to_numpy())


def _macro_auc(labels: np.ndarray, probabilities: np.ndarray) -> float:
    return float(roc_auc_score(labels, probabilities, multi_class="ovr"))


if __name__ == "__main__":
    main()
