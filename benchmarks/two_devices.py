"""Whether metrics differ more between one device and two mirrored ones than between seeds.

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

from nuclei.core import files, folds, paths
from nuclei.core.classes import codes
from nuclei.core.nuclei import Nuclei
from nuclei.training import learner, loop, passes
from nuclei.training.params import TrainParams

SEEDS = range(1, 7)


def main() -> None:
    """Print macro AUC of the embedded study's augmentation none at volume 1 in its first fold."""
    os.chdir(ROOT)
    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    params = files.read_params(TrainParams)
    network = params.networks["small"]
    tf.config.threading.set_intra_op_parallelism_threads(network.intra_op_threads)
    strategies = {
        "one device": tf.distribute.get_strategy,
        "two devices": lambda: tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]),
    }
    nuclei = files.read_csv(paths.PREPARED / "nuclei.csv")
    crops, labels = files.read_crops(paths.PREPARED / "nuclei.npy"), codes(nuclei["label"])
    fold = folds.of_tables(nuclei, files.read_csv(paths.PREPARED / "folds.csv"))[0]
    pictures = passes.stored([crops], fold.train, len(fold.train))
    training = loop.Training(pictures, labels[fold.train])
    hashed_ids = np.arange(len(labels), dtype=np.uint64)
    validation = Nuclei(crops, hashed_ids, labels).rows(fold.validation)
    scores_by_device = {}
    for name, strategy in strategies.items():
        learner._strategy = strategy
        scores = []
        for seed in SEEDS:
            trained = loop.train(network, params.train, seed, training, validation)
            probabilities = loop.probabilities(trained.predict, crops[fold.test])
            scores.append(_macro_auc(labels[fold.test], probabilities))
        learner._learner.cache_clear()
        scores_by_device[name] = {"mean": mean(scores), "sd": stdev(scores), "by_seed": scores}
        print(f"{name}: macro AUC {mean(scores):.4f}, from seed to seed ± {stdev(scores):.4f}")
    results.record("two_devices", scores_by_device)


def _macro_auc(labels: np.ndarray, probabilities: np.ndarray) -> float:
    return float(roc_auc_score(labels, probabilities, multi_class="ovr"))


if __name__ == "__main__":
    main()
