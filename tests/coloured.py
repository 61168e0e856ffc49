"""Nuclei whose class is their colour, and pools made after them; another process imports this."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np

from nuclei.generation import feature_extractor, generator
from nuclei.generation.params import Generator

COLOURS = np.array([[40, 90, 200], [200, 60, 80], [120, 220, 60]])
LABELS = np.arange(300) % 3
KNOBS = Generator(seed=1, updates=200, pool=20)


def crops(side=8, seed=0):
    """300 crops, each of one colour with some noise."""
    noise = np.random.default_rng(seed).integers(-20, 21, (len(LABELS), side, side, 3))
    return (COLOURS[LABELS][:, None, None] + noise).astype(np.uint8)


def in_few_updates(patch):
    """Have generators and feature extractors learn little, for tests of bytes, by `patch`."""
    for module, name, value in (
        (generator, "TOGETHER", 8),
        (generator, "STEPS", 2),
        (feature_extractor, "UPDATES", 5),
    ):
        patch(module, name, value)


def of_seeds(*seeds):
    """A pool, and the features and probabilities of real nuclei, by seed; two threads share."""

    def of_seed(seed):
        pool = generator.pool(Generator(seed=seed, updates=5, pool=8), crops(), LABELS)
        extract = feature_extractor.train(crops(), LABELS, seed)
        return pool, *extract(crops(seed=5))

    with ThreadPoolExecutor(2) as threads:
        return list(threads.map(of_seed, seeds))


def of_seeds_in_a_new_process(*seeds):
    """The same, learned in few updates by a process that has done nothing else."""
    in_few_updates(setattr)
    return of_seeds(*seeds)
