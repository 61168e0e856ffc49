import numpy as np
import pytest

from nuclei.augmentation import colour
from nuclei.core import draws

FEW = np.random.default_rng(1).integers(0, 256, (2, 12, 12, 3), dtype=np.uint8)
FIRST = np.array([True, False])
KEYS = draws.hash_ids(map(str, range(5_000)))
CROPS = np.random.default_rng(1).integers(40, 200, (4, 16, 16, 3), dtype=np.uint8)
LUMA = CROPS @ colour.LUMA
BY = np.array([0.8, 0.95, 1.1, 1.2])
EACH = BY[:, None, None, None]


def test_channels_exchanges_red_and_blue():
    np.testing.assert_array_equal(colour.swap(FEW), FEW[..., ::-1])


def test_invert_is_255_minus_x_where_chosen():
    np.testing.assert_array_equal(colour.invert(FEW, FIRST), [255 - FEW[0], FEW[1]])


def test_grayscale_leaves_one_luma_where_chosen():
    red = np.zeros((2, 8, 8, 3), np.uint8)
    red[..., 0] = 200
    out = colour.to_grey(red, FIRST)
    assert (out[0] == round(0.299 * 200)).all()
    np.testing.assert_array_equal(out[1], red[1])


def _near(crops, expected):
    np.testing.assert_allclose(crops, np.clip(expected, 0, 255), atol=1.3)


def test_brightness_multiplies():
    _near(colour.jitter(CROPS, brightness=BY), CROPS * EACH)


def test_contrast_moves_away_from_the_mean_grey():
    mean = LUMA.mean(axis=(1, 2))[:, None, None, None]
    _near(colour.jitter(CROPS, contrast=BY), mean + (CROPS - mean) * EACH)


def test_saturation_moves_away_from_a_pixels_own_grey():
    _near(colour.jitter(CROPS, saturation=BY), LUMA[..., None] + (CROPS - LUMA[..., None]) * EACH)


def test_hue_by_a_third_of_a_turn_exchanges_the_channels():
    _near(colour.jitter(CROPS, hue=np.full(4, 120.0)), CROPS[..., [2, 0, 1]])
    _near(colour.jitter(CROPS, hue=np.zeros(4)), CROPS)


def test_hue_and_saturation_leave_greys():
    greys = np.repeat(CROPS[..., :1], 3, axis=-1)
    for change in ({"hue": BY * 60}, {"saturation": BY}):
        np.testing.assert_array_equal(colour.jitter(greys, **change), greys)


def test_color_is_the_four_in_turn():
    hue = np.array([-9.0, 3, 0, 12])
    changes = {"brightness": BY, "contrast": BY[::-1], "saturation": BY, "hue": hue}
    at_once, in_turn = colour.jitter(CROPS, **changes), CROPS
    for name, numbers in changes.items():
        in_turn = colour.jitter(in_turn, **{name: numbers})
    np.testing.assert_allclose(at_once, in_turn.astype(int), atol=4)


def test_color_draws_four_numbers_that_do_not_go_together():
    numbers = np.array([*colour.draw_color(KEYS, 20).values()])
    assert numbers.shape == (4, len(KEYS))
    assert np.abs(np.corrcoef(numbers) - np.eye(4)).max() < 0.05
    assert np.abs(numbers[:3] - 1).max() == pytest.approx(0.2, rel=0.01)
    assert np.abs(numbers[3]).max() == pytest.approx(18, rel=0.01)


def test_gamma_is_a_power_and_as_often_its_inverse():
    steps = colour.draw_gamma(KEYS, 2)["steps"]
    assert steps.min() == -64 and steps.max() == 64 and abs(steps.mean()) < 2
    brighter, same, darker = colour.bend(CROPS[:3], np.array([-64, 0, 64]))
    np.testing.assert_array_equal(same, CROPS[1])
    _near(brighter, 255 * (CROPS[0] / 255) ** 0.5)
    _near(darker, 255 * (CROPS[2] / 255) ** 2)


def test_a_mix_is_what_whole_numbers_give_rounded_and_cut_off():
    random = np.random.default_rng(1)
    crops = random.integers(0, 256, (50, 24, 24, 3), dtype=np.uint8)
    matrices, offsets = random.normal(0, 1, (50, 3, 3)), random.normal(0, 60, (50, 3))
    matrices[0], offsets[0] = 16, 4000  # the largest
    matrices[1], offsets[1] = matrices[1] * 100, -9_999  # beyond
    m = np.clip(np.rint(matrices * 512) * 2, -16 * 1024, 16 * 1024).astype(int)
    o = np.clip(np.rint(offsets * 512) * 2, -4096 * 1024, 4096 * 1024).astype(int) + 1
    sums = np.einsum("nij,nyxj->nyxi", m, crops.astype(int)) + o[:, None, None]
    np.testing.assert_array_equal(
        colour.mix(crops, matrices, offsets), np.clip((sums + 512) >> 10, 0, 255)
    )


def test_a_mix_changes_nothing_by_one_and_no_offset():
    crops = np.arange(192, dtype=np.uint8).reshape(1, 8, 8, 3)
    same = colour.mix(crops, np.eye(3)[None], np.zeros((1, 3)))
    np.testing.assert_array_equal(same, crops)
