import numpy as np
import pytest

from nuclei.augmentation import jitter
from nuclei.core import draws

KEYS = draws.hash_ids(map(str, range(5_000)))
CROPS = np.random.default_rng(1).integers(40, 200, (4, 16, 16, 3), dtype=np.uint8)
LUMA = CROPS @ jitter.LUMA
BY = np.array([0.8, 0.95, 1.1, 1.2])
EACH = BY[:, None, None, None]


def _near(made, expected):
    np.testing.assert_allclose(made, np.clip(expected, 0, 255), atol=1.3)


def test_brightness_multiplies():
    _near(jitter.brighten(CROPS, BY), CROPS * EACH)


def test_contrast_moves_away_from_the_mean_grey():
    mean = LUMA.mean(axis=(1, 2))[:, None, None, None]
    _near(jitter.stretch(CROPS, BY), mean + (CROPS - mean) * EACH)


def test_saturation_moves_away_from_a_pixels_own_grey():
    _near(jitter.saturate(CROPS, BY), LUMA[..., None] + (CROPS - LUMA[..., None]) * EACH)


def test_hue_by_a_third_of_a_turn_exchanges_the_channels():
    _near(jitter.turn(CROPS, np.full(4, 120.0)), CROPS[..., [2, 0, 1]])
    _near(jitter.turn(CROPS, np.zeros(4)), CROPS)


def test_hue_and_saturation_leave_greys():
    greys = np.repeat(CROPS[..., :1], 3, axis=-1)
    for made in (jitter.turn(greys, BY * 60), jitter.saturate(greys, BY)):
        np.testing.assert_array_equal(made, greys)


def test_color_is_the_four_in_turn():
    hue = np.array([-9.0, 3, 0, 12])
    made = jitter.jitter(CROPS, BY, BY[::-1], BY, hue)
    in_turn = jitter.stretch(jitter.brighten(CROPS, BY), BY[::-1])
    in_turn = jitter.turn(jitter.saturate(in_turn, BY), hue)
    np.testing.assert_allclose(made, in_turn.astype(int), atol=4)


def test_color_draws_four_numbers_that_do_not_go_together():
    drawn = np.array([*jitter.draw_color(KEYS, 20).values()])
    assert drawn.shape == (4, len(KEYS))
    assert np.abs(np.corrcoef(drawn) - np.eye(4)).max() < 0.05
    assert np.abs(drawn[:3] - 1).max() == pytest.approx(0.2, rel=0.01)
    assert np.abs(drawn[3]).max() == pytest.approx(18, rel=0.01)


def test_gamma_is_a_power_and_as_often_its_inverse():
    steps = jitter.draw_gamma(KEYS, 2)["steps"]
    assert steps.min() == -64 and steps.max() == 64 and abs(steps.mean()) < 2
    brighter, same, darker = jitter.bend(CROPS[:3], np.array([-64, 0, 64]))
    np.testing.assert_array_equal(same, CROPS[1])
    _near(brighter, 255 * (CROPS[0] / 255) ** 0.5)
    _near(darker, 255 * (CROPS[2] / 255) ** 2)
