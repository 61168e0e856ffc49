import shutil
from pathlib import Path

from nuclei.pipeline import stage

import pytest
import yaml
from commands import ROOT

from nuclei.core.errors import InputError


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


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
    shutil.copy(ROOT / "params.yaml", "params.yaml")
    monkeypatch.setattr("sys.argv", ["src/train.py", *words])
    with pytest.raises(SystemExit, match=said) as exit_:
        stage.run(main)
    assert isinstance(exit_.value.code, str)  # printed on stderr, with exit code 1


@pytest.mark.parametrize(
    ("aug", "said"),
    [
        ("flipp", "augmentation 'flipp': no operation 'flipp'; valid: none, .*"),
        ("stain + flip", "params.yaml: aug: .* joined by .* without spaces, .*"),
    ],
)
def test_a_recipe_that_is_none_says_how_to_take_it_back(aug, said, monkeypatch):
    params = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    Path("params.yaml").write_text(yaml.safe_dump(params | {"aug": aug}), encoding="utf-8")
    monkeypatch.setattr("sys.argv", ["src/augment.py", *aug.split()])
    monkeypatch.setenv("DVC_STAGE", f"augment@{aug}")
    with pytest.raises(SystemExit, match=f"error: {said}; .*`git checkout params.yaml`"):
        stage.run(lambda aug: None)


def test_a_bad_knob_of_the_last_stage_stops_the_first(monkeypatch):
    params = (ROOT / "params.yaml").read_text(encoding="utf-8")
    Path("params.yaml").write_text(params.replace("margin: 0.02", "margin: 5"), encoding="utf-8")
    monkeypatch.setattr("sys.argv", ["src/simulate.py"])
    with pytest.raises(SystemExit, match=r"error: params.yaml: evaluate.margin: .*; got 5"):
        stage.run(lambda: None)
