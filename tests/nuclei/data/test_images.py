"""Windows cut from slides and from plain images."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from slide_files import NOISE, QUARTER, write

from nuclei.data import crops, images

WIDTH, HEIGHT = 4000, 3000


def _level(number, downsample):
    """Red tells the column, green the row, in 16 pixels of the slide; blue the level."""
    pixels = np.full((HEIGHT // downsample, WIDTH // downsample, 3), 50 * number, np.uint8)
    pixels[..., 0] = np.arange(WIDTH // downsample) * downsample // 16
    pixels[..., 1] = (np.arange(HEIGHT // downsample) * downsample // 16)[:, None]
    return pixels


@pytest.fixture(scope="module")
def pyramid(tmp_path_factory):
    """Write a slide of three levels, of 0.25 microns per pixel; return its path."""
    levels = [_level(number, downsample) for number, downsample in enumerate((1, 4, 16))]
    return write(tmp_path_factory.mktemp("slide") / "a.tif", levels, **QUARTER)


@pytest.fixture(scope="module")
def flat(tmp_path_factory):
    """Write the same pixels as a slide of one level and as a PNG; return both, opened."""
    folder = tmp_path_factory.mktemp("flat")
    Image.fromarray(NOISE).save(folder / "a.png")
    write(folder / "a.tif", [NOISE], **QUARTER)
    return [images.open_image(folder / name, name) for name in ("a.tif", "a.png")]


def _cut(image, centres, microns, side, scale=0.25):
    """Cut windows, and put them into the order of the centres."""
    cut = np.zeros((len(centres), side, side, 3), np.uint8)
    seen = []
    for positions, patches in images.windows(image, centres, microns, scale, side):
        cut[positions] = patches
        seen += positions.tolist()
    assert sorted(seen) == list(range(len(centres)))
    return cut


def test_a_slide_says_its_size_scale_and_levels(pyramid):
    slide = images.open_image(pyramid, "a.tif")
    assert (slide.width, slide.height, slide.is_slide) == (WIDTH, HEIGHT, True)
    assert images.mpp(slide, "") == 0.25
    assert slide.levels == ((4000, 3000, 1), (1000, 750, 4), (250, 187, pytest.approx(16, 0.01)))


@pytest.mark.parametrize(
    ("microns", "side", "level"),
    [(8, 32, 0), (31, 32, 0), (32, 32, 1), (100, 32, 1), (128, 32, 2), (200, 16, 2), (4, 64, 0)],
)
def test_the_coarsest_level_is_read_that_is_no_coarser_than_the_crop(pyramid, microns, side, level):
    slide = images.open_image(pyramid, "a.tif")
    centres = np.array([(2000, 1504), (400, 2600), (3500.5, 300.25)])
    for (x, y), crop in zip(centres, _cut(slide, centres, microns, side), strict=True):
        assert (crop[..., 2] == 50 * level).all()
        # The middle of a window shows the place that its centre names.
        middle = crop[side // 2 - 1 : side // 2 + 1, side // 2 - 1 : side // 2 + 1]
        assert np.abs(middle[..., :2].mean(axis=(0, 1)) - [x / 16, y / 16]).max() < 1.5


def test_the_edge_of_a_slide_is_reflected_at_any_level(pyramid):
    slide = images.open_image(pyramid, "a.tif")
    for microns, downsample in ((8, 1), (32, 4)):
        crop = _cut(slide, np.array([(0, 0), (3999.9, 2999.9)]), microns, 32)
        assert np.array_equal(crop[0, 16:, 16:, :2], _level(0, downsample)[:16, :16, :2])
        assert np.array_equal(crop[0, :16], crop[0, :15:-1])
        assert np.array_equal(crop[1, 16:, 16:, :2], _level(0, downsample)[:-17:-1, :-17:-1, :2])


CENTRE = st.tuples(st.floats(0, 700, exclude_max=True), st.floats(0, 500, exclude_max=True))
CORNERS = [(0, 0), (699.99, 499.99), (0, 499.5), (64, 64), (63.999, 128), (350, 1e-9)]


@settings(max_examples=60, deadline=None)
@given(st.lists(CENTRE, max_size=20), st.sampled_from([0.5, 2, 15.9, 16, 60, 200]), st.booleans())
def test_a_flat_slide_and_a_png_of_the_same_pixels_give_the_same_bytes(flat, among, microns, fine):
    slide, png = flat
    assert slide.is_slide and not png.is_slide
    centres, side = np.array([*CORNERS, *among]), 32 if fine else 5
    whole = crops.extract_patches(NOISE, centres, microns, 0.25, side)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(images, "TILE", 64)  # windows cross many tiles
        patch.setattr(images, "TOGETHER", 3)
        assert np.array_equal(_cut(slide, centres, microns, side), whole)
        assert np.array_equal(_cut(png, centres, microns, side), whole)


def test_windows_across_tiles_of_a_large_slide_are_those_of_its_pixels(pyramid):
    slide = images.open_image(pyramid, "a.tif")
    corners = np.array([(2048, 2048), (2048, 700), (3900, 2900)])
    centres = np.random.default_rng(1).uniform(-40, 40, (150, 2)) + corners.repeat(50, axis=0)
    whole = crops.extract_patches(_level(0, 1), centres, 8, 0.25, 32)
    assert np.array_equal(_cut(slide, centres, 8, 32), whole)


def test_a_plain_image_is_cut_in_order(flat):
    centres = np.random.default_rng(2).uniform(0, 500, (5000, 2))
    parts = list(images.windows(flat[1], centres, 8, 0.25, 4))
    assert np.array_equal(np.concatenate([positions for positions, _ in parts]), np.arange(5000))


def test_no_nucleus_gives_no_part(flat):
    for image in flat:
        assert list(images.windows(image, np.empty((0, 2)), 8, 0.25, 4)) == []


def test_a_whole_image_is_scaled(flat, pyramid):
    for image in flat:
        assert np.array_equal(images.whole(image, 32), crops.resize(NOISE, 32))
    whole = images.whole(images.open_image(pyramid, "a.tif"), 64)
    assert whole.shape == (64, 64, 3) and (whole[..., 2] == 100).all()


def test_what_a_slide_does_not_show_is_white(flat):
    read = flat[0].read(0, 690, 490, 20, 20)
    assert np.array_equal(read[:10, :10], NOISE[490:, 690:])
    assert (read[10:] == 255).all() and (read[:, 10:] == 255).all()
