import cv2
import numpy as np
import pytest

from nuclei.augmentation import scanner
from nuclei.core import draws

KEYS = draws.hash_ids(map(str, range(5_000)))
FLAT = np.full((1, 20, 20, 3), 77, np.uint8)
POINT = np.zeros((1, 21, 21, 3), np.uint8)
POINT[:, 10, 10] = 255


def test_blur_spreads_a_point_by_its_deviation_and_leaves_a_plain_crop():
    np.testing.assert_array_equal(scanner.blur(FLAT, np.array([2.0])), FLAT)
    spread = scanner.blur(POINT, np.array([1.5]))[0, ..., 0].astype(float)
    away = np.arange(21) - 10
    variance = (spread * away**2).sum() / spread.sum()
    assert abs(np.sqrt(variance) - 1.5) < 0.12
    np.testing.assert_array_equal(scanner.blur(POINT, np.array([0.1])), POINT)


def test_blur_and_sharpen_are_drawn_from_nothing_to_their_strength():
    deviation = scanner.draw_deviations(KEYS, 1)["deviation"]
    assert 0 <= deviation.min() < 0.01 and 0.99 < deviation.max() < 1
    detail = scanner.draw_details(KEYS, 100)["detail"]
    assert detail.min() == 0 and detail.max() == 1


def test_sharpen_steepens_an_edge_and_leaves_a_plain_crop():
    np.testing.assert_array_equal(scanner.sharpen(FLAT, np.array([3.0])), FLAT)
    edge = np.full((1, 20, 20, 3), 100, np.uint8)
    edge[:, :, 10:] = 140
    np.testing.assert_array_equal(scanner.sharpen(edge, np.array([0.0])), edge)
    # Beside the edge the blur moves a quarter of the step.
    sharper = scanner.sharpen(edge, np.array([1.0]))[0, 5, :, 0].tolist()
    assert sharper[8:12] == [100, 90, 150, 140]


def test_jpeg_is_what_the_codec_makes_and_red_stays_red():
    crops = np.zeros((2, 32, 32, 3), np.uint8)
    crops[..., 0] = 200
    crops[0, 5:9, 5:9] = 30
    made = scanner.compress(crops, np.array([60, 95]))
    assert np.abs(made[1].astype(int) - crops[1]).max() <= 3
    _, packed = cv2.imencode(".jpg", crops[0][..., ::-1].copy(), [cv2.IMWRITE_JPEG_QUALITY, 60])
    np.testing.assert_array_equal(made[0], cv2.imdecode(packed, cv2.IMREAD_COLOR)[..., ::-1])


def test_jpeg_is_drawn_from_its_strength_to_95():
    quality = scanner.draw_qualities(KEYS, 50)["quality"]
    assert set(quality.tolist()) == set(range(50, 96))


@pytest.mark.parametrize("percent", [1, 5, 20])
def test_noise_is_gaussian_and_so_many_percent_of_the_range(percent):
    grey = np.full((40, 64, 64, 3), 128, np.uint8)
    parameters = scanner.draw_noise(draws.hash_ids(map(str, range(40))), percent)
    added = scanner.add_noise(grey, **parameters).astype(int) - 128
    if percent < 20:  # beyond, some of it is cut off
        assert abs(added.mean()) < 0.1
        assert abs(added.std() - 2.55 * percent) < 0.1
        beyond = (np.abs(added) > 2 * 2.55 * percent).mean()
        assert 0.02 < beyond < 0.08  # 4.6 % of a Gaussian, in whole numbers
    else:
        assert 40 < added.std() < 51


def test_neighbouring_pixels_and_nuclei_have_noise_of_their_own():
    grey = np.full((40, 32, 32, 3), 128, np.uint8)
    parameters = scanner.draw_noise(draws.hash_ids(map(str, range(40))), 5)
    added = scanner.add_noise(grey, **parameters).reshape(40, -1).astype(float)
    assert abs(np.corrcoef(added[:, :-1].ravel(), added[:, 1:].ravel())[0, 1]) < 0.02
    assert np.abs(np.corrcoef(added) - np.eye(40)).max() < 0.08
