import numpy as np

from nuclei.augmentation import linear


def test_it_is_what_whole_numbers_give_rounded_and_cut_off():
    random = np.random.default_rng(1)
    crops = random.integers(0, 256, (50, 24, 24, 3), dtype=np.uint8)
    matrices, offsets = random.normal(0, 1, (50, 3, 3)), random.normal(0, 60, (50, 3))
    matrices[0], offsets[0] = 16, 4000  # the largest
    matrices[1], offsets[1] = matrices[1] * 100, -9_999  # beyond
    m = np.clip(np.rint(matrices * 512) * 2, -16 * 1024, 16 * 1024).astype(int)
    o = np.clip(np.rint(offsets * 512) * 2, -4096 * 1024, 4096 * 1024).astype(int) + 1
    sums = np.einsum("nij,nyxj->nyxi", m, crops.astype(int)) + o[:, None, None]
    np.testing.assert_array_equal(
        linear.mix(crops, matrices, offsets), np.clip((sums + 512) >> 10, 0, 255)
    )


def test_nothing_changes_by_one_and_no_offset():
    crops = np.arange(192, dtype=np.uint8).reshape(1, 8, 8, 3)
    made = linear.mix(crops, np.eye(3)[None], np.zeros((1, 3)))
    np.testing.assert_array_equal(made, crops)
