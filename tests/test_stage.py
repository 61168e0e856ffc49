from pathlib import Path

import pytest

import paths
import stage
from nuclei.errors import InputError


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_a_finished_output_replaces_the_old_one(tmp_path):
    for content in ("old", "new"):
        with stage.output(paths.PREPARED) as folder:
            folder.mkdir()
            (folder / content).touch()
    assert [path.name for path in paths.PREPARED.iterdir()] == ["new"]


def test_an_unfinished_output_never_lies_where_a_finished_one_would():
    with pytest.raises(RuntimeError), stage.output(paths.PREDICTIONS / "x1.csv") as path:
        path.write_text("half")
        raise RuntimeError
    assert not (paths.PREDICTIONS / "x1.csv").exists()
    assert not (stage.UNFINISHED / paths.PREDICTIONS / "x1.csv").exists()


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
        stage.command(main)
    assert isinstance(exit_.value.code, str)  # printed on stderr, with exit code 1
