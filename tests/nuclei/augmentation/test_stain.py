import cv2
import numpy as np
import pytest

from nuclei.augmentation import stain
from nuclei.core.stains import HED

CROPS = np.random.default_rng(1).integers(0, 256, (5, 16, 16, 3), dtype=np.uint8)
STAINS = np.array([[[0.55, 0.75, 0.35], [0.15, 0.93, 0.3]], [[0.7, 0.6, 0.4], [0.05, 0.8, 0.6]]])
BYTES = np.random.default_rng(1).integers(90, 220, (60, 32, 32, 3), dtype=np.uint8)
VARIED = np.array([cv2.GaussianBlur(crop, (0, 0), 1 + i / 60) for i, crop in enumerate(BYTES)])
STAINS /= np.linalg.norm(STAINS, axis=2, keepdims=True)


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


def _stained(side=64, seed=1):
    """Crops of two sites, as two stains of known colours make them."""
    concentrations = np.random.default_rng(seed).gamma(1, 0.6, (2, side, side, 2)) + 0.05
    mixed = np.einsum("nyxs,nsc->nyxc", concentrations, STAINS)
    return np.rint(255 * np.exp(-mixed)).clip(1, 255).astype(np.uint8)


def test_the_stains_of_a_crop_are_estimated():
    estimated = stain.stains(_stained())
    cosines = (estimated * STAINS).sum(axis=2)
    assert (cosines > 0.995).all(), cosines
    assert (estimated[:, 0, 0] > estimated[:, 1, 0]).all()


@pytest.mark.parametrize(
    "crop",
    [
        np.full((32, 32, 3), 245, np.uint8),  # no tissue
        np.full((32, 32, 3), 0, np.uint8),
        np.broadcast_to(np.arange(32, dtype=np.uint8)[:, None, None] * 4 + 20, (32, 32, 3)),  # grey
    ],
)
def test_where_two_stains_cannot_be_estimated_they_are_ruifroks(crop):
    np.testing.assert_allclose(stain.stains(crop[None].copy()), HED[None, :2])


def test_macenko_without_perturbation_changes_nothing():
    crops = _stained()
    same = stain.perturb(crops, np.ones((2, 2)), np.zeros((2, 2)))
    assert np.abs(same.astype(int) - crops).max() <= 1


def test_macenko_is_what_unmixing_scaling_and_mixing_give():
    crops = _stained()
    alpha, beta = np.array([[0.8, 1.2], [1.1, 0.7]]), np.array([[0.1, 0.0], [-0.1, 0.15]])
    density = -np.log(crops / 255)
    for crop, of, a, b, made in zip(
        density,
        stain.stains(crops),
        alpha,
        beta,
        stain.perturb(crops, alpha, beta),
        strict=True,
    ):
        concentrations = crop @ np.linalg.pinv(of)
        residual = crop - concentrations @ of
        plain = 255 * np.exp(-((a * concentrations + b) @ of + residual))
        assert np.abs(made - plain.clip(0, 255)).max() < 3


def test_a_mix_is_what_whole_numbers_give():
    random = np.random.default_rng(1)
    crops = random.integers(0, 256, (50, 16, 16, 3), dtype=np.uint8)
    matrices, offsets = random.normal(0, 1, (50, 3, 3)), random.normal(0, 1, (50, 3))
    m = np.rint(matrices * 1024).astype(int)
    o = np.rint(offsets * 256 * 1024).astype(int)
    sums = np.einsum("nyxi,nij->nyxj", stain.to_densities(crops).astype(int), m) + o[:, None, None]
    assert np.abs(sums).max() < 2**24  # else float32 is not exact
    mixed = np.maximum(np.rint(sums / 1024), 0)
    expected = np.round(255 * np.exp(-mixed / 256))
    np.testing.assert_array_equal(stain.mix(crops, matrices, offsets), expected)


def test_a_matrix_beyond_what_is_exact_is_cut_down():
    crops = np.full((1, 8, 8, 3), 250, np.uint8)
    huge = np.full((1, 3, 3), 1e6)
    by = stain.LARGEST / 3
    expected = stain.mix(crops, np.full((1, 3, 3), by), np.zeros((1, 3)))
    np.testing.assert_array_equal(stain.mix(crops, huge, np.zeros((1, 3))), expected)


def _measured(crops):
    return stain.statistics(np.array([cv2.cvtColor(c, cv2.COLOR_RGB2LAB) for c in crops]))


def test_a_template_is_the_mean_and_the_spread_of_means_and_deviations():
    learned = (
        np.array(stain.learn_template(VARIED, np.arange(60))["template"]) / stain.TEMPLATE_UNIT
    )
    measured = _measured(VARIED)
    np.testing.assert_allclose(learned, [measured.mean(axis=0), measured.std(axis=0)], atol=0.01)


def test_every_crop_gets_the_means_and_deviations_that_were_drawn():
    template = stain.learn_template(VARIED, np.arange(60))["template"]
    away = np.random.default_rng(2).normal(0, 1, (len(VARIED), 6))
    made = _measured(stain.restain(VARIED, away, template))
    middle, spread = np.array(template) / stain.TEMPLATE_UNIT
    wanted = middle + away * spread
    # What lies outside of the colours that a screen can show is cut off.
    assert np.median(np.abs(made - wanted), axis=0).max() < 1.5


def test_a_crop_that_looks_like_the_template_stays_as_it_is():
    own = np.rint(_measured(VARIED[:1]) * stain.TEMPLATE_UNIT)
    template = [own[0].tolist(), [0] * 6]
    made = stain.restain(VARIED[:1], np.zeros((1, 6)), template)
    assert np.abs(made.astype(int) - VARIED[:1]).max() <= 6  # there and back through CIELAB


def test_a_channel_that_hardly_varies_is_stretched_about_its_mean():
    flat = VARIED[:1] // 32 + np.array([120, 80, 140], np.uint8)
    now = _measured(flat)[0]
    for factor in (8, 100):
        wanted = np.array([*now[:3], *(factor * now[3:])])
        template = [(wanted * stain.TEMPLATE_UNIT).tolist(), [0] * 6]
        made = _measured(stain.restain(flat, np.zeros((1, 6)), template))[0]
        np.testing.assert_allclose(made[:3], now[:3], atol=8)
        assert (made[3:] > 2 * now[3:]).all()
