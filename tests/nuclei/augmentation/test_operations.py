from concurrent.futures import ThreadPoolExecutor
from inspect import signature

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nuclei import draws
from nuclei.augmentation import colour, geometry, stain
from nuclei.augmentation.recipes import OPERATIONS
from nuclei.stains import HED


def _crops(count=40, side=32, seed=1):
    return np.random.default_rng(seed).integers(0, 256, (count, side, side, 3), dtype=np.uint8)


def _apply(name, crops, ids=None, copy=0):
    hashed = draws.hash_ids(ids or map(str, range(len(crops))))
    operation = OPERATIONS[name]
    return operation.apply(crops, **operation.draw(draws.keys(hashed, 1, copy, name)))


@pytest.mark.parametrize("name", OPERATIONS)
@settings(max_examples=15, deadline=None)
@given(count=st.integers(0, 5), side=st.integers(8, 70), seed=st.integers(0, 99))
def test_contract(name, count, side, seed):
    """Same shape and type, the input untouched, the same bytes each time and for each row alone."""
    crops = _crops(count, side, seed)
    before = crops.copy()
    ids = [f"{seed}/{i}" for i in range(count)]
    out = _apply(name, crops, ids)
    assert out.shape == crops.shape and out.dtype == np.uint8
    np.testing.assert_array_equal(crops, before)
    np.testing.assert_array_equal(_apply(name, crops, ids), out)
    np.testing.assert_array_equal(_apply(name, crops[::-1], ids[::-1]), out[::-1])
    if count:
        np.testing.assert_array_equal(_apply(name, crops[-1:], ids[-1:]), out[-1:])


@pytest.mark.parametrize("name", OPERATIONS)
@settings(max_examples=5, deadline=None)
@given(count=st.integers(1, 20), chunk=st.integers(1, 20), threads=st.integers(1, 4))
def test_chunks_neighbours_and_threads_change_no_byte(name, count, chunk, threads):
    crops, ids = _crops(count), [f"f/{i}" for i in range(count)]
    out = _apply(name, crops, ids)
    parts = [slice(first, first + chunk) for first in range(0, count, chunk)]
    with ThreadPoolExecutor(threads) as pool:
        made = list(pool.map(lambda part: _apply(name, crops[part], ids[part]), parts))
    np.testing.assert_array_equal(np.concatenate(made), out)
    others = np.concatenate([_crops(3, seed=9), crops])
    np.testing.assert_array_equal(_apply(name, others, ["a", "b", "c", *ids])[3:], out)
    cv2.setNumThreads(threads)
    try:
        np.testing.assert_array_equal(_apply(name, crops, ids), out)
    finally:
        cv2.setNumThreads(-1)


@pytest.mark.parametrize("name", [name for name in OPERATIONS if name != "none"])
def test_another_copy_is_another_draw(name):
    assert (_apply(name, _crops(), copy=0) != _apply(name, _crops(), copy=1)).any()


@pytest.mark.parametrize("name", OPERATIONS)
def test_bytes_do_not_depend_on_the_processor(name):
    crops = _crops(side=64)
    fast = _apply(name, crops)
    cv2.setUseOptimized(False)
    try:
        np.testing.assert_array_equal(_apply(name, crops), fast)
    finally:
        cv2.setUseOptimized(True)


def test_crop_scales_a_window_of_two_thirds_back():
    rows = np.arange(30, dtype=np.uint8) * 8
    crops = np.broadcast_to(rows[None, :, None, None], (2, 30, 30, 3)).copy()
    top, bottom = geometry.crop(crops, np.zeros(2), np.array([0.0, 1 - 1e-9]))
    assert top[0, 0, 0] == 0 and top[-1, 0, 0] == rows[19]
    assert bottom[0, 0, 0] == rows[10] and bottom[-1, 0, 0] == rows[29]


def test_rotation_by_a_right_angle_is_exact():
    crops = _crops()
    turned = geometry.rotate(crops, np.full(len(crops), 360))
    np.testing.assert_array_equal(turned, np.rot90(crops, axes=(1, 2)))


def test_rotation_is_drawn_within_36_degrees():
    quarters = geometry.draw_angles(draws.hash_ids(map(str, range(50_000))))["quarters"]
    assert quarters.min() == -144 and quarters.max() == 144


def test_flip_mirrors_each_axis_for_half_of_the_nuclei():
    drawn = geometry.draw_flips(draws.hash_ids(map(str, range(10_000))))
    horizontal, vertical = drawn["horizontal"], drawn["vertical"]
    for share in (horizontal.mean(), vertical.mean()):
        assert 0.48 < share < 0.52
    assert 0.23 < (horizontal & vertical).mean() < 0.27
    crops = _crops(1)
    yes, no = np.array([True]), np.array([False])
    np.testing.assert_array_equal(geometry.flip(crops, yes, no), crops[:, :, ::-1])
    np.testing.assert_array_equal(geometry.flip(crops, no, yes), crops[:, ::-1])
    np.testing.assert_array_equal(geometry.flip(crops, yes, yes), crops[:, ::-1, ::-1])


def test_invert_is_255_minus_x_where_drawn():
    crops = _crops(2)
    out = colour.invert(crops, np.array([True, False]))
    np.testing.assert_array_equal(out, [255 - crops[0], crops[1]])


def test_noise_is_five_percent_of_the_range():
    grey = np.full((20, 64, 64, 3), 128, np.uint8)
    added = _apply("noise", grey).astype(int) - 128
    assert abs(added.mean()) < 0.1
    assert abs(added.std() - 12.75) < 0.1


def test_grayscale_leaves_one_luma_where_drawn():
    red = np.zeros((2, 8, 8, 3), np.uint8)
    red[..., 0] = 200
    out = colour.to_grey(red, np.array([True, False]))
    assert (out[0] == round(0.299 * 200)).all()
    np.testing.assert_array_equal(out[1], red[1])


def test_stain_moves_one_stain_and_can_be_nothing():
    crops = _crops(3)
    ones, zeros = np.ones((3, 3)), np.zeros((3, 3))
    untouched = stain.stain(crops, ones, zeros)
    assert np.abs(untouched.astype(int) - crops)[crops > 0].max() <= 1
    more = stain.stain(crops, ones, zeros + np.array([0.2, 0, 0])).astype(float)
    absorbed = -np.log((more[crops > 150] / crops[crops > 150]).mean())
    assert 0.05 < absorbed < 0.2  # haematoxylin's unit vector spreads 0.2 over three channels


def test_stain_is_what_unmixing_scaling_and_mixing_give():
    crops, random = _crops(5, side=16), np.random.default_rng(2)
    alpha, beta = random.uniform(0.8, 1.2, (5, 3)), random.uniform(-0.2, 0.2, (5, 3))
    density = -np.log(np.maximum(crops, 1) / 255)
    concentrations = density @ np.linalg.inv(HED)
    perturbed = alpha[:, None, None] * concentrations + beta[:, None, None]
    plain = np.clip(255 * np.exp(-(perturbed @ HED)), 0, 255)
    assert np.abs(stain.stain(crops, alpha, beta) - plain).max() < 3


def test_a_draw_names_what_its_application_takes():
    for operation in OPERATIONS.values():
        _, *taken = signature(operation.apply).parameters
        assert list(operation.draw(draws.hash_ids("ab"))) == taken
