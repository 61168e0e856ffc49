"""A network that tells real nuclei apart: its features measure how near synthetic ones come."""

from collections.abc import Callable

import keras
import numpy as np

from nuclei.core.classes import CLASSES
from nuclei.generation.reproducible import in_new_thread, seeded
from nuclei.training import networks
from nuclei.training.params import Network

UPDATES = 800
NETWORK = Network(
    architecture="small", learning_rate=0.003, schedule="cosine", batch=64, updates=UPDATES
)


@in_new_thread
def train(
    crops: np.ndarray, labels: np.ndarray, seed: int
) -> Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """Train the network `small` on real crops, uint8 (N, S, S, 3), and their labels, int (N,).

    It maps crops to features, the last layer's input, float32 (n, 64), and probabilities, (n, 3).
    """
    network = seeded(seed, lambda: networks.build(NETWORK, crops.shape[1], len(CLASSES)))
    schedule = keras.optimizers.schedules.CosineDecay(NETWORK.learning_rate, UPDATES)
    network.compile(keras.optimizers.Adam(schedule), NETWORK.loss)
    random, one_hot = np.random.default_rng(seed), np.eye(len(CLASSES), dtype=np.float32)
    for _ in range(UPDATES):
        rows = random.choice(len(crops), NETWORK.batch)
        network.train_on_batch(crops[rows], one_hot[labels[rows]])
    extractor = keras.Model(network.input, [network.layers[-2].output, network.output])
    return lambda crops: extractor.predict(crops, batch_size=256, verbose=0)
