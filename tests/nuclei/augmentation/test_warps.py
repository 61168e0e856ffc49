import tracemalloc

import numpy as np
import pytest

from nuclei.augmentation import warps
from nuclei.core import draws

KEYS = draws.hash_ids(map(str, range(50_000)))
CROPS = np.random.default_rng(1).integers(0, 256, (5, 33, 33, 3), dtype=np.uint8)
# Brightness is the column, or the row: what comes from where can be read off.
COLUMNS = np.broadcast_to(np.arange(0, 192, 3, np.uint8)[None, None, :, None], (40, 64, 64, 3))
ROWS = COLUMNS.transpose(0, 2, 1, 3)


@pytest.mark.parametrize("turns", [-2, -1, 0, 1, 2])
def test_rotation_by_a_right_angle_is_exact(turns):
    turned = warps.rotate(CROPS, np.full(len(CROPS), 360 * turns))
    np.testing.assert_array_equal(turned, np.rot90(CROPS, turns, axes=(1, 2)))


def test_rotation_turns_on_evenly_beyond_45_degrees():
    smooth = np.ascontiguousarray(COLUMNS[:1])
    just_below, just_above = (warps.rotate(smooth, np.array([at])) for at in (180, 181))
    middle = slice(16, 48)
    step = np.abs(just_below.astype(int) - just_above)[:, middle, middle]
    assert step.max() <= 3


@pytest.mark.parametrize("strength", [1, 36, 180])
def test_rotation_is_drawn_within_its_strength(strength):
    quarters = warps.draw_quarters(KEYS, strength)["quarters"]
    assert quarters.min() == -4 * strength and quarters.max() == 4 * strength


def test_no_scale_and_no_shear_change_nothing():
    none = np.zeros(len(CROPS), int)
    np.testing.assert_array_equal(warps.scale(CROPS, none), CROPS)
    for columns in (none == 0, none == 1):
        np.testing.assert_array_equal(warps.shear(CROPS, none, columns), CROPS)


@pytest.mark.parametrize("percent", [-50, -20, 20, 50])
def test_scale_enlarges_about_the_centre(percent):
    crops = np.ascontiguousarray(COLUMNS[:1])
    scaled = warps.scale(crops, np.array([4 * percent]))[0, 32, :, 0].astype(float)
    # A third of the brightness is the column.
    middle = scaled[24:40] / 3
    assert np.polyfit(np.arange(24, 40), middle, 1)[0] == pytest.approx(
        1 / (1 + percent / 100), 0.03
    )
    assert middle.mean() == pytest.approx(31.5, abs=0.2)


@pytest.mark.parametrize("degrees", [-45, 15, 45])
def test_shear_moves_rows_by_the_tangent_of_the_angle(degrees):
    crops = np.ascontiguousarray(COLUMNS[:1])
    sheared = warps.shear(crops, np.array([4 * degrees]), np.array([False]))[0, :, 32, 0]
    near = slice(24, 40)
    slope = np.polyfit(np.arange(24, 40), sheared[near].astype(float) / 3, 1)[0]
    assert slope == pytest.approx(np.tan(np.deg2rad(degrees)), abs=0.03)
    other_way = warps.shear(
        np.ascontiguousarray(ROWS[:1]), np.array([4 * degrees]), np.array([True])
    )
    np.testing.assert_array_equal(other_way[0, 32, near, 0], sheared[near])


@pytest.mark.parametrize("percent", [0.5, 3])
def test_elastic_displaces_as_far_as_its_strength_says_either_way(percent):
    parameters = warps.draw_fields(KEYS[:40], percent)
    for crops in (COLUMNS, ROWS):
        moved = warps.deform(np.ascontiguousarray(crops), **parameters).astype(float) - crops
        pixels = moved[:, 16:48, 16:48, 0] / 3
        assert pixels.std() == pytest.approx(percent / 100 * 64, rel=0.15)
        assert abs(pixels.mean()) < 0.2 * pixels.std()
    assert not np.array_equal(
        warps.deform(np.ascontiguousarray(COLUMNS), **parameters).transpose(0, 2, 1, 3),
        warps.deform(np.ascontiguousarray(ROWS), **parameters),
    )


def test_elastic_is_smooth():
    parameters = warps.draw_fields(KEYS[:40], 3)
    moved = warps.deform(np.ascontiguousarray(COLUMNS), **parameters).astype(float)[
        :, 12:52, 12:52, 0
    ]
    steps = np.diff(moved, axis=1)
    assert np.abs(steps).mean() < 0.25 * (moved - COLUMNS[:, 12:52, 12:52, 0]).std()


def test_the_maps_that_are_kept_take_bounded_memory():
    crop = np.zeros((1, 512, 512, 3), np.uint8)
    tracemalloc.start()
    for quarters in range(-120, 120):  # 1.5 MB of maps each
        warps.rotate(crop, np.array([quarters]))
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert kept < 1.1 * 2**27
