import numpy as np

from nuclei.augmentation import colour

CROPS = np.random.default_rng(1).integers(0, 256, (2, 12, 12, 3), dtype=np.uint8)
FIRST = np.array([True, False])


def test_channels_exchanges_red_and_blue():
    np.testing.assert_array_equal(colour.swap(CROPS), CROPS[..., ::-1])


def test_invert_is_255_minus_x_where_drawn():
    np.testing.assert_array_equal(colour.invert(CROPS, FIRST), [255 - CROPS[0], CROPS[1]])


def test_grayscale_leaves_one_luma_where_drawn():
    red = np.zeros((2, 8, 8, 3), np.uint8)
    red[..., 0] = 200
    out = colour.to_grey(red, FIRST)
    assert (out[0] == round(0.299 * 200)).all()
    np.testing.assert_array_equal(out[1], red[1])
