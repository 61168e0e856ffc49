import io
import struct
import zlib

import cv2
import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from release import damaged

from nuclei.core.errors import InputError
from nuclei.data import crops

RGB = np.random.default_rng(0).integers(0, 256, (20, 30, 3), dtype=np.uint8)
EMPTY_PROFILE = bytes(4) + b"iCCP" + struct.pack(">I", zlib.crc32(b"iCCP"))


def _decode(content, file):
    return crops.decode(io.BytesIO(content), file)


def _png(pixels, mode=None, **options):
    file = io.BytesIO()
    image = Image.fromarray(pixels)
    (image.convert(mode) if mode else image).save(file, "PNG", **options)
    return file.getvalue()


def _jpeg(pixels=RGB, mode="RGB"):
    file = io.BytesIO()
    Image.fromarray(pixels).convert(mode).save(file, "JPEG", quality=90)
    return file.getvalue()


def _tiff(pixels=RGB, **options):
    file = io.BytesIO()
    tifffile.imwrite(file, pixels, **{"photometric": "rgb"} | options)
    return file.getvalue()


RGBA = np.dstack([RGB, np.full_like(RGB[..., 0], 255)])
TIFFS = {
    "plain": _tiff(),
    "big-endian": _tiff(byteorder=">"),
    "BigTIFF": _tiff(bigtiff=True),
    "deflate": _tiff(compression="deflate"),
    "deflate, differences": _tiff(compression="deflate", predictor=True),
    "tiles": _tiff(tile=(16, 16)),
    "tiles, deflate": _tiff(tile=(16, 16), compression="deflate"),
    "strips": _tiff(rowsperstrip=3),
    "plane by plane": _tiff(np.moveaxis(RGB, -1, 0), planarconfig="separate"),
    "opaque": _tiff(RGBA, extrasamples=["unassalpha"]),
    "opaque, premultiplied": _tiff(RGBA, extrasamples=["assocalpha"]),
}


def test_decode_gives_the_pixels_in_rgb_order():
    assert np.array_equal(_decode(_png(RGB), "a.png"), RGB)
    assert np.array_equal(_decode(_png(RGB, "RGBA"), "a.png"), RGB)


@pytest.mark.parametrize("content", TIFFS.values(), ids=TIFFS)
def test_a_tiff_gives_the_pixels(content):
    assert np.array_equal(_decode(content, "a.tif"), RGB)


def test_of_a_tiff_of_several_pages_the_first_is_read():
    assert np.array_equal(_decode(_tiff(np.stack([RGB, 255 - RGB])), "a.tif"), RGB)


def test_a_jpeg_gives_nearly_the_pixels():
    flat = np.full((20, 30, 3), (200, 120, 160), np.uint8)
    decoded = _decode(_jpeg(flat), "a.jpg")
    assert decoded.shape == flat.shape and np.abs(decoded.astype(int) - flat).max() <= 3


def test_bytes_tell_the_kind_where_the_name_tells_another():
    assert np.array_equal(_decode(_png(RGB), "a.jpg"), RGB)
    assert np.array_equal(_decode(_tiff(), "a"), RGB)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "a.png: not a whole PNG"),
        (_png(RGB)[:-60], "a.png: not a whole PNG"),
        (_png(RGB)[:-12] + EMPTY_PROFILE, "a.png: not a whole PNG"),
        (_png(RGB, "L"), "a.png: PNG with L pixels; valid: 8-bit RGB, or RGBA opaque throughout"),
        (_png(RGB, "P"), "PNG with P pixels"),
        (_png(RGB, transparency=(1, 2, 3)), "PNG with RGB partly transparent pixels"),
        (_png(np.dstack([RGB, RGB[..., 0]])), "PNG with RGBA pixels"),
        (cv2.imencode(".png", RGB.astype(np.uint16))[1].tobytes(), "PNG with RGB;16B pixels"),
        (b"GIF89a", "a.png: not a whole PNG"),
        (_png(np.zeros((10_000, 10_000), bool)), "10000 × 10000 pixels; valid: at most 89,478,485"),
    ],
    ids=[
        "empty",
        "truncated",
        "profile",
        "grey",
        "palette",
        "one clear colour",
        "alpha",
        "16-bit",
        "gif",
        "bomb",
    ],
)
def test_any_other_image_is_one_line(content, message):
    with pytest.raises(InputError) as error:
        _decode(content, "a.png")
    assert message in str(error.value)
    assert "\n" not in str(error.value)


