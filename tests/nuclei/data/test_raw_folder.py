import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nuclei.core.errors import InputError
from nuclei.data import raw_folder

NUCLS, NOTEBOOK, BRCA_M2C, *_ = raw_folder.LAYOUTS


@pytest.mark.parametrize("layout", [NUCLS, NOTEBOOK, BRCA_M2C])
def test_a_layout_is_recognised_by_its_folders(layout):
    names = [f"{folder}/a" for folder in layout.folders]
    assert raw_folder.recognise([*names, "README.md", "mask/a.png"], "data/raw/x") is layout


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ([], "data/raw/x: holds no known layout; found folders: none; valid"),
        (["rgb/a", "csv"], "found folders: rgb; valid is exactly one of: rgb and csv (NuCLS rel"),
        (["rgb/a", "csv/a", "images/a", "labels/a"], "holds more than one known layout"),
    ],
)
def test_any_other_folder_is_an_error(names, message):
    with pytest.raises(InputError) as error:
        raw_folder.recognise(names, "data/raw/x")
    assert message in str(error.value)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text() | st.sampled_from(["rgb/a", "csv/a", "images/a", "labels/a"])))
def test_any_names_are_one_layout_or_an_error(names):
    with contextlib.suppress(InputError):
        layout = raw_folder.recognise(names, "data/raw/x")
        assert all(any(name.startswith(f"{f}/") for name in names) for f in layout.folders)
