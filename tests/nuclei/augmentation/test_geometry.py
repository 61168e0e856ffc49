import numpy as np

from nuclei.augmentation import geometry
from nuclei.core import draws

KEYS = draws.hash_ids(map(str, range(10_000)))
CROPS = np.random.default_rng(1).integers(0, 256, (8, 30, 30, 3), dtype=np.uint8)


def test_crop_scales_a_window_back():
    rows = np.arange(30, dtype=np.uint8) * 8
    crops = np.broadcast_to(rows[None, :, None, None], (3, 30, 30, 3)).copy()
    tops, by = np.array([0.0, 1 - 1e-9, 0.5]), np.array([1.5, 1.5, 3])
    top, bottom, middle = geometry.crop(crops, np.zeros(3), tops, by)
    assert top[0, 0, 0] == 0 and top[-1, 0, 0] == rows[19]
    assert bottom[0, 0, 0] == rows[10] and bottom[-1, 0, 0] == rows[29]
    assert middle[0, 0, 0] == rows[10] and middle[-1, 0, 0] == rows[19]


def test_flip_mirrors_each_axis_for_half_of_the_nuclei():
    horizontal, vertical = geometry.OPERATIONS["flip"].draw(KEYS).values()
    for share in (horizontal.mean(), vertical.mean()):
        assert 0.48 < share < 0.52
    assert 0.23 < (horizontal & vertical).mean() < 0.27
    yes, no = np.array([True]), np.array([False])
    np.testing.assert_array_equal(geometry.flip(CROPS[:1], yes, no), CROPS[:1, :, ::-1])
    np.testing.assert_array_equal(geometry.flip(CROPS[:1], no, yes), CROPS[:1, ::-1])
    np.testing.assert_array_equal(geometry.flip(CROPS[:1], yes, yes), CROPS[:1, ::-1, ::-1])


def test_dihedral_makes_each_of_the_eight_symmetries_as_often():
    parameters = geometry.OPERATIONS["dihedral"].draw(KEYS)
    crops = np.broadcast_to(CROPS[0], (len(KEYS), 30, 30, 3))[:, :4, :4]
    moved = geometry.dihedral(np.ascontiguousarray(crops), **parameters)
    images, counts = np.unique(moved.reshape(len(KEYS), -1), axis=0, return_counts=True)
    turned = [np.rot90(crops[0], turns) for turns in range(4)]
    expected = {image.tobytes() for turn in turned for image in (turn, turn[:, ::-1])}
    assert {image.tobytes() for image in images} == expected and len(expected) == 8
    assert (abs(counts / len(KEYS) - 1 / 8) < 0.015).all()


def test_shift_moves_whole_pixels_and_reflects_what_comes_in():
    right, down = np.array([0.1, -0.2, 0.0]), np.array([0.0, 0.0, 0.5])
    east, west, south = geometry.shift(CROPS[:3], right, down)
    np.testing.assert_array_equal(east[:, 3:], CROPS[0, :, :-3])
    np.testing.assert_array_equal(east[:, :3], CROPS[0, :, 2::-1])
    np.testing.assert_array_equal(west[:, :-6], CROPS[1, :, 6:])
    np.testing.assert_array_equal(south[15:], CROPS[2, :15])
    np.testing.assert_array_equal(south[:15], CROPS[2, 14::-1])


def test_shift_is_drawn_within_its_strength():
    for moved in geometry.OPERATIONS["shift"].draw(KEYS, 17).values():
        assert -0.17 <= moved.min() < -0.168 and 0.168 < moved.max() <= 0.17
