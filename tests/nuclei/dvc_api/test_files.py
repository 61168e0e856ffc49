"""What touches DVC's internals, tried with the pinned version."""

import json
from importlib.metadata import version

import pytest
from commands import ROOT, run
from dvc.repo import Repo

from nuclei import dvc_api as repository
from nuclei.core.errors import InputError
from nuclei.dvc_api import files

CONFLICT = "<<<<<<< HEAD\nschema: '2.0'\n=======\nschema: '2.1'\n>>>>>>> theirs\n"

pytestmark = pytest.mark.slow


@pytest.fixture
def empty(tmp_path, monkeypatch):
    """An empty DVC repository, without git."""
    Repo.init(str(tmp_path), no_scm=True).close()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_it_is_tried_with_the_version_that_the_lock_pins():
    assert f"\ndvc=={version('dvc')} " in (ROOT / "requirements.lock").read_text(encoding="utf-8")
    assert f"DVC {version('dvc').rpartition('.')[0]}." in repository.__doc__


def test_a_merge_conflict_in_the_lock_is_told_and_left(empty):
    (empty / "dvc.lock").write_text(CONFLICT)
    (line,) = files.mend()
    assert "merge conflict" in line and "git checkout --ours dvc.lock" in line
    assert (empty / "dvc.lock").read_text() == CONFLICT


@pytest.mark.parametrize("content", ["schema: '2.0'\nstages:\n  a", "schema: [", "a: b: c\n"])
def test_a_torn_lock_is_moved_aside_and_nothing_is_lost(empty, content):
    for name in ("dvc.lock.torn", "dvc.lock.torn-2"):
        (empty / "dvc.lock").write_text(content)
        (line,) = files.mend()
        assert line.startswith(f"dvc.lock: torn, now {name};")
        assert (empty / name).read_text() == content
    assert not (empty / "dvc.lock").exists()


def test_where_another_dvc_runs_it_is_said_in_one_line(empty):
    with files.locked(), pytest.raises(InputError, match="another `make study` or `dvc` runs"):
        files.mend()
    assert files.mend() == []


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("stages: [", "unable to read: 'dvc.yaml', YAML file structure is corrupted"),
        ("stages: {a: 3}", r"'\./dvc\.yaml' validation failed"),
    ],
)
def test_what_dvc_cannot_read_is_one_line(empty, content, said):
    (empty / "dvc.yaml").write_text(content)
    with pytest.raises(InputError, match=f"^{said}$"):
        files.mend()
    with pytest.raises(InputError, match=f"^{said}$"):
        files.check_inputs_of("a")


def test_a_torn_rwlock_is_moved_aside(empty):
    (empty / ".dvc/tmp/rwlock").write_text('{"a')
    assert files.mend() == [".dvc/tmp/rwlock: torn, now .dvc/tmp/rwlock.torn"]
    assert (empty / ".dvc/tmp/rwlock.torn").read_text() == '{"a'


def test_a_corrupt_object_is_moved_aside(empty):
    (empty / "a").write_text("whole")
    run(empty, "dvc", "add", "--quiet", "a")
    (stored,) = (empty / ".dvc/cache/files/md5").glob("??/*")
    stored.chmod(0o644)
    stored.write_text("wrong")
    (line,) = files.mend()
    assert line.endswith(f"now .dvc/tmp/corrupt/{stored.parent.name}{stored.name}")
    assert not stored.exists() and (empty / "a").read_text() == "whole"


PIPELINE = """
stages:
  make:
    cmd: mkdir folder && echo a > folder/a && mkdir folder/b && echo c > folder/b/c
    outs: [folder]
  use:
    cmd: cat folder/a > used
    deps: [folder]
    outs: [used]
"""


@pytest.mark.parametrize("listed", [True, False])
def test_an_input_with_other_bytes_is_named_whether_or_not_the_cache_lists_its_folder(
    empty, listed
):
    (empty / "dvc.yaml").write_text(PIPELINE)
    run(empty, "dvc", "repro", "--quiet")
    if not listed:
        next((empty / ".dvc/cache/files/md5").glob("??/*.dir")).unlink()
    files.check_inputs_of("use")
    (empty / "folder/b/c").chmod(0o644)
    (empty / "folder/b/c").write_text("d")
    changed = "folder/b/c" if listed else "folder"
    with pytest.raises(InputError, match=f"^{changed}: not the bytes that its stage wrote"):
        files.check_inputs_of("use")


def test_a_file_that_dvc_ignores_is_no_change_of_a_folder_that_is_not_in_the_cache(empty):
    (empty / ".dvcignore").write_text(".*.unfinished*\n/plots/tissue\n")
    cmd = "mkdir -p plots/tissue && touch plots/a plots/tissue/b plots/.c.unfinished"
    stage = {"cmd": cmd, "outs": [{"plots": {"cache": False}}]}
    (empty / "dvc.yaml").write_text(json.dumps({"stages": {"evaluate": stage}}))
    run(empty, "dvc", "repro", "--quiet")
    assert files.mend() == []
    (empty / "plots/a").write_text("other")
    assert files.mend() == ["plots: not the bytes that its stage wrote"]


def test_a_file_of_a_folder_is_an_input_and_its_neighbours_are_none(empty):
    (empty / "dvc.yaml").write_text(PIPELINE.replace("deps: [folder]", "deps: [folder/a]"))
    run(empty, "dvc", "repro", "--quiet")
    for name in ("folder/a", "folder/b/c"):
        (empty / name).chmod(0o644)
    (empty / "folder/b/c").write_text("d")
    files.check_inputs_of("use")
    (empty / "folder/a").write_text("d")
    with pytest.raises(InputError, match=r"^folder/a: not the bytes that its stage wrote"):
        files.check_inputs_of("use")
