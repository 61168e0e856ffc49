import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from nuclei.core import paths
from nuclei.core.outputs import output


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_a_finished_output_replaces_the_old_one(tmp_path):
    for content in ("old", "new"):
        with output(paths.PREPARED) as folder:
            folder.mkdir()
            (folder / content).touch()
    assert [path.name for path in paths.PREPARED.iterdir()] == ["new"]


def test_an_unfinished_output_never_lies_where_a_finished_one_would():
    with pytest.raises(RuntimeError), output(paths.TRAINING / "x1.json") as path:
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


@pytest.mark.parametrize("place", [paths.PREPARED, paths.MODELS / "flip/x1", paths.PLOTS])
@pytest.mark.parametrize("elsewhere", ["data", "plots", "models"])
def test_folders_may_lie_on_other_disks(other_disk, elsewhere, place):
    Path(elsewhere).symlink_to(other_disk)
    for content in ("old", "new"):
        with output(place) as folder:
            folder.mkdir()
            (folder / content).touch()
    assert [path.name for path in place.iterdir()] == ["new"]
    assert Path(elsewhere).is_symlink()


def test_a_link_into_dvcs_cache_is_replaced_and_the_cache_is_not(tmp_path):
    (tmp_path / "object").write_text("cached")
    paths.TRAINING.mkdir(parents=True)
    (paths.TRAINING / "x1.json").symlink_to(tmp_path / "object")
    with output(paths.TRAINING / "x1.json") as path:
        path.write_text("new")
    assert (tmp_path / "object").read_text() == "cached"
    assert (paths.TRAINING / "x1.json").read_text() == "new"


def test_an_output_that_another_process_writes_is_waited_for():
    ends = []

    def write(name):
        with output(paths.PLOTS) as path:
            path.write_text(name)
            time.sleep(0.05)
            ends.append(name)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, "abcdefgh"))
    assert paths.PLOTS.read_text() == ends[-1]
    assert [path.name for path in Path().iterdir()] == ["plots"]
