"""The same cell on one device and mirrored over two: do its metrics differ by more than seeds do?

Two devices see half of a batch each, so batch normalisation takes its means over 32 nuclei instead
of 64, and no bytes can be the same. Here both are logical devices of one processor.
"""

import os
from pathlib import Path
from statistics import mean, stdev

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
ROOT = Path(__file__).parents[1]
import numpy as np
import results
import tensorflow as tf
from sklearn.metrics import roc_auc_score

import paths
from nuclei import files
from nuclei.classes import codes
from nuclei.params.train import TrainParams
from nuclei.training import loop

SEEDS = range(1, 7)


def main() -> None:
    """Print macro AUC of the embedded study's arm none at volume 1, its mean and spread."""
    os.chdir(ROOT)
    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    network = files.read_params(TrainParams).networks["small"]
    tf.config.threading.set_intra_op_parallelism_threads(network.threads)
    strategies = {
        "one device": tf.distribute.get_strategy,
        "two devices": lambda: tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]),
    }
    splits = {split: _split(split) for split in ("train", "validation", "test")}
    found = {}
    for name, strategy in strategies.items():
        loop._strategy = strategy
        cell = loop.train(network, splits, list(SEEDS), points=1, sample=64)
        scores = [_macro_auc(splits["test"].labels, trained.probabilities) for trained in cell]
        found[name] = {"mean": mean(scores), "sd": stdev(scores), "by_seed": scores}
        print(f"{name}: macro AUC {mean(scores):.4f}, from seed to seed ± {stdev(scores):.4f}")
    results.record("two_devices", found)


def _split(name: str) -> loop.Nuclei:
    folder = paths.AUGMENTED / "none" if name == "train" else paths.PREPARED
    file = "copy-0.npy" if name == "train" else f"{name}.npy"
    labels = codes(files.read_csv(paths.PREPARED / f"{name}.csv")["label"])
    return loop.Nuclei([files.read_crops(folder / file)], labels)


def _macro_auc(labels: np.ndarray, probabilities: np.ndarray) -> float:
    return float(roc_auc_score(labels, probabilities, multi_class="ovr"))


if __name__ == "__main__":
    main()
