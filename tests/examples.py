"""Small examples that several tests start from: a network, nuclei to learn, predictions."""

import numpy as np
import pandas as pd

from nuclei.core import files
from nuclei.core.nuclei import Nuclei
from nuclei.statistics.predictions import Predictions, Tested
from nuclei.training.params import Network, Train

SMALL = Network(
    architecture="small",
    learning_rate=0.003,
    schedule="cosine",
    batch=16,
    updates=6,
)
KNOBS = Train(
    seed=1,
    repeats=2,
    checkpoint="best",
    evaluations=3,
    patience=None,
    max_validation=30,
    ema_decay=0.9,
)
CONFIGURATIONS = (("none", 1.0), ("flip", 1.0), ("none", 2.0))


def crops(count, seed):
    """Make crops of 16 px whose class is their brightness; return them and their labels."""
    random = np.random.default_rng(seed)
    labels = np.arange(count) % 3
    brightness = random.integers(0, 40, (count, 16, 16, 3)) + labels[:, None, None, None] * 80
    return brightness.astype(np.uint8), labels


def nuclei(count, seed):
    """Make such crops as nuclei, with ids of their own."""
    images, labels = crops(count, seed)
    return Nuclei(images, np.arange(count, dtype=np.uint64), labels)


def predictions(
    configurations=CONFIGURATIONS, repeats=2, patients=(8,), count=240, seed=0, digits=2
):
    """Make predictions of several configurations, right more often than by chance.

    `patients` tells how many each fold tests: P0 and the next ones fold 1, and so on.
    """
    random = np.random.default_rng(seed)
    fold_of = np.repeat(np.arange(1, len(patients) + 1), patients)
    label, patient = random.integers(0, 3, count), random.integers(0, len(fold_of), count)
    probabilities = {}
    for key in configurations:
        probability = random.dirichlet([1, 1, 1], (repeats, count)) + 0.4 * np.eye(3)[label]
        probabilities[key] = (probability / 1.4).round(digits).astype(np.float32)
    names = np.array([f"P{i}" for i in patient])
    return Predictions(Tested(label, names, np.full(count, "A1"), fold_of[patient]), probabilities)


def scored(*augs, volumes=(1.0,)):
    """Make scores, and differences to none, of AUCs that are 0.8, and 0, 0.01, ... more in turn."""
    rows = [(aug, volume, place / 100) for place, aug in enumerate(augs) for volume in volumes]
    gaps = pd.DataFrame(rows, columns=["aug", "volume", "difference"]).assign(metric="macro_auc")
    gaps = gaps.assign(low=gaps["difference"] - 0.02, high=gaps["difference"] + 0.03)
    scores = gaps[["aug", "volume"]].assign(macro_auc=0.8 + gaps["difference"])
    scores = scores.assign(macro_auc_low=0.7, macro_auc_high=0.9)
    others = gaps.assign(metric="accuracy", difference=0.5)
    return scores, pd.concat([gaps, others]).query("aug != 'none'")


def untrained(folder, side):
    """Make a configuration of two networks with the weights that they begin with; return folder."""
    from nuclei.training import models, networks  # TensorFlow takes seconds to import

    folder.mkdir(parents=True)
    checkpoint = {"repeat": 0, "seed": 1, "updates": 1, "of": 1, "validation_loss": 1.0}
    described = {"classes": ["stromal", "TIL", "tumor"], "side": side, "window_um": 8.0}
    described |= {"network": SMALL.model_dump()}
    described |= {"checkpoints": [{"fold": fold} | checkpoint for fold in (1, 2)]}
    files.write_json(folder / "model.json", described)
    for fold in (1, 2):
        weights = networks.build(SMALL, side, 3).get_weights()
        models.save(SMALL, side, weights, models.weights_file(folder, fold, 0))
    return folder
