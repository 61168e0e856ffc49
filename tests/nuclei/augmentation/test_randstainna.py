import cv2
import numpy as np

from nuclei.augmentation import randstainna

BYTES = np.random.default_rng(1).integers(90, 220, (60, 32, 32, 3), dtype=np.uint8)
CROPS = np.array([cv2.GaussianBlur(crop, (0, 0), 1 + i / 60) for i, crop in enumerate(BYTES)])


def _measured(crops):
    return randstainna.statistics(np.array([cv2.cvtColor(c, cv2.COLOR_RGB2LAB) for c in crops]))


def test_a_template_is_the_mean_and_the_spread_of_means_and_deviations():
    learned = (
        np.array(randstainna.learn_template(CROPS, np.arange(60))["template"]) / randstainna.UNIT
    )
    measured = _measured(CROPS)
    np.testing.assert_allclose(learned, [measured.mean(axis=0), measured.std(axis=0)], atol=0.01)


def test_a_template_does_not_depend_on_the_chunks_it_is_measured_in(monkeypatch):
    whole = randstainna.learn_template(CROPS, np.arange(60))
    monkeypatch.setattr(randstainna, "CHUNK", 7)
    assert randstainna.learn_template(CROPS, np.arange(60)) == whole


def test_every_crop_gets_the_means_and_deviations_that_were_drawn():
    template = randstainna.learn_template(CROPS, np.arange(60))["template"]
    away = np.random.default_rng(2).normal(0, 1, (len(CROPS), 6))
    made = _measured(randstainna.restain(CROPS, away, template))
    middle, spread = np.array(template) / randstainna.UNIT
    wanted = middle + away * spread
    # What lies outside of the colours that a screen can show is cut off.
    assert np.median(np.abs(made - wanted), axis=0).max() < 1.5


def test_a_crop_that_looks_like_the_template_stays_as_it_is():
    own = np.rint(_measured(CROPS[:1]) * randstainna.UNIT)
    template = [own[0].tolist(), [0] * 6]
    made = randstainna.restain(CROPS[:1], np.zeros((1, 6)), template)
    assert np.abs(made.astype(int) - CROPS[:1]).max() <= 6  # there and back through CIELAB


def test_a_channel_that_hardly_varies_is_stretched_about_its_mean():
    flat = CROPS[:1] // 32 + np.array([120, 80, 140], np.uint8)
    now = _measured(flat)[0]
    for factor in (8, 100):
        wanted = np.array([*now[:3], *(factor * now[3:])])
        template = [(wanted * randstainna.UNIT).tolist(), [0] * 6]
        made = _measured(randstainna.restain(flat, np.zeros((1, 6)), template))[0]
        np.testing.assert_allclose(made[:3], now[:3], atol=8)
        assert (made[3:] > 2 * now[3:]).all()
