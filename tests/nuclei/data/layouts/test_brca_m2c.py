import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from release import damaged

from nuclei.core.errors import InputError
from nuclei.data.layouts.brca_m2c import LABELS, BrcaM2C

BRCA_M2C = BrcaM2C()
NAME = "TCGA-A7-A0DB-01Z-00-DX1_1_2_1000_1000_0.98"
FIELD = BRCA_M2C.fields([f"images/{NAME}.png"], b"")[0]


def test_a_tile_is_named_by_image_or_labels():
    assert BRCA_M2C.fields([f"labels/{NAME}_gt_class_coords.txt", "labels/x.txt"], b"") == [FIELD]
    assert (FIELD.patient, FIELD.site, FIELD.mpp) == ("TCGA-A7-A0DB", "A7", 0.5)
    with pytest.raises(InputError, match=r"images/x\.png: must begin with a patient"):
        BRCA_M2C.fields(["images/x.png"], b"")


def test_rows_are_y_x_class():
    kept, dropped = BRCA_M2C.nuclei(FIELD, b"6 292 1\r\n7 8 2\n\n9 10.5 3\n")
    assert [(n.id, n.label, n.x, n.y) for n in kept] == [
        (f"{NAME}/0", "TIL", 292, 6),
        (f"{NAME}/1", "tumor", 8, 7),
        (f"{NAME}/3", "stromal", 10.5, 9),
    ]
    assert not dropped
    assert BRCA_M2C.nuclei(FIELD, b"") == ([], {})


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"1 2 3\n1 2", "row 1: must be Y X class; got '1 2'"),
        (b"1 2 4", "row 0: unknown class '4'; valid: 1"),
        (b"1 x 2", "row 0: X must be a number of pixels; got 'x'"),
        (b"\xff", "byte 0 is not UTF-8"),
    ],
)
def test_a_bad_label_file_is_one_line(content, message):
    with pytest.raises(InputError) as error:
        BRCA_M2C.nuclei(FIELD, content)
    assert str(error.value).startswith(f"{FIELD.labels}: {message}")


def _lists(train, val, test):
    return dict(
        zip(BRCA_M2C.split_lists, (train.encode(), val.encode(), test.encode()), strict=True)
    )


def test_official_splits_follow_the_lists():
    names = [NAME, NAME.replace("A0DB", "A0DC"), NAME.replace("A0DB", "A0DD")]
    fields = BRCA_M2C.fields([f"images/{name}.png" for name in names], b"")
    lists = _lists(*(f"{name}.png\r\n" for name in names))
    assert list(BRCA_M2C.released_splits(fields, lists).values()) == ["train", "validation", "test"]


@pytest.mark.parametrize(
    ("train", "val", "message"),
    [
        (f"{NAME}.png", "../x.png", "brca_ds_val.txt: lists '../x.png', which images/ does not"),
        (f"{NAME}.png", f"{NAME}.png", "which is listed before"),
        ("", f"{NAME}.png", "brca_ds_train.txt: lists no tile"),
    ],
)
def test_bad_lists_are_an_error(train, val, message):
    with pytest.raises(InputError) as error:
        BRCA_M2C.released_splits([FIELD], _lists(train, val, "z.png"))
    assert message in str(error.value)


def test_the_release_has_no_folds_and_reads_no_list_for_them():
    assert BRCA_M2C.fold_lists == ()
    assert BRCA_M2C.released_folds([FIELD], {}) is None


def test_a_tile_in_no_list_is_an_error():
    other = FIELD._replace(name="TCGA-A7-A0DC")
    with pytest.raises(InputError, match=r"TCGA-A7-A0DC\.png: in none of brca_ds_train\.txt"):
        BRCA_M2C.released_splits([FIELD, other], {"brca_ds_train.txt": f"{NAME}.png".encode()})


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 9999), st.integers(0, 9999), st.sampled_from("123"))))
def test_rows_written_are_the_rows_read(rows):
    content = "".join(f"{y} {x} {label}\n" for y, x, label in rows).encode()
    kept, _ = BRCA_M2C.nuclei(FIELD, content)
    assert [(n.y, n.x, n.label) for n in kept] == [(y, x, LABELS[label]) for y, x, label in rows]


@settings(max_examples=150, deadline=None)
@given(damaged(b"6 292 1\r\n7 8 2\n"), damaged(f"{NAME}.png\n".encode()))
def test_damaged_files_are_read_or_one_line(labels, tiles):
    with contextlib.suppress(InputError):
        kept, _ = BRCA_M2C.nuclei(FIELD, labels)
        assert {nucleus.label for nucleus in kept} <= {"tumor", "stromal", "TIL"}
    with contextlib.suppress(InputError):
        splits = BRCA_M2C.released_splits([FIELD], {"brca_ds_train.txt": tiles})
        assert splits == {NAME: "train"}


@settings(max_examples=60, deadline=None)
@given(st.text() | damaged(NAME.encode()).map(lambda name: name.decode("latin-1")))
def test_any_name_is_a_tile_or_an_error(name):
    with contextlib.suppress(InputError):
        for field in BRCA_M2C.fields([f"images/{name}.png"], b""):
            assert field.name == name and name.startswith(field.patient)
