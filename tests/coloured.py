"""Nuclei whose class is their colour, and pools made after them; another process imports this."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np

from nuclei.generation import generator
from nuclei.generation.params import Generator

COLOURS = np.array([[40, 90, 200], [200, 60, 80], [120, 220, 60]])
LABELS = np.arange(300) % 3
KNOBS = Generator(seed=1, updates=200, pool=20)


def crops(side=8, seed=0):
    """300 crops, each of one colour with some noise."""
    noise = np.random.default_rng(seed).integers(-20, 21, (len(LABELS), side, side, 3))
    return (COLOURS[LABELS][:, None, None] + noise).astype(np.uint8)


def pools(*seeds):
    """Pools made side by side, a thread for each, as the stage makes those of its folds."""
    generator.TOGETHER = 16
    knobs = [KNOBS.model_copy(update={"seed": seed}) for seed in seeds]
    with ThreadPoolExecutor(len(seeds)) as threads:
        return list(threads.map(lambda of: generator.pool(of, crops(), LABELS), knobs))
