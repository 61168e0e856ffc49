"""What dvc.lock recorded is what the files hold: no commit has a study of other code or params."""

import hashlib
import itertools
import json
import re
import shutil
from pathlib import Path

import pathspec
import pytest
from commands import ROOT, run
from ruamel.yaml import YAML

RENEW = "run `make study`, and commit dvc.lock, metrics and plots with the code"


def _read(path: Path) -> dict:
    return YAML(typ="safe").load(path.read_text(encoding="utf-8"))


def _md5(path: Path, root: Path = ROOT) -> str:
    """Return the hash by which DVC records a file or a folder of the repository `root`.

    A folder's is that of the JSON list of its files' hashes, sorted by path, plus `.dir`. Files
    that .dvcignore names are left out.
    """
    if path.is_file():
        return hashlib.md5(path.read_bytes()).hexdigest()
    ignored = pathspec.GitIgnoreSpec.from_lines(
        (root / ".dvcignore").read_text(encoding="utf-8").splitlines()
    )
    files = {
        file.relative_to(path).as_posix(): _md5(file)
        for file in path.rglob("*")
        if file.is_file() and not ignored.match_file(file.relative_to(root))
    }
    listing = [{"md5": files[name], "relpath": name} for name in sorted(files)]
    return hashlib.md5(json.dumps(listing).encode()).hexdigest() + ".dir"


def _value(params: dict, key: str):
    """Return the value at a dotted key such as `networks.small`."""
    for part in key.split("."):
        params = params[part]
    return params


def _filled(text: str, item: dict, params: dict) -> str:
    """Put matrix values and params where `${item.KEY}` and `${KEY}` stand."""
    values = {f"item.{key}": value for key, value in item.items()}
    return re.sub(
        r"\$\{(.+?)\}",
        lambda match: str(values[match[1]] if match[1] in values else _value(params, match[1])),
        text,
    )


def _defined(root: Path = ROOT) -> dict[str, dict]:
    """Return the entry that dvc.lock must hold of every stage, by name and in dvc.yaml's order.

    Of dependencies and outputs, those that git holds: the code, metrics and plots.
    """
    params, entries = _read(root / "params.yaml"), {}
    for stage, definition in _read(root / "dvc.yaml")["stages"].items():
        matrix = {
            axis: dict.fromkeys(_filled(str(value), {}, params) for value in values)
            for axis, values in definition.get("matrix", {}).items()
        }
        for values in itertools.product(*matrix.values()):
            item = dict(zip(matrix, values, strict=True))
            keys = [_filled(key, item, params) for key in definition.get("params", ())]
            places = [_filled(dep, item, params) for dep in definition["deps"]]
            places = [place for place in places if not place.startswith("data/")]
            uncached = [out for out in definition["outs"] if isinstance(out, dict)]
            places += [place for out in uncached for place in out]
            entries["@".join([stage, "-".join(values)]) if values else stage] = {
                "cmd": _filled(definition["cmd"], item, params),
                "files": {place: _md5(root / place, root) for place in places},
                "params": {key: _value(params, key) for key in keys},
            }
    return entries


def _recorded(root: Path = ROOT) -> dict[str, dict]:
    """Return the same of every stage as dvc.lock records it."""
    return {
        name: {
            "cmd": entry["cmd"],
            "files": {
                file["path"]: file["md5"]
                for file in entry.get("deps", []) + entry["outs"]
                if not file["path"].startswith(("data/", "models/"))
            },
            "params": entry.get("params", {}).get("params.yaml", {}),
        }
        for name, entry in _read(root / "dvc.lock")["stages"].items()
    }


def test_dvc_lock_records_every_stage_of_the_study():
    recorded = _recorded()
    missing = [name for name in _defined() if name not in recorded]
    assert not missing, f"dvc.lock has no entry of {missing[0]}: {RENEW}"


def test_dvc_lock_records_no_stage_that_dvc_yaml_lacks():
    left = [name for name in _recorded() if name not in _defined()]
    assert not left, f"dvc.lock has an entry of {left[0]}, which dvc.yaml lacks: remove it"


def test_dvc_lock_was_recorded_with_the_code_and_params_beside_it():
    recorded = _recorded()
    for name, entry in _defined().items():
        for kind in ("files", "params"):
            now, then = entry[kind], recorded.get(name, entry)[kind]
            for what in (*now, *then):
                assert now.get(what) == then.get(what), f"{name}: {what} has changed: {RENEW}"
        assert entry["cmd"] == recorded.get(name, entry)["cmd"], f"{name}: its cmd: {RENEW}"


IGNORE = "__pycache__\n.*.unfinished*\n/plots/tissue\n"
PIPELINE = """
stages:
  first:
    matrix: {size: [1, "${size}", inf], kind: [one]}
    cmd: mkdir -p data/${item.size}/${item.kind}
    params: [seed, "networks.${network}"]
    deps: [code, more/a.py]
    outs: ["data/${item.size}"]
  last:
    cmd: mkdir -p plots/tissue && echo 1 > plots/tissue/a && echo 2 > plots/a && echo 3 > metrics
    deps: [data/1, code]
    outs: [plots: {cache: false}, metrics: {cache: false}]
"""
PARAMS = "seed: 1\nsize: 2.5\nnetwork: small\nnetworks: {small: {rate: 1.0e-05}}\n"


def _write(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """A repository of two stages that DVC has run, with a folder of code and ignored files."""
    folder = tmp_path_factory.mktemp("small")
    run(folder, "dvc", "init", "--no-scm", "--quiet")
    _write(folder, {".dvcignore": IGNORE, "dvc.yaml": PIPELINE, "params.yaml": PARAMS})
    _write(folder, dict.fromkeys(["code/a.py", "code/B/b.py", "code/a/c.py", "more/a.py"], "a"))
    _write(folder, dict.fromkeys(["code/__pycache__/a.pyc", "code/.a.unfinished-1"], "x"))
    run(folder, "dvc", "repro", "--quiet")
    return folder


def test_an_entry_is_worked_out_as_dvc_records_it(small):
    assert list(_defined(small)) == ["first@1-one", "first@2.5-one", "first@inf-one", "last"]
    assert _defined(small) == _recorded(small)


@pytest.mark.parametrize("name", ["code/B/b.py", "code/new.py", "more/a.py", "plots/a", "metrics"])
def test_an_entry_of_other_files_differs(small, tmp_path, name):
    study = shutil.copytree(small, tmp_path / "study")
    _write(study, {name: "other"})
    assert _defined(study) != _recorded(study)


def test_an_entry_of_other_params_differs(small, tmp_path):
    study = shutil.copytree(small, tmp_path / "study")
    _write(study, {"params.yaml": PARAMS.replace("1.0e-05", "1.0e-04")})
    assert _defined(study) != _recorded(study)
