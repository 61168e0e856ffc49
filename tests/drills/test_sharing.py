"""A study is shared through real remotes: what a teammate gets, computes anew, and fetches."""

import os
import shutil
import subprocess
from hashlib import md5
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml
from conftest import ENVIRONMENT, clone, run
from servers import Server, add_remote, s3, ssh

OWN_CELLS = ["augment@stain+flip", "train@stain+flip-0.5", "train@stain+flip-1", "evaluate"]


class Shared(NamedTuple):
    """A study that lies in two places: its code in a bare git repository, its data on a server."""

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
        yield Shared(origin, server)


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


def test_an_arm_of_the_study_computes_no_model(shared, join):
    there, teammate = _objects(shared.server.folder), join("teammate")
    said = _tell(teammate, "dvc", "exp", "run", "--pull", "--allow-missing", "-S", "aug=none")
    assert _stages_run(said) == ["evaluate"]
    fetched = _fetched(teammate, there)
    assert 0 < fetched < sum(there.values())


def test_a_new_arm_computes_its_own_cells_and_reaches_a_teammate(shared, join):
    there, one, other = _objects(shared.server.folder), join("one"), join("other")
    words = ["--pull", "--allow-missing", "--name", "stain", "-S", "aug=stain+flip"]
    assert _stages_run(_tell(one, "dvc", "exp", "run", *words)) == OWN_CELLS
    _fetched(one, there)
    _tell(one, "dvc", "exp", "push", "origin", "stain")
    _tell(other, "dvc", "exp", "pull", "origin", "stain")
    _tell(other, "dvc", "exp", "apply", "stain")
    assert _outputs(other, "models/stain+flip") == _outputs(one, "models/stain+flip")
    assert _stages_run(_tell(other, "dvc", "repro", "--pull", "--allow-missing")) == []


def test_what_one_has_run_another_need_not(join):
    one, other = join("one"), join("other")
    for name in (one, other):
        _tell(name, "dvc", "pull", "--run-cache")
        params = (name / "params.yaml").read_text(encoding="utf-8")
        changed = params.replace("learning_rate: 0.003", "learning_rate: 0.002")
        (name / "params.yaml").write_text(changed, encoding="utf-8")
    assert _stages_run(_tell(one, "dvc", "repro", "train@none-0.5")) == ["train@none-0.5"]
    _tell(one, "dvc", "push", "--run-cache")
    _tell(other, "dvc", "pull", "--run-cache")
    assert _stages_run(_tell(other, "dvc", "repro", "train@none-0.5")) == []
    assert _outputs(other, "models/none/x0.5") == _outputs(one, "models/none/x0.5")


def test_a_lost_object_is_named(shared, join):
    teammate = join("teammate")
    lock = yaml.safe_load((teammate / "dvc.lock").read_text(encoding="utf-8"))
    table = lock["stages"]["train@none-1"]["outs"][0]
    lost = shared.server.folder / "files/md5" / table["md5"][:2] / table["md5"][2:]
    kept = lost.read_bytes()
    lost.unlink()
    try:
        failed = _try(teammate, "dvc", "pull")
    finally:
        lost.write_bytes(kept)
    assert failed.returncode != 0
    assert table["path"] in failed.stderr


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
            codes = [push.wait() for push in pushes]
            owed = set().union(*(_objects(copy / ".dvc/cache") for copy in clones))
            if any(codes) or set(_objects(server.folder)) != owed or _torn(server.folder):
                wrong.append(number)
        shutil.rmtree(folder)
    drilled(f"two push to one {serve.__name__} remote at once", tries, len(wrong))
    assert not wrong


def _try(folder, *words):
    """Run a command as a reader of the story sees it: its words, then what it said."""
    print(f"{folder.name}$ {' '.join(words)}")
    done = subprocess.run(words, cwd=folder, env=ENVIRONMENT, capture_output=True, text=True)
    told = ("Running stage", "ERROR", "Stage", "Everything", "Data and pipelines")
    lines = done.stdout.splitlines() + done.stderr.splitlines()
    kept = [x for x in lines if x.startswith(told) or x.endswith(("pushed", "fetched", "added"))]
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
    kept = [path for path in files if ".unfinished" not in path.parts]
    return {path.relative_to(folder): md5(path.read_bytes()).hexdigest() for path in kept}


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