NEEDED = "valid: 8-bit RGB, or RGBA opaque throughout"
BOMB = _tiff(np.zeros((10_000, 10_000), bool), photometric="minisblack", compression="deflate")


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("a.jpg", b"", "not a whole JPEG"),
        ("a.JPEG", b"<html>", "not a whole JPEG"),
        ("a.tif", b"", "not a whole TIFF"),
        ("a.txt", b"no", "an image of no known kind; valid: PNG, JPEG, TIFF"),
        ("a.jpg", _jpeg()[:-200], "not a whole JPEG"),
        ("a.jpg", _jpeg(mode="L"), f"JPEG with L pixels; {NEEDED}"),
        ("a.jpg", _jpeg(mode="CMYK"), "JPEG with CMYK;I pixels"),
        ("a.tif", _tiff()[:-1000], "not a whole TIFF"),
        ("a.tif", _tiff(RGB[..., 0], photometric="minisblack"), f"TIFF with L pixels; {NEEDED}"),
        ("a.tif", _tiff(RGB.astype(np.uint16)), "TIFF with RGB;16"),
        ("a.tif", _tiff(RGB.astype(np.float32)), "not a whole TIFF"),
        ("a.tif", _tiff(RGBA - 1, extrasamples=["unassalpha"]), "TIFF with RGBA pixels"),
        ("a.tif", BOMB, "10000 × 10000 pixels; valid: at most 89,478,485"),
    ],
)
def test_any_other_jpeg_or_tiff_is_one_line(file, content, message):
    with pytest.raises(InputError) as error:
        _decode(content, file)
    assert str(error.value).startswith(f"{file}: ") and message in str(error.value)
    assert "\n" not in str(error.value)


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 20), st.integers(1, 30), st.sampled_from(["RGB", "RGBA"]))
def test_pixels_written_are_the_pixels_read(height, width, mode):
    pixels = RGB[:height, :width]
    assert np.array_equal(_decode(_png(pixels, mode), "a.png"), pixels)


def _repaired(content):
    """Give every chunk the checksum of what it holds now, so that damage is not found by it."""
    at, parts = 8, [content[:8]]
    while at + 12 <= len(content):
        (length,) = struct.unpack(">I", content[at : at + 4])
        chunk = content[at + 4 : at + 8 + length]
        parts.append(content[at : at + 4] + chunk + struct.pack(">I", zlib.crc32(chunk)))
        at += 12 + length
    return b"".join(parts)


@pytest.mark.filterwarnings("ignore:Invalid APNG")
@settings(max_examples=400, deadline=None)
@given(damaged(_png(RGB[:8, :8])), st.booleans())
def test_a_damaged_image_is_decoded_whole_or_one_line(content, repair):
    try:
        decoded = _decode(_repaired(content) if repair else content, "a.png")
    except InputError as error:
        assert str(error).startswith("a.png: ") and "\n" not in str(error)
    else:
        assert decoded.dtype == np.uint8 and decoded.ndim == 3 and decoded.shape[2] == 3


SMALL = RGB[:8, :8]
OTHERS = {"a.jpg": _jpeg(SMALL), "a.tif": _tiff(SMALL), "tiles.tif": _tiff(SMALL, tile=(16, 16))}
OTHERS["deflate.tif"] = _tiff(SMALL, compression="deflate")


@pytest.mark.filterwarnings("ignore::UserWarning")
@settings(max_examples=400, deadline=None)
@given(st.sampled_from(sorted(OTHERS)).flatmap(lambda f: st.tuples(st.just(f), damaged(OTHERS[f]))))
def test_a_damaged_jpeg_or_tiff_is_decoded_whole_or_one_line(case):
    file, content = case
    try:
        decoded = _decode(content, file)
    except InputError as error:
        assert str(error).startswith(f"{file}: ") and "\n" not in str(error)
    else:
        assert decoded.dtype == np.uint8 and decoded.ndim == 3 and decoded.shape[2] == 3


def test_the_window_lies_around_the_centre_and_is_not_scaled_at_its_own_size():
    crop = crops.extract_patches(RGB, np.array([[12, 10]]), window_um=4, mpp=0.5, side=8)
    assert np.array_equal(crop, RGB[None, 6:14, 8:16])


def test_the_edge_is_reflected_even_if_the_window_exceeds_the_field():
    corner = crops.extract_patches(RGB, np.array([[0, 0]]), 4, 0.5, 8)[0]
    assert np.array_equal(corner[4:, 4:], RGB[:4, :4])
    assert np.array_equal(corner[:4], corner[:3:-1])
    assert np.array_equal(corner[:, :4], corner[:, :3:-1])
    assert crops.extract_patches(RGB, np.array([[29.9, 19.9]]), 200, 0.5, 8).shape == (1, 8, 8, 3)


def test_shrinking_averages_areas():
    crop = crops.extract_patches(RGB, np.array([[10, 10]]), window_um=4, mpp=0.2, side=4)[0]
    assert np.allclose(crop, RGB[:, :20].reshape(4, 5, 4, 5, 3).mean(axis=(1, 3)), atol=0.5)


def test_no_nucleus_gives_no_crop():
    assert crops.extract_patches(RGB, np.empty((0, 2)), 16, 0.2, 32).shape == (0, 32, 32, 3)


def test_a_whole_crop_becomes_a_square():
    assert crops.resize(RGB, 16).shape == (16, 16, 3)
    assert crops.resize(RGB, 64).shape == (64, 64, 3)
