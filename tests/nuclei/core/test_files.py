"""One place reads and writes each kind of file."""

import json

from nuclei.pipeline.params import StudyParams

import numpy as np
import pandas as pd
import pytest

from nuclei.core import draws, files
from nuclei.core.errors import InputError


def test_no_number_is_a_negative_zero(tmp_path):
    table = pd.DataFrame({"aug": ["flip"], "gap": [-0.00001], "nuclei": [1234567]})
    files.write_csv(tmp_path / "a.csv", table, digits=4)
    assert (tmp_path / "a.csv").read_text() == "aug,gap,nuclei\nflip,0,1234567\n"
    files.write_json(tmp_path / "a.json", {"a": [-0.00001, 0.12344], "b": 1}, digits=4)
    assert (tmp_path / "a.json").read_text() == json.dumps(
        {"a": [0.0, 0.1234], "b": 1}, indent=2
    ) + "\n"


def test_a_small_number_is_kept_where_nothing_is_rounded(tmp_path):
    files.write_json(tmp_path / "a.json", {"learning_rate": 1e-7, "name": "µ"})
    assert files.read_json(tmp_path / "a.json") == {"learning_rate": 1e-7, "name": "µ"}


def test_names_are_text_whatever_they_look_like(tmp_path):
    (tmp_path / "a.csv").write_text("id,site,patient,x\n007,NA,1e5,0.5\n")
    row = files.read_csv(tmp_path / "a.csv").iloc[0]
    assert (row["id"], row["site"], row["patient"], row["x"]) == ("007", "NA", "1e5", 0.5)


@pytest.mark.parametrize(("name", "read"), [("a.csv", files.read_csv), ("a.json", files.read_json)])
def test_an_unreadable_file_is_named(tmp_path, name, read):
    (tmp_path / name).write_bytes(b"")
    with pytest.raises(InputError, match=rf"{name}: ") as error:
        read(tmp_path / name)
    assert "\n" not in str(error.value)


def test_nuclei_are_read_with_their_ids_and_labels_as_text(tmp_path):
    crops = np.random.default_rng(1).integers(0, 256, (2, 8, 8, 3), np.uint8)
    np.save(tmp_path / "nuclei.npy", crops)
    (tmp_path / "nuclei.csv").write_text("id,label\n007,tumor\nNA,TIL\n")
    nuclei = files.read_nuclei(tmp_path)
    np.testing.assert_array_equal(nuclei.crops, crops)
    assert nuclei.hashed_ids.tolist() == draws.hash_ids(["007", "NA"]).tolist()
    assert nuclei.labels.tolist() == [2, 1] and nuclei.labels.dtype == np.int64


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"label\nTIL\n", "not a table with the columns id and label: "),
        (b"id\na\n", "not a table with the columns id and label: "),
        (b"id,label\n\xff,TIL\n", "not a table with the columns id and label: "),
        (b"id,label\na,TIL\nb,TIL\n", "2 rows; nuclei.npy holds 1 crops"),
        (b"id,label\na,mast\n", "label 'mast'; valid: stromal, TIL, tumor"),
        (b"id,label\na\n", "label None; valid: stromal, TIL, tumor"),
    ],
)
def test_a_table_that_does_not_describe_the_crops_is_named(tmp_path, content, message):
    np.save(tmp_path / "nuclei.npy", np.zeros((1, 8, 8, 3), np.uint8))
    (tmp_path / "nuclei.csv").write_bytes(content)
    with pytest.raises(InputError, match=rf"nuclei\.csv: {message}") as error:
        files.read_nuclei(tmp_path)
    assert "\n" not in str(error.value)


def test_crops_written_to_their_places_are_an_array_that_can_be_mapped(tmp_path):
    crops = np.random.default_rng(1).integers(0, 256, (5, 8, 8, 3), np.uint8)
    start = files.begin_crops(tmp_path / "a.npy", 5, 8)
    with (tmp_path / "a.npy").open("r+b") as file:
        files.write_crops(file, start, np.array([4, 0]), crops[:2])
        files.write_crops(file, start, np.array([1, 3, 2]), crops[2:])
    np.testing.assert_array_equal(files.read_crops(tmp_path / "a.npy"), crops[[1, 2, 4, 3, 0]])
    start = files.begin_crops(tmp_path / "b.npy", 5, 8)
    with (tmp_path / "b.npy").open("ab") as file:
        assert file.tell() == start
        file.write(crops.tobytes())
    np.testing.assert_array_equal(np.load(tmp_path / "b.npy", mmap_mode="r"), crops)


def test_an_array_of_any_kind_is_mapped_and_no_other_file_is(tmp_path):
    path, numbers = tmp_path / "a.npy", np.arange(6, dtype=np.float32).reshape(1, 2, 3)
    np.save(path, numbers)
    read = files.read_array(path)
    assert isinstance(read, np.memmap) and not read.flags.writeable
    np.testing.assert_array_equal(read, numbers)
    with pytest.raises(InputError, match=r"a\.npy: not an array of crops: float32 \(1, 2, 3\)"):
        files.read_crops(path)
    for content in (b"", path.read_bytes()[:-1], b"repeat,id\n0,a\n"):
        path.write_bytes(content)
        with pytest.raises(InputError, match=r"a\.npy: not an array: ") as error:
            files.read_array(path)
        assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"\xff\xfe", "can't decode"),
        (b"a: [", "expected the node"),
        (b"a: 1", "a: no such knob"),
        (b"a: 1\na: 2", "duplicate key"),
        (b"a: 2022-13-45", "month must be in"),
        (b"[" * 2000, "recursion depth"),
    ],
)
def test_unreadable_params_are_one_line(content, said, tmp_path):
    path = tmp_path / "params.yaml"
    path.write_bytes(content)
    with pytest.raises(InputError, match=said) as error:
        files.read_params(StudyParams, path)
    assert "\n" not in str(error.value) and "params.yaml" in str(error.value)
