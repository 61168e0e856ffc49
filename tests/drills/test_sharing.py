"""A study is shared through real remotes: what a teammate gets, computes anew, and fetches."""

import os
import shutil
import subprocess
from hashlib import md5
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml
from commands import ENVIRONMENT, clone, run
from servers import Server, add_remote, s3, ssh

PATIENCE = 300  # seconds for a command, so that one that hangs fails
# DVC cannot pull the folders that evaluate depends on by their names, only the stages below them.
INPUTS_OF_EVALUATE = ["dvc", "pull", "prepare", "train"]
TRAINED = [f"train@stain+flip-{volume}" for volume in ("inf", "1")]
OWN_CELLS = ["augment@stain+flip", *TRAINED, "evaluate"]


class Shared(NamedTuple):
    """A clone of its author, and where it was pushed: code to bare git, data to a server."""

    author: Path
    origin: Path
    server: Server


@pytest.fixture(scope="module", params=[s3, ssh], ids=lambda serve: serve.__name__)
def shared(request, study, tmp_path_factory):
    """The study, pushed by its author, whose matrix holds both augmentations by name."""
    folder = tmp_path_factory.mktemp("shared")
    author = folder / "author"
    shutil.copytree(study, author)
    pipeline = yaml.safe_load((author / "dvc.yaml").read_text(encoding="utf-8"))
    for stage in ("augment", "train"):
        pipeline["stages"][stage]["matrix"]["aug"] = ["none", "invert+flip", "${aug}"]
    (author / "dvc.yaml").write_text(yaml.safe_dump(pipeline, sort_keys=False), encoding="utf-8")
    origin = folder / "origin.git"
    run(folder, "git", "init", "--quiet", "--bare", str(origin))
    with request.param(folder / "server") as server:
        add_remote(author, server)
        run(author, "git", "commit", "--quiet", "--all", "-m", "Name the arms and the remote")
        run(author, "git", "remote", "add", "origin", str(origin))
        run(author, "git", "push", "--quiet", "origin", "HEAD")
        print()
        _tell(author, "dvc", "push")
        yield Shared(author, origin, server)


@pytest.fixture
def join(shared, tmp_path):
    """Call it with a name: that teammate clones the study, and has an empty cache."""

    def joined(name):
        teammate = clone(shared.origin, tmp_path / name)
        add_remote(teammate, shared.server)
        return teammate

    return joined


def test_a_teammate_pulls_the_same_bytes(study, join):
    teammate = join("teammate")
    _tell(teammate, "dvc", "pull")
    assert _outputs(teammate) == _outputs(study)
    assert _stages_run(_tell(teammate, "dvc", "repro")) == []


@pytest.mark.s3_will_do
def test_an_arm_of_the_study_computes_no_model(shared, join):
    there, teammate = _objects(shared.server.folder), join("teammate")
    _tell(teammate, *INPUTS_OF_EVALUATE)
    said = _tell(teammate, "dvc", "exp", "run", "--allow-missing", "-S", "aug=none")
    assert _stages_run(said) == ["evaluate"]
    raw = sum(path.stat().st_size for path in (shared.author / "data/raw").rglob("*.*"))
    assert 0 < _fetched(teammate, there) < sum(there.values()) - raw


@pytest.mark.s3_will_do
def test_one_new_cell_fetches_the_prepared_nuclei_alone(shared, join):
    there, teammate = _objects(shared.server.folder), join("teammate")
    cell = ["--pull", "--allow-missing", "-S", "aug=flip", "train@flip-1"]
    said = _tell(teammate, "dvc", "exp", "run", *cell)
    assert _stages_run(said) == ["augment@flip", "train@flip-1"]
    prepared = _outputs(teammate, "data/prepared")
    assert _fetched(teammate, there) < 1.01 * sum(
        (teammate / path).stat().st_size for path in prepared
    )


