"""How fields of view are read: slides beside plain images, and scales that images say."""

import numpy as np
import pytest
import tifffile
from PIL import Image
from slide_files import NOISE, QUARTER, write

from nuclei.core.errors import InputError
from nuclei.data import images, reading
from nuclei.data.layouts.fields import FieldOfView, Nucleus
from nuclei.data.layouts.manifest import Manifest
from nuclei.data.layouts.qupath import QuPath
from nuclei.data.params import Prepare
from nuclei.data.raw_folder import RawFolder


def _knobs(on_error="fail"):
    knobs = {
        "seed": 0,
        "folds": 5,
        "order": "nuclei",
        "window_um": 8,
        "side": 16,
        "validation": 0.2,
    }
    return Prepare(**knobs, on_error=on_error, classes={})


def _field(image, mpp=None, count=60, one_nucleus=False):
    at = np.random.default_rng(1).uniform((0, 0), (700, 500), (count, 2))
    nuclei = tuple(Nucleus(f"{image}/{n}", "tumor", x, y) for n, (x, y) in enumerate(at))
    return FieldOfView(image, image, None, "P", "S", mpp, nuclei, one_nucleus)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Write the same pixels as a plain image, a plain TIFF and a slide; let tiles be small."""
    monkeypatch.setattr(images, "TILE", 128)
    Image.fromarray(NOISE).save(tmp_path / "a.png")
    write(tmp_path / "plain.tif", [NOISE], **QUARTER, tile=None)
    write(tmp_path / "slide.tif", [NOISE], **QUARTER, tile=(64, 64))
    return tmp_path


def _read(folder, fields, on_error="fail"):
    raw = RawFolder(folder, [], Manifest(), fields)
    read = reading.read(raw, _knobs(on_error), folder / "crops.npy", _backwards)
    crops = np.load(folder / "crops.npy")
    assert len(crops) == len(read.table)
    return read.table[::-1], dict(zip(read.table["id"], crops, strict=True)), read.skipped


def _backwards(table):
    return np.arange(len(table))[::-1]


def test_a_slide_gives_the_crops_that_a_plain_image_gives(folder):
    fields = [_field("slide.tif"), _field("a.png", 0.25), _field("plain.tif")]
    table, crops, skipped = _read(folder, fields)
    assert not skipped and len(table) == 180
    plain = [nucleus.id for field in fields[1:] for nucleus in field.nuclei]
    assert list(table["id"][60:]) == plain
    for number in range(60):
        of_png = crops[f"a.png/{number}"]
        assert np.array_equal(crops[f"slide.tif/{number}"], of_png)
        assert np.array_equal(crops[f"plain.tif/{number}"], of_png)


def test_objects_are_measured_by_the_scale_that_a_slide_says(folder):
    (folder / "a.geojson").write_text(
        '[{"type": "Feature", "properties": {"classification": "Tumor"}, '
        '"geometry": {"type": "Polygon", '
        '"coordinates": [[[100, 100], [140, 100], [140, 120], [100, 100]]]}}]'
    )
    raw = RawFolder(folder, [], QuPath(), [_field("slide.tif")._replace(labels="a.geojson")])
    read = reading.read(raw, _knobs(), folder / "crops.npy", _backwards)
    assert list(read.table["longest"]) == [10]  # 40 pixels of a quarter of a micron


def test_a_scale_that_is_given_goes_before_the_image_s_own(folder):
    _, crops, _ = _read(folder, [_field("slide.tif", 0.5), _field("a.png", 0.5)])
    for number in range(60):
        assert np.array_equal(crops[f"slide.tif/{number}"], crops[f"a.png/{number}"])


@pytest.mark.parametrize("name", ["a.png", "plain.tif", "slide.tif"])
def test_an_image_without_a_scale_is_one_line(folder, name):
    if name != "a.png":
        screen = QUARTER | {"resolution": (28, 28)}
        write(folder / name, [NOISE], **screen, tile=(64, 64) if name == "slide.tif" else None)
    with pytest.raises(InputError) as error:
        _read(folder, [_field(name)])
    said = f"{name}: does not say its microns per pixel; valid: a column microns_per_pixel in "
    assert str(error.value) == said + "nuclei.csv"


def test_the_unit_of_a_whole_image_is_the_nucleus(folder):
    fields = [_field(name, None, 1, True) for name in ("a.png", "slide.tif")]
    _, crops, _ = _read(folder, fields)
    assert np.array_equal(crops["a.png/0"], crops["slide.tif/0"])


def test_a_slide_that_is_damaged_leaves_no_crops_if_skipping(folder):
    with tifffile.TiffFile(folder / "slide.tif") as file:
        last_row = file.pages[0].dataoffsets[-11]
        last = file.pages[0].dataoffsets[-1] + file.pages[0].databytecounts[-1]
    content = (folder / "slide.tif").read_bytes()
    damaged = content[:last_row] + bytes(last - last_row) + content[last:]
    (folder / "slide.tif").write_bytes(damaged)
    fields = [_field("plain.tif"), _field("slide.tif", count=200), _field("a.png", 0.25)]
    with pytest.raises(InputError, match=r"^slide\.tif: not a whole slide: no pixels at x"):
        _read(folder, fields)
    table, crops, skipped = _read(folder, fields, "skip")
    assert list(skipped) == ["slide.tif"] and len(table) == 120
    assert np.array_equal(crops["a.png/7"], crops["plain.tif/7"])


def test_a_centre_outside_a_slide_is_one_line(folder):
    field = _field("slide.tif")._replace(nuclei=(Nucleus("slide.tif/0", "TIL", 700, 5),))
    with pytest.raises(InputError, match=r"x 700, y 5 lies outside slide\.tif of 700 × 500"):
        _read(folder, [field])


def test_a_slide_without_nuclei_gives_no_row(folder):
    table, _, _ = _read(folder, [_field("slide.tif", count=0), _field("a.png", 0.25)])
    assert set(table["source"]) == {"a.png"}
