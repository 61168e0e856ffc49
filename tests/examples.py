"""Small examples that several tests start from: a network, nuclei to learn, predictions."""

import numpy as np
import pandas as pd

from nuclei.classes import CLASSES
from nuclei.params.train import Network

SMALL = Network(
    architecture="small",
    weights="none",
    side=None,
    head=[],
    loss="categorical_crossentropy",
    learning_rate=0.003,
    schedule="cosine",
    batch=16,
    threads=1,
    epochs=None,
    updates=6,
)
CELLS = (("none", 1.0), ("flip", 1.0), ("none", 2.0))


def crops(count, seed):
    """Make crops of 16 px whose class is their brightness; return them and their labels."""
    random = np.random.default_rng(seed)
    labels = np.arange(count) % 3
    brightness = random.integers(0, 40, (count, 16, 16, 3)) + labels[:, None, None, None] * 80
    return brightness.astype(np.uint8), labels


def predictions(cells=CELLS, repeats=2, patients=8, count=240, seed=0, digits=2):
    """Make the long table of predictions of several cells, right more often than by chance."""
    random = np.random.default_rng(seed)
    label, patient = random.integers(0, 3, count), random.integers(0, patients, count)
    tables = []
    for aug, volume in cells:
        for repeat in range(repeats):
            probability = random.dirichlet([1, 1, 1], count) + 0.4 * np.eye(3)[label]
            table = pd.DataFrame((probability / 1.4).round(digits), columns=list(CLASSES))
            table["label"] = np.array(CLASSES)[label]
            table["id"] = [f"n{i}" for i in range(count)]
            table["patient"] = [f"P{i}" for i in patient]
            tables.append(table.assign(aug=aug, volume=volume, repeat=repeat, site="A1"))
    return pd.concat(tables, ignore_index=True)