@pytest.mark.s3_will_do
def test_a_new_arm_computes_its_own_cells_and_reaches_a_teammate(shared, join):
    one, other = join("one"), join("other")
    _tell(one, *INPUTS_OF_EVALUATE)
    words = ["--allow-missing", "--name", "stain", "-S", "aug=stain+flip"]
    assert _stages_run(_tell(one, "dvc", "exp", "run", *words)) == OWN_CELLS
    _tell(one, "dvc", "exp", "push", "origin", "stain")
    there = _objects(shared.server.folder)
    _tell(other, "dvc", "exp", "pull", "origin", "stain")
    _tell(other, "dvc", "exp", "apply", "stain")
    _fetched(other, there)
    assert _outputs(other, "models/stain+flip") == _outputs(one, "models/stain+flip") != {}
    assert _stages_run(_tell(other, "dvc", "repro", "--allow-missing")) == []


@pytest.mark.s3_will_do
def test_what_one_has_run_another_need_not(join):
    one, other = join("one"), join("other")
    for teammate in (one, other):
        path = teammate / "params.yaml"
        params = yaml.safe_load(path.read_text(encoding="utf-8"))
        params["networks"]["tiny"]["learning_rate"] = 0.002
        path.write_text(yaml.safe_dump(params, sort_keys=False), encoding="utf-8")
    cell = ["dvc", "repro", "--pull", "--allow-missing", "train@none-1"]
    assert _stages_run(_tell(one, *cell)) == ["train@none-1"]
    _tell(one, "dvc", "push", "--run-cache")
    assert _stages_run(_tell(other, *cell)) == []
    assert _outputs(other, "models/none/x1") == _outputs(one, "models/none/x1") != {}


@pytest.mark.s3_will_do
def test_a_lost_file_is_named_and_sent_again(shared, join):
    teammate = join("teammate")
    table = _out(teammate, "train@invert+flip-1", "data/training/invert+flip/x1.json")
    _object(shared, table).unlink()
    failed = _try(teammate, "dvc", "pull")
    assert failed.returncode != 0
    assert "data/training/invert+flip/x1.json" in failed.stderr
    _tell(shared.author, "dvc", "push")
    _tell(teammate, "dvc", "pull")


@pytest.mark.s3_will_do
def test_a_lost_file_of_a_folder_is_sent_again_once_the_folders_list_is_gone(shared, join):
    teammate = join("teammate")
    folder = _out(teammate, "prepare", "data/prepared")
    lost = md5((shared.author / "data/prepared/folds.csv").read_bytes()).hexdigest()
    _object(shared, lost).unlink()
    failed = _try(teammate, "dvc", "pull")
    assert failed.returncode != 0
    assert lost in failed.stderr
    # DVC takes a folder for whole on the remote while the list of its files lies there.
    _object(shared, folder).unlink()
    _tell(shared.author, "dvc", "push")
    _tell(teammate, "dvc", "pull")


def test_a_read_only_teammate_pulls_and_cannot_push(study, tmp_path):
    shutil.copytree(study, tmp_path / "author")
    with ssh(tmp_path / "server") as server:
        add_remote(tmp_path / "author", server)
        run(tmp_path / "author", "dvc", "push")
    with ssh(tmp_path / "server", readonly=True) as server:
        teammate = clone(study, tmp_path / "teammate")
        add_remote(teammate, server)
        _tell(teammate, "dvc", "pull")
        assert _outputs(teammate) == _outputs(study)
        (teammate / "mine").write_text("a result", encoding="utf-8")
        run(teammate, "dvc", "add", "mine")
        refused = _try(teammate, "dvc", "push")
    assert refused.returncode != 0
    assert "Permission denied" in refused.stderr


def test_the_chosen_model_is_fetched_by_its_name(study, tmp_path):
    author = shutil.copytree(study, tmp_path / "author")
    run(author, "dvc", "remote", "add", "--default", "storage", str(tmp_path / "storage"))
    _tell(author, "dvc", "push", "train@invert+flip-1")
    run(author, "git", "commit", "--quiet", "--all", "-m", "Share the chosen model")
    run(author, "git", "tag", "-a", "nuclei-classifier@v1.0.0", "-m", "First model")
    _tell(tmp_path, "dvc", "artifacts", "get", str(author), "nuclei-classifier", "--out", "model")
    got = {path.name: path.read_bytes() for path in (tmp_path / "model").iterdir()}
    chosen = (author / "models/invert+flip/x1").iterdir()
    assert got == {path.name: path.read_bytes() for path in chosen}


