"""Images, their annotations, and images.csv, which pairs them with patients."""

import contextlib

import pytest
from hypothesis import given, settings
from release import damaged

from nuclei.core.errors import InputError
from nuclei.data.layouts.qupath import QuPath

QUPATH = QuPath()
NAMES = ["images.csv", "images/a.svs", "annotations/a.geojson"]
NAMES += ["images/b.PNG", "annotations/b.PNG.geojson.gz"]
TABLE = "image,patient,site,microns_per_pixel,split,stain\na.svs,p1,s1,,train,H\n"
TABLE += "b, p2,s1,0.25,test,H\n"


def _fields(table, names=NAMES):
    return QUPATH.fields(names, table.encode())


def test_images_have_patients_and_annotations():
    first, second = _fields(TABLE)
    assert first[:5] == ("a", "images/a.svs", "annotations/a.geojson", "p1", "s1")
    assert first.mpp is None
    assert second[1:3] == ("images/b.PNG", "annotations/b.PNG.geojson.gz")
    assert second[3:6] == ("p2", "s1", 0.25)


@pytest.mark.parametrize("table", ["image,patient\na,p1\n", "image,patient,site\na,p1, \n"])
def test_without_sites_patients_are_sites(table):
    assert [field.site for field in _fields(table, NAMES[:3])] == ["p1"]


@pytest.mark.parametrize(
    ("image", "annotations"),
    [
        ("a.b.ndpi", ["a.b"]),
        ("a.ome.tiff", ["a", "a.ome", "a.ome.tiff"]),  # GeneralTools.stripExtension
        ("a.OME.TIF", ["a", "a.OME.TIF"]),
        ("a.mrxs", ["a", "a.mrxs"]),
        ("a.BIF", ["a"]),
    ],
)
def test_annotations_are_named_as_qupath_names_them(image, annotations):
    for base in annotations:
        for ending in (".geojson", ".geojson.gz", ".GeoJSON"):
            names = [f"images/{image}", f"annotations/{base}{ending}"]
            assert _fields(f"image,patient\n{image},p\n", names)[0].labels == names[1]
            assert _fields(f"image,patient\n{annotations[0]},p\n", names)[0].image == names[0]


def test_what_belongs_to_a_slide_is_no_image():
    names = ["images/a.vms", "images/a(1,0).jpg", "images/a_map2.jpg", "images/a.opt"]
    names += ["images/a/Data0001.jpg", "images/README.md", "annotations/a.geojson"]
    assert [field.image for field in _fields("image,patient\na,p\n", names)] == ["images/a.vms"]


A = ["images/a.svs", "annotations/a.geojson"]
PNG = ["images/a.png", "annotations/a.geojson"]
ROW = "image,patient\na.svs,p\n"
BAD = [
    (A, "image;patient\na;p\n", "images.csv: header lacks image, patient"),
    (A, "image,image,patient\na,a,p\n", "images.csv: header names a column twice"),
    (A, "image,patient\na\n", "images.csv: row 0: must have 2 cells"),
    (A, ROW.replace("a.svs", "b.svs"), "images.csv: row 0: image 'b.svs' is no picture in images/"),
    (A, ROW.replace("a.svs", "../a.svs"), "images.csv: row 0: image '../a.svs' is no picture"),
    (A, ROW.replace("a.svs", " "), "images.csv: row 0: image is empty"),
    (A, "image,patient\na.svs,\n", "images.csv: row 0: patient is empty"),
    (A, ROW + "a,p\n", "images.csv: row 1: image 'a.svs' comes before; valid: one row per image"),
    (A, "image,patient\n", "images/a.svs: has no row in images.csv"),
    ([*A, "images/b.jpg"], ROW, "images/b.jpg: has no row in images.csv; valid: a row per image"),
    ([*A, "images/a.tif"], ROW, "images/a.tif: a.svs is called 'a', too; valid: names that differ"),
    ([*A, "images/a.ome.tif"], ROW, "images/a.svs: a.ome.tif is called 'a', too"),
    (["images/a.gif"], "image,patient\na,p\n", "images.csv: row 0: image 'a.gif' cannot be read; "),
    (A[:1], ROW, "images/a.svs: has no annotations; valid: annotations/a.geojson, or .geojson.gz"),
    ([*A[:1], "annotations/x/a.geojson"], ROW, "images/a.svs: has no annotations"),
    ([*A, "annotations/a.geojson.gz"], ROW, "images/a.svs: has annotations/a.geojson and annotati"),
    ([*A, "annotations/a.svs.geojson"], ROW, "images/a.svs: has annotations/a.geojson and annota"),
    ([*A, "annotations/b.geojson"], ROW, "annotations/b.geojson: of no image in images/; valid"),
    (
        PNG,
        "image,patient\na,p\n",
        "images.csv: row 0: microns_per_pixel is empty, and .png does",
    ),
    (
        PNG,
        "image,patient,microns_per_pixel\na,p,\n",
        "images.csv: row 0: microns_per_pixel is empty",
    ),
    (
        A,
        'image,patient,microns_per_pixel\na,p,"0,25"\n',
        "images.csv: row 0: microns_per_pixel '0,",
    ),
    (A, "image,patient,microns_per_pixel\na,p,0\n", "images.csv: row 0: microns_per_pixel '0'; va"),
    (A, "image,patient,microns_per_pixel\na,p,40x\n", "images.csv: row 0: microns_per_pixel '40x'"),
    (A, "image,patient,microns_per_pixel\na,p,11\n", "images.csv: row 0: microns_per_pixel '11'"),
    (A, "image,patient,microns_per_pixel\na,p,nan\n", "images.csv: row 0: microns_per_pixel 'nan'"),
    (NAMES, TABLE.replace("p1,s1", "p1,"), "images.csv: row 0: site is empty, in 1 of 2 rows"),
    (NAMES, TABLE.replace("p1,s1", "p2,s2"), "images.csv: row 1: patient p2 has site 's1', and "),
]


@pytest.mark.parametrize(("names", "table", "message"), BAD)
def test_a_bad_table_or_folder_is_one_line(names, table, message):
    with pytest.raises(InputError) as error:
        _fields(table, names)
    said = str(error.value)
    assert said.startswith(message) and "\n" not in said


def test_splits_are_those_of_patients():
    lists = {"images.csv": TABLE.encode()}
    assert QUPATH.released_splits(_fields(TABLE), lists) == {"a": "train", "b": "test"}


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (
            "image,patient\na,p1\nb,p2\n",
            "images.csv: no column split; prepare.folds: released needs",
        ),
        (TABLE.replace("train", "").replace("test", ""), "images.csv: no column split"),
        (TABLE.replace("train", ""), "images.csv: row 0: split is empty, in 1 of 2 rows; valid"),
        (TABLE.replace("train", "val"), "images.csv: row 0: split 'val'; valid: train, validation"),
        (
            TABLE.replace("p1", "p2"),
            "images.csv: row 1: patient p2 has split 'test', and 'train' before",
        ),
    ],
)
def test_bad_splits_are_one_line(table, message):
    with pytest.raises(InputError) as error:
        QUPATH.released_splits(_fields(TABLE), {"images.csv": table.encode()})
    assert str(error.value).startswith(message)


@settings(max_examples=200, deadline=None)
@given(damaged(TABLE.encode()))
def test_a_damaged_table_is_read_or_one_line(content):
    with contextlib.suppress(InputError):
        fields = QUPATH.fields(NAMES, content)
        assert {field.name for field in fields} == {"a", "b"}
        QUPATH.released_splits(fields, {"images.csv": content})
