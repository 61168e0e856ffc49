"""Nuclei whose class is their colour, and pools made after them; another process imports this."""

from concurrent.futures import ThreadPoolExecutor

import examples
import numpy as np

from nuclei.generation import feature_extractor, generator
from nuclei.generation.params import Generator
from nuclei.training import loop

COLOURS = np.array([[40, 90, 200], [200, 60, 80], [120, 220, 60]])
LABELS = np.arange(300) % 3
KNOBS = Generator(seed=1, updates=200, pool=20)


def crops(side=8, seed=0):
    """300 crops, each of one colour with some noise."""
    noise = np.random.default_rng(seed).integers(-20, 21, (len(LABELS), side, side, 3))
    return (COLOURS[LABELS][:, None, None] + noise).astype(np.uint8)


def of_seeds(*seeds):
    """A pool, and the features and probabilities of real nuclei, by seed; two threads share."""
    generator.TOGETHER, feature_extractor.UPDATES = 16, 20

    def of_seed(seed):
        pool = generator.pool(KNOBS.model_copy(update={"seed": seed}), crops(), LABELS)
        extract = feature_extractor.train(crops(), LABELS, seed)
        return pool, *extract(crops(seed=5))

    with ThreadPoolExecutor(2) as threads:
        return list(threads.map(of_seed, seeds))


def of_seeds_after_a_training(*seeds):
    """The same in a process that has trained a network before, as a study's workers have."""
    nuclei = examples.nuclei(60, 1)
    training = loop.Training(lambda positions, number: nuclei.crops[positions], nuclei.labels)
    loop.train(examples.SMALL, examples.KNOBS, 1, training, examples.nuclei(30, 2))
    return of_seeds(*seeds)
