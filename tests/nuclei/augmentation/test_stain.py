import numpy as np

from nuclei.augmentation import stain
from nuclei.core.stains import HED

CROPS = np.random.default_rng(1).integers(0, 256, (5, 16, 16, 3), dtype=np.uint8)


def test_stain_moves_one_stain_and_can_be_nothing():
    ones, zeros = np.ones((5, 3)), np.zeros((5, 3))
    untouched = stain.stain(CROPS, ones, zeros)
    assert np.abs(untouched.astype(int) - CROPS)[CROPS > 0].max() <= 1
    more = stain.stain(CROPS, ones, zeros + np.array([0.2, 0, 0])).astype(float)
    absorbed = -np.log((more[CROPS > 150] / CROPS[CROPS > 150]).mean())
    assert 0.05 < absorbed < 0.2  # haematoxylin's unit vector spreads 0.2 over three channels


def test_stain_is_what_unmixing_scaling_and_mixing_give():
    random = np.random.default_rng(2)
    alpha, beta = random.uniform(0.4, 1.6, (5, 3)), random.uniform(-0.6, 0.6, (5, 3))
    density = -np.log(np.maximum(CROPS, 1) / 255)
    concentrations = density @ np.linalg.inv(HED)
    perturbed = alpha[:, None, None] * concentrations + beta[:, None, None]
    plain = np.clip(255 * np.exp(-(perturbed @ HED)), 0, 255)
    assert np.abs(stain.stain(CROPS, alpha, beta) - plain).max() < 3
