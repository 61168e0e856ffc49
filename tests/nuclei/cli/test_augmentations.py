"""`nuclei add` and `nuclei remove`: the study's list changes, and no other byte of dvc.yaml."""

import re

import pytest
import yaml
from click.testing import CliRunner
from commands import ROOT
from dvc.utils.serialize import modify_yaml

from nuclei.cli.main import main

LIST = (
    '[none, crop, rotation, flip, invert, invert+rotation, invert+flip, dihedral+stain, "${aug}"]'
)
BLOCK = """\
        - none # the baseline
        - 'flip'
        - "${aug}"
"""
PIPELINE = """\
# first

stages:
  augment:
    matrix:
      aug:   &augs
{block}    deps: [src/augment.py,
      "src/nuclei/core"]   # broken here

  train:
    matrix: {{aug: *augs, volume: [1, inf, "${{volume}}"]}}
    cmd: >-
      python
      src/train.py
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("dvc.yaml", "params.yaml"):
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    with modify_yaml("params.yaml") as params:
        params["prepare"]["folds"], params["train"]["repeats"] = 3, 2
    return tmp_path


def _nuclei(*words):
    result = CliRunner().invoke(main, words)
    return result.exit_code, result.output


def _text(folder):
    return (folder / "dvc.yaml").read_bytes().decode()


def test_the_list_gets_the_recipes_before_the_experiments_own_and_nothing_else_changes(folder):
    before = _text(folder)
    assert before.count(LIST) == 1
    assert _nuclei("add", "stain", "flip+stain") == (
        0,
        "dvc.yaml: the study compares none, crop, rotation, flip, invert, invert+rotation, "
        "invert+flip, dihedral+stain, stain, flip+stain\n"
        "to run, unless DVC has it: augment@stain, augment@flip+stain, and trainings at "
        "volumes 0.5, 1, 2: 36 networks, 18 each (3 volumes × 3 folds × 2 repeats)\n"
        "next: `make study`, on all cores, or `dvc repro`\n",
    )
    after = LIST.replace('"${aug}"', 'stain, flip+stain, "${aug}"')
    assert _text(folder) == before.replace(LIST, after)
    assert _nuclei("remove", "flip+stain", "stain")[0] == 0
    assert _text(folder) == before


def test_a_volume_of_the_experiments_own_and_the_folds_are_counted(folder):
    with modify_yaml("params.yaml") as params:
        params["volume"], params["prepare"]["folds"] = 0.75, "released"
    _, told = _nuclei("add", "stain")
    assert "volumes 0.5, 1, 2, 0.75: 8 networks, 8 each (4 volumes × 1 folds × 2" in told


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_list_in_lines_keeps_its_comments_quotes_and_line_ends(folder, end):
    before = PIPELINE.format(block=BLOCK).replace("\n", end)
    (folder / "dvc.yaml").write_bytes(before.encode())
    assert _nuclei("add", "stain", "rotation-90")[0] == 0
    stages = yaml.safe_load(_text(folder))["stages"]
    assert stages["augment"]["matrix"]["aug"] == ["none", "flip", "stain", "rotation-90", "${aug}"]
    assert stages["train"]["matrix"]["aug"] == stages["augment"]["matrix"]["aug"]
    assert re.sub(r"        - (stain|rotation-90)\r?\n", "", _text(folder)) == before
    assert _nuclei("remove", "rotation-90", "stain")[0] == 0
    assert _text(folder) == before


def test_removing_tells_what_to_type_and_that_params_yaml_names_it_too(folder):
    code, told = _nuclei("remove", "crop", "dihedral+stain")
    assert code == 0
    first, also, run, following = told.splitlines()
    assert first == (
        "dvc.yaml: the study compares none, rotation, flip, invert, invert+rotation, invert+flip"
    )
    assert also.startswith("dihedral+stain is also `aug` in params.yaml")
    assert run.startswith("to run: evaluate alone")
    assert "`dvc repro --force --single-item evaluate`" in following
    assert "crop" not in yaml.safe_load(_text(folder))["stages"]["train"]["matrix"]["aug"]


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("add", "stain", "flip"), "flip is in the study already"),
        (("add", "rotation-36"), "rotation-36 is rotation: 36 is its default"),
        (("add", "stain", "stain"), "stain is in the study already"),
        (("add", "stain", "melt"), "augmentation 'melt': no operation 'melt'; valid: none, crop"),
        (("add", "stain-99"), "the number of stain is its"),
        (("add", "none+flip"), "none stands alone"),
        (("remove", "crop", "stain"), "stain is not in the study: none, crop, rotation, flip"),
        (("remove", "none"), "none stays: the other augmentations are compared with it"),
        (("remove", "${aug}"), "${aug} is not in the study"),
    ],
)
def test_a_mistake_is_one_line_and_changes_nothing(folder, words, line):
    before = _text(folder)
    code, told = _nuclei(*words)
    assert code == 1 and told.startswith("error: ") and told.count("\n") == 1
    assert line in told
    assert _text(folder) == before


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("      aug: *augs", "      aug: [none]", "stage train has a list of its own"),
        (', "${aug}"]', "]", 'the list of stage augment must end with "${aug}"'),
        ("  augment:", "  enlarge:", "not the study's matrix: 'augment'"),
        ("stages:", "stages: [", "not the study's matrix: "),
        ("stages:", "stages: 1\nothers:", "not the study's matrix: "),
    ],
)
def test_a_dvc_yaml_of_another_form_is_refused_in_one_line(folder, old, new, line):
    (folder / "dvc.yaml").write_text(_text(folder).replace(old, new, 1))
    before = _text(folder)
    code, told = _nuclei("add", "stain")
    assert code == 1 and told.startswith("error: dvc.yaml: ") and told.count("\n") == 1
    assert line in told
    assert _text(folder) == before


def test_an_edit_that_would_not_be_a_study_is_not_written(folder):
    block = BLOCK.replace('- "${aug}"', '-\n          "${aug}"')
    (folder / "dvc.yaml").write_text(PIPELINE.format(block=block))
    before = _text(folder)
    code, told = _nuclei("add", "stain")
    assert code == 1 and told.startswith("error: dvc.yaml: not the study's matrix")
    assert _text(folder) == before
    assert {path.name for path in folder.iterdir()} == {"dvc.yaml", "params.yaml"}
