import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from release import damaged

from nuclei.core.errors import InputError
from nuclei.data.layouts.notebook import Notebook

NOTEBOOK = Notebook()
NAME = "classification/TIL.12.3.TCGA-A2-A04T-DX1_id-5e.left.png"


def test_a_crop_tells_patient_site_label_and_split_by_its_name():
    fields = NOTEBOOK.fields(
        [NAME, NAME.replace("tion/", "tion_test/"), "classification/x.txt"], b""
    )
    assert [field.image for field in fields] == [NAME, NAME.replace("tion/", "tion_test/")]
    assert {(field.patient, field.site) for field in fields} == {("TCGA-A2-A04T", "A2")}
    assert {NOTEBOOK.nuclei(field, b"")[0][0].label for field in fields} == {"TIL"}
    splits = NOTEBOOK.released_splits(fields, {})
    assert [splits[field.name] for field in fields] == ["train", "test"]


def test_pictures_of_any_usual_ending_are_read():
    names = [NAME.replace(".png", ending) for ending in (".PNG", ".jpg", ".JPEG", ".tif", ".bmp")]
    for name in names[:4]:
        [field] = NOTEBOOK.fields([name], b"")
        assert (field.image, field.name) == (name, NAME[:-4])
    assert NOTEBOOK.fields([names[4]], b"") == []
    with pytest.raises(InputError, match=r"left.png: of the same name as .*left.jpg"):
        NOTEBOOK.fields([NAME, names[1]], b"")


def test_the_notebook_had_no_lists_and_no_folds():
    assert NOTEBOOK.fold_lists == NOTEBOOK.split_lists == ()
    assert NOTEBOOK.released_folds(NOTEBOOK.fields([NAME], b""), {}) is None


def test_unknown_is_dropped_and_another_label_is_an_error():
    field = NOTEBOOK.fields([NAME.replace("TIL", "unknown")], b"")[0]
    assert NOTEBOOK.nuclei(field, b"") == ([], {"unknown": 1})
    field = NOTEBOOK.fields([NAME.replace("TIL", "til")], b"")[0]
    with pytest.raises(InputError, match="'til'; valid: stromal, TIL, tumor, unknown"):
        NOTEBOOK.nuclei(field, b"")


@pytest.mark.parametrize(
    "name", ["TIL.png", "TIL.1.TCGA-A2-A04T.png", "TIL.1.2.TCGA-A2-A04TX.png", "s/TIL.1.2.a.png"]
)
def test_a_malformed_name_is_an_error(name):
    with pytest.raises(InputError, match=f"^classification/{name}: not the name of a crop"):
        NOTEBOOK.fields([f"classification/{name}"], b"")


@settings(max_examples=150, deadline=None)
@given(st.text() | damaged(NAME.encode()).map(lambda name: name.decode("latin-1")))
def test_any_name_is_a_crop_or_an_error(name):
    with contextlib.suppress(InputError):
        for field in NOTEBOOK.fields([name], b""):
            assert field.image == name and field.patient in name
            kept, dropped = NOTEBOOK.nuclei(field, b"")
            assert len(kept) + dropped.total() == 1
