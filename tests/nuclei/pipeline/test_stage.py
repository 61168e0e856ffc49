import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory

from nuclei.pipeline import stage

import pytest
import yaml
from commands import ROOT

from nuclei.core import paths
from nuclei.core.errors import InputError


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
    with pytest.raises(RuntimeError), stage.output(paths.TRAINING / "x1.json") as path:
        path.write_text("half")
        raise RuntimeError
    assert list(paths.TRAINING.iterdir()) == []


@pytest.fixture
def other_disk():
    memory = Path("/dev/shm")
    if not memory.is_dir() or memory.stat().st_dev == Path().stat().st_dev:
        pytest.skip("no second disk: /dev/shm is not one")
    with TemporaryDirectory(dir=memory) as folder:
        yield Path(folder)


@pytest.mark.parametrize("output", [paths.PREPARED, paths.MODELS / "flip/x1", paths.PLOTS])
@pytest.mark.parametrize("elsewhere", ["data", "plots", "models"])
def test_folders_may_lie_on_other_disks(other_disk, elsewhere, output):
    Path(elsewhere).symlink_to(other_disk)
    for content in ("old", "new"):
        with stage.output(output) as folder:
            folder.mkdir()
            (folder / content).touch()
    assert [path.name for path in output.iterdir()] == ["new"]
    assert Path(elsewhere).is_symlink()


def test_a_link_into_dvcs_cache_is_replaced_and_the_cache_is_not(tmp_path):
    (tmp_path / "object").write_text("cached")
    paths.TRAINING.mkdir(parents=True)
    (paths.TRAINING / "x1.json").symlink_to(tmp_path / "object")
    with stage.output(paths.TRAINING / "x1.json") as path:
        path.write_text("new")
    assert (tmp_path / "object").read_text() == "cached"
    assert (paths.TRAINING / "x1.json").read_text() == "new"


def test_an_output_that_another_process_writes_is_waited_for():
    ends = []

    def write(name):
        with stage.output(paths.PLOTS) as path:
            path.write_text(name)
            time.sleep(0.05)
            ends.append(name)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, "abcdefgh"))
    assert paths.PLOTS.read_text() == ends[-1]
    assert [path.name for path in Path().iterdir()] == ["plots"]


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
    Path("params.yaml").write_text(params.replace("margin: 0.01", "margin: 5"), encoding="utf-8")
    monkeypatch.setattr("sys.argv", ["src/simulate.py"])
    with pytest.raises(SystemExit, match=r"error: params.yaml: evaluate.margin: .*; got 5"):
        stage.run(lambda: None)