@pytest.mark.s3_will_do
@pytest.mark.parametrize("serve", [s3, ssh])
def test_two_who_push_at_once_lose_nothing(study, tmp_path, tries, drilled, serve):
    wrong = []
    for number in range(tries):
        folder = tmp_path / str(number)
        with serve(folder / "server") as server:
            clones = [folder / "one", folder / "other"]
            for copy in clones:
                shutil.copytree(study, copy)
                (copy / copy.name).write_bytes(os.urandom(2**20))
                run(copy, "dvc", "add", copy.name)
                add_remote(copy, server)
            pushes = [subprocess.Popen(["dvc", "push"], cwd=c, env=ENVIRONMENT) for c in clones]
            codes = [push.wait(PATIENCE) for push in pushes]
            owed = set().union(*(_objects(copy / ".dvc/cache") for copy in clones))
            if any(codes) or set(_objects(server.folder)) != owed or _torn(server.folder):
                wrong.append(number)
        shutil.rmtree(folder)
    drilled(f"two push to one {serve.__name__} remote at once", tries, len(wrong))
    assert not wrong


def _out(folder, stage, path):
    """The hash by which dvc.lock names an output of a stage."""
    lock = yaml.safe_load((folder / "dvc.lock").read_text(encoding="utf-8"))
    return next(out["md5"] for out in lock["stages"][stage]["outs"] if out["path"] == path)


def _object(shared, name):
    return shared.server.folder / "files/md5" / name[:2] / name[2:]


def _try(folder, *words):
    """Run a command as a reader of the story sees it: its words, then what it said."""
    print(f"{folder.name}$ {' '.join(words)}")
    done = subprocess.run(
        words, cwd=folder, env=ENVIRONMENT, capture_output=True, text=True, timeout=PATIENCE
    )
    told = ("Running stage", "ERROR", "Everything", "Data and pipelines")
    lines = done.stdout.splitlines() + done.stderr.splitlines()
    kept = [
        x
        for x in lines
        if x.startswith(told)
        or x.endswith(("pushed", "fetched", "added", "skipping run, checking out outputs"))
    ]
    print("".join(f"    {line}\n" for line in kept), end="")
    return done


def _tell(folder, *words):
    done = _try(folder, *words)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def _stages_run(said):
    return [line.split("'")[1] for line in said.splitlines() if line.startswith("Running stage")]


def _outputs(folder, *names):
    """The bytes of every file that a stage wrote, without what git holds."""
    roots = [folder / name for name in names or ("data", "models")]
    files = [path for root in roots for path in root.rglob("*") if path.is_file()]
    return {path.relative_to(folder): md5(path.read_bytes()).hexdigest() for path in files}


def _objects(folder):
    """The objects of a cache or of a remote, which share one layout: their sizes by their names."""
    files = [path for path in (folder / "files/md5").rglob("*") if path.is_file()]
    return {f"{path.parent.name}{path.name}": path.stat().st_size for path in files}


def _fetched(folder, there):
    """Tell and return how many bytes of the remote's objects have come into a clone's cache."""
    got = _objects(folder / ".dvc/cache").keys() & there.keys()
    size, whole = sum(there[name] for name in got), sum(there.values())
    print(f"    fetched {len(got)} of {len(there)} files, {size:,} of {whole:,} bytes")
    return size


def _torn(folder):
    """The objects whose content is not what their name says."""
    files = [path for path in (folder / "files/md5").rglob("*") if path.is_file()]
    names = {path: f"{path.parent.name}{path.name}".removesuffix(".dir") for path in files}
    return [path for path in files if md5(path.read_bytes()).hexdigest() != names[path]]
