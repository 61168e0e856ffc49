from pathlib import Path

import pytest

import stage
from nuclei.errors import InputError


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_a_finished_output_replaces_the_old_one(tmp_path):
    for content in ("old", "new"):
        with stage.output(stage.PREPARED) as folder:
            folder.mkdir()
            (folder / content).touch()
    assert [path.name for path in stage.PREPARED.iterdir()] == ["new"]


def test_an_unfinished_output_never_lies_where_a_finished_one_would():
    with pytest.raises(RuntimeError), stage.output(stage.PREDICTIONS / "x1.csv") as path:
        path.write_text("half")
        raise RuntimeError
    assert not (stage.PREDICTIONS / "x1.csv").exists()
    assert not (stage.UNFINISHED / stage.PREDICTIONS / "x1.csv").exists()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"\xff\xfe", "can't decode"),
        (b"a: [", "expected the node"),
        (b"a: 1", "this knob is missing"),
        (b"a: 1\na: 2", "duplicate key"),
        (b"a: 2022-13-45", "month must be in"),
        (b"[" * 2000, "recursion depth"),
    ],
)
def test_unreadable_params_are_one_line(content, said, tmp_path):
    (tmp_path / "params.yaml").write_bytes(content)
    with pytest.raises(InputError, match=said) as error:
        stage.read_params()
    assert "\n" not in str(error.value) and "params.yaml" in str(error.value)


def _fail(*words):
    raise InputError("x.csv: row 3: found a, valid is b")


def _two(aug, volume):
    pass


@pytest.mark.parametrize(
    ("main", "words", "said"),
    [
        (_fail, [], "error: x.csv: row 3: found a, valid is b"),
        (Path("absent.csv").read_text, [], "error: .*absent.csv"),
        (_two, ["flip"], "usage: train.py AUG VOLUME"),
    ],
)
def test_a_users_mistake_ends_in_one_line_and_exit_code_1(main, words, said, monkeypatch):
    monkeypatch.setattr("sys.argv", ["src/train.py", *words])
    with pytest.raises(SystemExit, match=said) as exit_:
        stage.run(main)
    assert isinstance(exit_.value.code, str)  # printed on stderr, with exit code 1
