import contextlib
from collections import Counter

import pandas as pd
import pytest
from commands import ROOT
from hypothesis import given, settings
from hypothesis import strategies as st
from release import damaged

from nuclei.core.errors import InputError
from nuclei.data.layouts.fields import check_frame
from nuclei.data.layouts.nucls import DROPPED, FOLDS, LABELS, Nucls

REAL = ROOT.parent / "shared" / "data" / "nucls-annotations"
NUCLS = Nucls()
NAME = "TCGA-A2-A04T-DX1_id-5ea40961ddda5f8398979057_left-1_top-2_bottom-30_right-40"
FIELD = NUCLS.fields([f"rgb/{NAME}.png"], b"")[0]
HEADER = (
    ",raw_classification,main_classification,super_classification,type,"
    "xmin,ymin,xmax,ymax,coords_x,coords_y\n"
)


def _row(name, kind="rectangle", box="10,20,30,60"):
    return f'0,{name},m,s,{kind},{box},"1,2","3,4"\n'


def _read(*rows, header=HEADER):
    return NUCLS.nuclei(FIELD, (header + "".join(rows)).encode())


def test_a_field_is_named_by_image_or_labels_and_the_releases_index_is_none():
    names = [f"csv/{NAME}.csv", "csv/ALL_FOV_LOCATIONS.csv", "mask/x.png"]
    assert NUCLS.fields(names, b"") == [FIELD]
    assert (FIELD.patient, FIELD.site, FIELD.mpp) == ("TCGA-A2-A04T", "A2", 0.2)


@pytest.mark.parametrize("name", ["x", "../x", NAME + "b", NAME.replace("TCGA", "tcga"), "a/b"])
def test_a_malformed_field_name_is_an_error(name):
    with pytest.raises(InputError, match="not the name of a field of view"):
        NUCLS.fields([f"rgb/{name}.png"], b"")


def test_the_centre_is_the_middle_of_the_box_and_sizes_are_microns():
    (nucleus,), dropped = _read(_row("tumor"))
    assert nucleus == (f"{NAME}/0", "tumor", 20, 40, 8)
    assert dropped == Counter()


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("mitotic_figure", "tumor"),
        ("correction_macrophage", "stromal"),
        ("vascular_endothelium", "stromal"),
        ("plasma_cell", "TIL"),
    ],
)
def test_classes_come_from_the_raw_one(name, label):
    assert _read(_row(name))[0][0].label == label


def test_dropped_rows_are_counted_by_reason_and_ids_keep_the_row():
    kept, dropped = _read(
        _row("correction_unlabeled"),
        _row("neutrophil"),
        _row("tumor", "point", ",,,"),
        _row("tumor", box="5,5,5,9"),
        _row("tumor", box="5,9,7,9"),
        _row("lymphocyte"),
    )
    assert [nucleus.id for nucleus in kept] == [f"{NAME}/5"]
    assert dropped == {"unlabeled": 1, "neutrophil": 1, "point": 1, "box without area": 2}


def test_windows_line_ends_and_a_table_without_rows_are_fine():
    assert len(NUCLS.nuclei(FIELD, (HEADER + _row("tumor")).replace("\n", "\r\n").encode())[0]) == 1
    assert _read() == ([], Counter())


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a,b\n1,2\n", "header lacks raw_classification, type, xmin, ymin, xmax, ymax; got 'a,b'"),
        (b"", "header lacks"),
        (b"\xff", "byte 0 is not UTF-8"),
        ((HEADER + _row("tumour")).encode(), "row 0: unknown raw_classification 'tumour'; valid: "),
        ((HEADER + _row("tumor", box="1,y,3,4")).encode(), "row 0: ymin must be a number of pixel"),
        ((HEADER + "0,tumor\n").encode(), "row 0: must have 11 cells"),
        ((HEADER + _row("tumor", box="1,2,3,4,5")).encode(), "row 0: must have 11 cells"),
    ],
)
def test_a_bad_label_file_is_one_line(content, message):
    with pytest.raises(InputError, match=rf"^csv/{NAME}\.csv: ") as error:
        NUCLS.nuclei(FIELD, content)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


@settings(max_examples=60, deadline=None)
@given(
    rows=st.lists(st.tuples(st.sampled_from([*LABELS, *DROPPED]), *[st.integers(-99, 999)] * 4)),
    end=st.sampled_from(["\n", "\r\n"]),
)
def test_rows_written_are_the_rows_read(rows, end):
    written = [_row(name, box=",".join(map(str, box))) for name, *box in rows]
    content = (HEADER + "".join(written)).replace("\n", end).encode("utf-8-sig")
    kept, dropped = NUCLS.nuclei(FIELD, content)
    expected = [
        (f"{NAME}/{number}", LABELS[name], (x1 + x2) / 2, (y1 + y2) / 2)
        for number, (name, x1, y1, x2, y2) in enumerate(rows)
        if name in LABELS and x2 > x1 and y2 > y1
    ]
    assert [nucleus[:4] for nucleus in kept] == expected
    assert len(kept) + dropped.total() == len(rows)


