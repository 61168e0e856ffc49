"""What slides and TIFFs say of their scale, how those end that are not whole, and memory."""

import subprocess
import sys
import zlib

import cv2
import numpy as np
import pytest
import tifffile
from commands import ROOT
from PIL import Image
from slide_files import NOISE, QUARTER, write

from nuclei.core.errors import InputError
from nuclei.data import crops, images


def _cut(slide, centres, microns):
    return list(images.windows(slide, centres, microns, 0.25, 32))


@pytest.mark.parametrize(
    ("resolution", "unit", "tile", "scale"),
    [
        (40_000, "CENTIMETER", True, 0.25),
        (50_800, "INCH", True, 0.5),
        (50_800, "INCH", False, 0.5),
        (20_000, "CENTIMETER", False, 0.5),
        (72, "INCH", True, None),
        (300, "INCH", False, None),
        (40_000, "NONE", True, None),
        (40_000, "NONE", False, None),
        (0, "CENTIMETER", False, None),
    ],
)
def test_a_tiff_says_its_scale_or_one_line_says_who_can(tmp_path, resolution, unit, tile, scale):
    said = {"resolution": (resolution, resolution), "resolutionunit": unit}
    path = write(tmp_path / "a.tif", [NOISE], **said | ({} if tile else {"tile": None}))
    image = images.open_image(path, "a.tif")
    assert image.is_slide is tile
    if scale:
        assert images.mpp(image, "") == pytest.approx(scale)
    else:
        with pytest.raises(InputError, match=r"^a\.tif: does not say .* pixel; valid: a column$"):
            images.mpp(image, "a column")


def test_pixels_that_are_not_square_are_an_error_where_the_scale_is_asked_for(tmp_path):
    said = QUARTER | {"resolution": (40_000, 20_000)}
    image = images.open_image(write(tmp_path / "a.tif", [NOISE], **said), "a.tif")
    with pytest.raises(InputError, match=r"^a\.tif: pixels of 0\.25 × 0\.5 microns; valid: square"):
        images.mpp(image, "a column")
    nearly = QUARTER | {"resolution": (40_000, 39_600)}
    image = images.open_image(write(tmp_path / "b.tif", [NOISE], **nearly), "b.tif")
    assert images.mpp(image, "a column") == pytest.approx(0.25126, abs=1e-4)


def test_a_png_and_a_jpeg_say_no_scale(tmp_path):
    for name in ("a.png", "a.jpg"):
        Image.fromarray(NOISE).save(tmp_path / name, dpi=(101_600, 101_600))
        assert images.open_image(tmp_path / name, name).pixel is None


@pytest.mark.filterwarnings("ignore:Corrupt EXIF")
@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.svs", b"hello", "a.svs: not a whole slide: Unsupported or missing image file"),
        ("a.svs", b"", "a.svs: not a whole slide"),
        ("a.MRXS", b"", "a.MRXS: not a whole slide"),
        ("a.tif", b"", "a.tif: not a whole TIFF"),
        ("a.tif", b"II*\0hello", "a.tif: not a whole TIFF"),
        ("a.bmp", b"BM", "a.bmp: an image of no known kind; valid: PNG, JPEG, TIFF"),
    ],
)
def test_what_is_no_image_is_one_line(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError) as error:
        images.open_image(tmp_path / name, name)
    assert str(error.value).startswith(message) and "\n" not in str(error.value)


@pytest.mark.parametrize("name", ["a.svs", "a.tif", "a.png"])
def test_a_file_that_is_not_there_is_one_line(tmp_path, name):
    with pytest.raises(InputError, match=rf"{name}: No such file or directory$"):
        images.open_image(tmp_path / name, name)


def test_tiles_of_grey_are_an_error_as_any_grey_image(tmp_path):
    path = write(tmp_path / "a.tif", [NOISE[..., 0]], photometric="minisblack")
    with pytest.raises(InputError, match=r"^a\.tif: TIFF with L pixels; valid: 8-bit RGB"):
        images.open_image(path, "a.tif")


@pytest.mark.parametrize("part", [0.05, 0.5, 0.9])
def test_a_truncated_slide_is_one_line(tmp_path, part):
    path = write(tmp_path / "a.tif", [NOISE, NOISE[::4, ::4]], tile=(64, 64))
    path.write_bytes(path.read_bytes()[: int(part * path.stat().st_size)])
    centres = np.random.default_rng(3).uniform(0, (700, 500), (200, 2))
    with pytest.raises(InputError, match=r"^a\.tif: not a whole (slide|TIFF): [^\n]+$"):
        _cut(images.open_image(path, "a.tif"), centres, 8)


def test_a_damaged_tile_is_named(tmp_path):
    path = write(tmp_path / "a.tif", [NOISE])
    with tifffile.TiffFile(path) as file:
        offset, count = file.pages[0].dataoffsets[5], file.pages[0].databytecounts[5]
    content = bytearray(path.read_bytes())
    content[offset : offset + count] = bytes(count)
    path.write_bytes(content)
    slide = images.open_image(path, "a.tif")
    with pytest.raises(InputError, match=r"^a\.tif: not a whole slide: no pixels at x \d+, y \d+"):
        _cut(slide, np.array([(650, 400)]), 8)


def test_windows_too_large_to_be_read_are_one_line(tmp_path, monkeypatch):
    slide = images.open_image(write(tmp_path / "a.tif", [NOISE]), "a.tif")
    monkeypatch.setattr(crops, "LARGEST", 10_000)
    with pytest.raises(InputError, match=r"^a\.tif: has no level coarse enough: .* at most 10,000"):
        _cut(slide, np.array([(300, 300)]), 100)


@pytest.mark.parametrize("name", ["a.svs", "a.tif"])
def test_without_openslide_one_line_says_how_to_get_it(tmp_path, monkeypatch, name):
    path = write(tmp_path / name, [NOISE])
    monkeypatch.setitem(sys.modules, "openslide", None)
    with pytest.raises(
        InputError, match=rf"^{name}: .* pip install openslide-python openslide-bin$"
    ):
        images.open_image(path, name)


def test_without_openslide_plain_images_are_read(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "openslide", None)
    write(tmp_path / "a.tif", [NOISE], tile=None)
    cv2.imwrite(str(tmp_path / "a.png"), NOISE)
    for name in ("a.tif", "a.png"):
        assert images.open_image(tmp_path / name, name).width == 700


CUT = """
import resource, sys
from pathlib import Path
import numpy as np
from nuclei.data import images
slide = images.open_image(Path(sys.argv[1]), "a.tif")
places = np.random.default_rng(0).uniform(1000, 29000, (12, 1, 2))
centres = (places + np.random.default_rng(1).uniform(-900, 900, (12, 500, 2))).reshape(-1, 2)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for positions, patches in images.windows(slide, centres, 8, 0.25, 32):
    assert (patches == 200).all()
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="peak memory is counted in another unit")
def test_memory_does_not_grow_with_the_slide(tmp_path):
    side = 512
    tile = zlib.compress(bytes([200]) * side * side * 3)
    tiles = (tile for _ in range((-(-30_000 // side)) ** 2))
    with tifffile.TiffWriter(tmp_path / "a.tif") as file:  # 2.7 GB of pixels
        options = {"tile": (side, side), "compression": "deflate", "photometric": "rgb"}
        file.write(tiles, shape=(30_000, 30_000, 3), dtype=np.uint8, metadata=None, **options)
    words = [sys.executable, "-c", CUT, str(tmp_path / "a.tif")]
    done = subprocess.run(words, cwd=ROOT / "src", capture_output=True, text=True, check=True)
    assert int(done.stdout) < 250  # MB
