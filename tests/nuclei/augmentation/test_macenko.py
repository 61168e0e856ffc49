import numpy as np
import pytest

from nuclei.augmentation import macenko
from nuclei.core.stains import HED

STAINS = np.array([[[0.55, 0.75, 0.35], [0.15, 0.93, 0.3]], [[0.7, 0.6, 0.4], [0.05, 0.8, 0.6]]])
STAINS /= np.linalg.norm(STAINS, axis=2, keepdims=True)


def _stained(side=64, seed=1):
    """Crops of two hospitals, as two stains of known colours make them."""
    concentrations = np.random.default_rng(seed).gamma(1, 0.6, (2, side, side, 2)) + 0.05
    mixed = np.einsum("nyxs,nsc->nyxc", concentrations, STAINS)
    return np.rint(255 * np.exp(-mixed)).clip(1, 255).astype(np.uint8)


def test_the_stains_of_a_crop_are_found():
    found = macenko.stains(_stained())
    cosines = (found * STAINS).sum(axis=2)
    assert (cosines > 0.995).all(), cosines
    assert (found[:, 0, 0] > found[:, 1, 0]).all()


@pytest.mark.parametrize(
    "crop",
    [
        np.full((32, 32, 3), 245, np.uint8),  # no tissue
        np.full((32, 32, 3), 0, np.uint8),
        np.broadcast_to(np.arange(32, dtype=np.uint8)[:, None, None] * 4 + 20, (32, 32, 3)),  # grey
    ],
)
def test_where_two_stains_cannot_be_found_they_are_ruifroks(crop):
    np.testing.assert_allclose(macenko.stains(crop[None].copy()), HED[None, :2])


def test_no_perturbation_changes_nothing():
    crops = _stained()
    made = macenko.perturb(crops, np.ones((2, 2)), np.zeros((2, 2)))
    assert np.abs(made.astype(int) - crops).max() <= 1


def test_it_is_what_unmixing_scaling_and_mixing_give():
    crops = _stained()
    alpha, beta = np.array([[0.8, 1.2], [1.1, 0.7]]), np.array([[0.1, 0.0], [-0.1, 0.15]])
    density = -np.log(crops / 255)
    for crop, of, a, b, made in zip(
        density,
        macenko.stains(crops),
        alpha,
        beta,
        macenko.perturb(crops, alpha, beta),
        strict=True,
    ):
        concentrations = crop @ np.linalg.pinv(of)
        residual = crop - concentrations @ of
        plain = 255 * np.exp(-((a * concentrations + b) @ of + residual))
        assert np.abs(made - plain.clip(0, 255)).max() < 3
