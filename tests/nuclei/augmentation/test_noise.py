import numpy as np
import pytest

from nuclei.augmentation import noise
from nuclei.core import draws


@pytest.mark.parametrize("percent", [1, 5, 20])
def test_noise_is_gaussian_and_so_many_percent_of_the_range(percent):
    grey = np.full((40, 64, 64, 3), 128, np.uint8)
    drawn = noise.draw_noise(draws.hash_ids(map(str, range(40))), percent)
    added = noise.add_noise(grey, **drawn).astype(int) - 128
    if percent < 20:  # beyond, some of it is cut off
        assert abs(added.mean()) < 0.1
        assert abs(added.std() - 2.55 * percent) < 0.1
        beyond = (np.abs(added) > 2 * 2.55 * percent).mean()
        assert 0.02 < beyond < 0.08  # 4.6 % of a Gaussian, in whole numbers
    else:
        assert 40 < added.std() < 51


def test_neighbouring_pixels_and_nuclei_have_noise_of_their_own():
    grey = np.full((40, 32, 32, 3), 128, np.uint8)
    drawn = noise.draw_noise(draws.hash_ids(map(str, range(40))), 5)
    added = noise.add_noise(grey, **drawn).reshape(40, -1).astype(float)
    assert abs(np.corrcoef(added[:, :-1].ravel(), added[:, 1:].ravel())[0, 1]) < 0.02
    assert np.abs(np.corrcoef(added) - np.eye(40)).max() < 0.08
