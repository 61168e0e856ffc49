import contextlib

import pytest
from hypothesis import given, settings
from release import damaged

from nuclei.core.errors import InputError
from nuclei.data.layouts.manifest import Manifest

MANIFEST = Manifest()
CROPS = b"path,label,patient\na/1.png,Tumor,Jo\na/2.png,stroma,Jo\n b.png , TIL , Al\n"
FIELDS = (
    b"path,label,patient,site,x,y,microns_per_pixel,split,note\n"
    b"f.png,Tumor,Jo,North,10,20.5,0.25,train,!\n"
    b"g.png,TIL,Al,South,1,2,0.5,test,\n"
    b"f.png,stroma,Jo,North,30,40,0.25,train,\n"
)
NAMES = ["a/1.png", "a/2.png", "b.png", "f.png", "g.png", "nuclei.csv"]


def fields(table, names=NAMES):
    return MANIFEST.fields(names, table)


def test_a_path_without_a_centre_is_one_nucleus():
    found = fields(CROPS)
    assert [field.image for field in found] == ["a/1.png", "a/2.png", "b.png"]
    assert [(field.patient, field.site) for field in found] == [("Jo", "Jo")] * 2 + [("Al", "Al")]
    assert all(field.labels is None and field.one_nucleus for field in found)
    assert MANIFEST.nuclei(found[2], b"")[0][0][:2] == ("b.png", "TIL")


def test_paths_with_centres_are_fields_of_view_with_their_nuclei():
    found = fields(FIELDS)
    assert [(f.image, f.patient, f.site, f.mpp) for f in found] == [
        ("f.png", "Jo", "North", 0.25),
        ("g.png", "Al", "South", 0.5),
    ]
    (of_f, dropped), (of_g, _) = (MANIFEST.nuclei(field, b"") for field in found)
    assert of_f[0][:4] == ("f.png/0", "Tumor", 10, 20.5) and of_f[1].id == "f.png/2"
    assert [nucleus[:4] for nucleus in of_g] == [("g.png/1", "TIL", 1, 2)]
    assert not dropped


def test_a_scale_may_be_left_to_the_image():
    without = FIELDS.replace(b",0.25", b",").replace(b",0.5,", b",,")
    assert all(field.mpp is None and not field.one_nucleus for field in fields(without))


def test_splits_are_those_of_the_column():
    assert MANIFEST.released_splits(fields(FIELDS), {"nuclei.csv": FIELDS}) == {
        "f.png": "train",
        "g.png": "test",
    }
    assert MANIFEST.split_lists == ("nuclei.csv",) and MANIFEST.fold_lists == ()
    assert MANIFEST.released_folds(fields(FIELDS), {}) is None


@pytest.mark.parametrize(
    ("table", "said"),
    [
        (b"path,label\n", "header lacks patient; got 'path,label'"),
        (b"path,label,patient,path\n", "header names a column twice"),
        (CROPS.replace(b"Jo\n", b"\n", 1), "row 0: patient is empty"),
        (CROPS.replace(b"stroma", b""), "row 1: label is empty"),
        (CROPS + b",TIL,Al\n", "row 3: path is empty"),
        (CROPS + b"c.png,TIL,Al\n", "row 3: path 'c.png' is no file beside nuclei.csv"),
        (CROPS + b"../b.png,TIL,Al\n", "row 3: path '../b.png' is no file beside"),
        (CROPS + b"a\\1.png,TIL,Al\n", "row 3: path 'a.*1.png' is no file beside"),
        (CROPS + b"b.png,TIL,Al\n", "row 3: path 'b.png' comes before; valid: a row per"),
        (CROPS + b"b.png,TIL,Al,x\n", "row 3: must have 3 cells"),
        (CROPS + b'"b.png,TIL', "line 5: unexpected end"),
        (FIELDS.replace(b"North", b"", 1), "row 0: site is empty, in 1 of 3 rows; valid: all"),
        (FIELDS.replace(b"North", b"South", 1), "row 2: patient Jo has site 'North', and 'South'"),
        (FIELDS.replace(b",10,", b",,"), "row 0: x is empty, in 1 of 3 rows"),
        (FIELDS.replace(b",x,y,", b",x,why,"), "x without y, or y without x"),
        (FIELDS.replace(b"20.5", b"NaN"), "row 0: y must be a number of pixels; got 'NaN'"),
        (FIELDS.replace(b"20.5", b"1e3"), "row 0: y must be a number of pixels; got '1e3'"),
        (
            FIELDS.replace(b"0.25", b"0.3", 1),
            "row 2: path f.png has microns_per_pixel '0.25', and '0.3' b",
        ),
        (FIELDS.replace(b"0.25", b"25"), "row 0: microns_per_pixel '25'; valid: 0.01 to 10"),
        (FIELDS.replace(b"0.25", b'"0,25"'), "row 0: microns_per_pixel '0,25'; valid: 0.01"),
        (
            FIELDS.replace(b"stroma,Jo,North", b"TIL,Al,South"),
            "row 2: path f.png has patient 'Al', and 'Jo' b",
        ),
        (b"\xff\xfe", "byte 0 is not UTF-8"),
    ],
)
def test_a_mistake_is_told_with_its_row(table, said):
    with pytest.raises(InputError, match=rf"^nuclei\.csv: .*{said}") as error:
        fields(table)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("table", "said"),
    [
        (CROPS, "no column split; prepare.folds: released needs it"),
        (FIELDS.replace(b"test", b"tset"), "row 1: split 'tset'; valid: train, validation, test"),
        (FIELDS.replace(b"train", b"", 1), "row 0: split is empty, in 1 of 3 rows"),
        (
            FIELDS.replace(b"train", b"test", 1),
            "row 2: patient Jo has split 'train', and 'test' before",
        ),
    ],
)
def test_a_mistake_in_the_splits_is_told_with_its_row(table, said):
    with pytest.raises(InputError, match=rf"^nuclei\.csv: .*{said}"):
        MANIFEST.released_splits(fields(table), {"nuclei.csv": table})


@settings(max_examples=150, deadline=None)
@given(damaged(FIELDS))
def test_any_bytes_are_fields_or_an_error(table):
    with contextlib.suppress(InputError):
        for field in fields(table):
            assert field.image in NAMES and field.nuclei
