import numpy as np

from nuclei.augmentation import density


def test_it_is_what_whole_numbers_give():
    random = np.random.default_rng(1)
    crops = random.integers(0, 256, (50, 16, 16, 3), dtype=np.uint8)
    matrices, offsets = random.normal(0, 1, (50, 3, 3)), random.normal(0, 1, (50, 3))
    m = np.rint(matrices * 1024).astype(int)
    o = np.rint(offsets * 256 * 1024).astype(int)
    sums = np.einsum("nyxi,nij->nyxj", density.of(crops).astype(int), m) + o[:, None, None]
    assert np.abs(sums).max() < 2**24  # else float32 is not exact
    mixed = np.maximum(np.rint(sums / 1024), 0)
    expected = np.round(255 * np.exp(-mixed / 256))
    np.testing.assert_array_equal(density.mix(crops, matrices, offsets), expected)


def test_a_matrix_beyond_what_is_exact_is_cut_down():
    crops = np.full((1, 8, 8, 3), 250, np.uint8)
    huge = np.full((1, 3, 3), 1e6)
    by = density.LARGEST / 3
    expected = density.mix(crops, np.full((1, 3, 3), by), np.zeros((1, 3)))
    np.testing.assert_array_equal(density.mix(crops, huge, np.zeros((1, 3))), expected)