@settings(max_examples=150, deadline=None)
@given(damaged((HEADER + _row("tumor") + _row("unlabeled")).encode()))
def test_a_damaged_label_file_is_read_or_one_line(content):
    with contextlib.suppress(InputError):
        kept, dropped = NUCLS.nuclei(FIELD, content)
        assert {nucleus.label for nucleus in kept} <= {"tumor", "stromal", "TIL"}
        assert dropped.total() >= 0
    with contextlib.suppress(InputError):
        NUCLS.released_splits([FIELD], {"train": content, "test": b",slide_name\n"})


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text() | damaged(NAME.encode()).map(lambda name: name.decode("latin-1"))))
def test_any_name_is_a_field_or_an_error(names):
    with contextlib.suppress(InputError):
        for field in NUCLS.fields([f"rgb/{name}.png" for name in names], b""):
            assert field.patient.startswith("TCGA-") and field.name in names


def test_official_splits_follow_the_folds_slides():
    here, other = (f",slide_name\n0,TCGA-{s}-DX1\n".encode() for s in ("A2-A04T", "BH-A0AV"))
    assert NUCLS.released_splits([FIELD], {"train": here, "test": other}) == {NAME: "train"}
    assert NUCLS.released_splits([FIELD], {"train": other, "test": here}) == {NAME: "test"}
    for train, found in [(here, "both"), (other, "neither")]:
        with pytest.raises(InputError, match=f"TCGA-A2-A04T-DX1 is in {found} of a and b"):
            NUCLS.released_splits([FIELD], {"a": train, "b": train})


def _pairs(*tests):
    """The ten lists of a release of five slides; those that each fold tests are told."""
    slides = ["TCGA-A2-A04T", *(f"TCGA-A{n}-A04T" for n in range(3, 7))]
    pairs = [([s for s in slides if s not in test], test) for test in tests]
    texts = [
        ",slide_name\n" + "".join(f"0,{slide}-DX1\n" for slide in listed)
        for pair in pairs
        for listed in pair
    ]
    return dict(zip(NUCLS.fold_lists, map(str.encode, texts), strict=True))


ONCE = (["TCGA-A3-A04T"], ["TCGA-A2-A04T"], ["TCGA-A4-A04T"], ["TCGA-A5-A04T"], ["TCGA-A6-A04T"])


def test_a_field_is_tested_by_the_fold_whose_test_list_names_its_slide():
    assert NUCLS.split_lists == NUCLS.fold_lists[:2]
    assert NUCLS.fold_lists[-1] == "train_test_splits/fold_5_test.csv"
    other = FIELD._replace(name=NAME.replace("A2", "A6"))
    assert NUCLS.released_folds([FIELD, other], _pairs(*ONCE)) == {NAME: 2, other.name: 5}


@pytest.mark.parametrize(
    ("tests", "said"),
    [
        (
            (*ONCE[:4], ["TCGA-A2-A04T"]),
            "rgb/TCGA-A2-A04T.* is tested by these folds: 2, 5; valid: exactly",
        ),
        (
            (*ONCE[:1], [], *ONCE[2:]),
            r"rgb/TCGA-A2-A04T.*\.png is tested by these folds: none; valid",
        ),
    ],
)
def test_pairs_of_lists_that_contradict_each_other_are_one_line(tests, said):
    with pytest.raises(InputError, match=f"^train_test_splits: {said}") as error:
        NUCLS.released_folds([FIELD], _pairs(*tests))
    assert "\n" not in str(error.value)


def test_a_slide_on_both_lists_of_a_later_fold_is_named_with_them():
    lists = _pairs(*ONCE)
    lists["train_test_splits/fold_4_test.csv"] = lists["train_test_splits/fold_4_train.csv"]
    with pytest.raises(InputError, match=r"is in both of .*fold_4_train\.csv and .*fold_4_test"):
        NUCLS.released_folds([FIELD], lists)


@pytest.mark.skipif(not REAL.is_dir(), reason="real NuCLS annotations are not at hand")
def test_the_real_lists_test_every_field_once_and_no_site_is_in_two_folds():
    names = [path.relative_to(REAL).as_posix() for path in REAL.rglob("*.csv")]
    fields = NUCLS.fields(names, b"")
    lists = {name: (REAL / name).read_bytes() for name in NUCLS.fold_lists}
    fold_of = NUCLS.released_folds(fields, lists)
    assert {*fold_of} == {field.name for field in fields}
    pairs = {(field.site, fold_of[field.name]) for field in fields}
    assert len(pairs) == len({site for site, _ in pairs}) == 18
    assert {fold for _, fold in pairs} == set(FOLDS)


@pytest.mark.skipif(not REAL.is_dir(), reason="real NuCLS annotations are not at hand")
def test_every_real_row_is_kept_or_dropped_with_a_reason():
    sizes = pd.read_csv(REAL / "fov_sizes.csv", index_col="fov")
    names = [path.relative_to(REAL).as_posix() for path in REAL.rglob("*.csv")]
    fields = NUCLS.fields(names, b"")
    labels, dropped, misfits = Counter(), Counter(), []
    for field in fields:
        kept, field_dropped = NUCLS.nuclei(field, (REAL / field.labels).read_bytes())
        labels.update(nucleus.label for nucleus in kept)
        dropped += field_dropped
        try:
            check_frame(field, kept, field.labels, *sizes.loc[field.name, ["height", "width"]])
        except InputError:
            misfits.append(field.name)
    assert len(fields) == 164
    assert labels == {"tumor": 2193, "TIL": 1400, "stromal": 897}
    assert dropped == {"unlabeled": 678, "ductal_epithelium": 69, "apoptotic_body": 36}
    assert labels.total() + dropped.total() == 5273
    # The sizes are reckoned from names: four fields were scanned at twice that scale.
    assert len(misfits) == 4
