"""dvc.yaml and the packages against the code: who depends on whom."""

import ast
from pathlib import Path

import pytest
import yaml
from commands import ROOT

SRC = ROOT / "src"
STAGES = yaml.safe_load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))["stages"]
# They start and end every stage, and say whether one runs: nothing that a stage writes.
NO_DEPENDENCY = {SRC / "environment.py", SRC / "stage.py"}
# Train augments in memory, for fresh draws, and depends on a file that stands for the code of that:
# it changes where a picture would (test_augment.py), so a new operation outdates no other's cell.
STOOD_FOR = {*(SRC / "nuclei/augmentation").glob("*.py"), SRC / "nuclei/stains.py"}
STANDS_FOR_IT = "data/fresh/${item.aug}.json"
# Evaluate asks the operations what their numbers mean, and depends on their package as a whole: it
# imports all but this one; of the statistics it leaves one to augment.
BESIDES = {
    "evaluate": {SRC / "nuclei/augmentation/fresh.py", SRC / "nuclei/statistics/made_nuclei.py"}
}
# Augment imports TensorFlow for an arm that generates alone: test_augment.py.
MAY_IMPORT_TENSORFLOW = {"train", "augment"}
# From the first stage's to the last one's: none may import what stands after it.
PACKAGES = ["params", "simulation", "layouts", "augmentation", "training", "statistics", "report"]


def _modules(file: Path) -> set[Path]:
    """Return the files of src/ that `file` itself imports, packages' __init__.py included."""
    names = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    parts = [name.split(".") for name in names]
    names |= {".".join(part[:length]) for part in parts for length in range(1, len(part))}
    paths = [SRC / name.replace(".", "/") for name in names]
    found = [path.with_suffix(".py") for path in paths] + [path / "__init__.py" for path in paths]
    return {path for path in found if path.exists()}


def _imported(file: Path, seen: frozenset = frozenset()) -> set[Path]:
    """Return every file of src/ that `file` imports, directly or through another."""
    found = _modules(file) - NO_DEPENDENCY - seen
    return found.union(*(_imported(path, seen | found) for path in found))


def _files(dependency: str) -> set[Path]:
    path = ROOT / dependency
    return set(path.rglob("*.py")) if path.is_dir() else {path}


@pytest.mark.parametrize("name", STAGES)
def test_a_stage_depends_on_exactly_the_code_it_imports(name):
    script = SRC / f"{name}.py"
    declared = [dep for dep in STAGES[name].get("deps", []) if dep.startswith("src/")]
    covered = set().union(*map(_files, declared))
    excused = STOOD_FOR if name == "train" else set()
    assert covered - BESIDES.get(name, set()) == (_imported(script) | {script}) - excused


def test_what_stands_for_code_is_made_by_a_stage_that_depends_on_all_of_it():
    assert STANDS_FOR_IT in STAGES["train"]["deps"]
    assert STANDS_FOR_IT in STAGES["augment"]["outs"]
    assert _imported(SRC / "train.py") >= STOOD_FOR  # else the exception is of no use
    assert set().union(*map(_files, STAGES["augment"]["deps"])) >= STOOD_FOR


@pytest.mark.parametrize("name", STAGES)
def test_a_stage_says_what_it_does(name):
    assert STAGES[name]["desc"]


@pytest.mark.parametrize("name", STAGES)
def test_only_what_trains_imports_tensorflow(name):
    files = _imported(SRC / f"{name}.py")
    heavy = {path.name for path in files if "import tensorflow" in path.read_text(encoding="utf-8")}
    assert bool(heavy) == (name in MAY_IMPORT_TENSORFLOW)


def _package(file: Path) -> str | None:
    inside = file.relative_to(SRC / "nuclei").parts
    return inside[0] if len(inside) > 1 else None


@pytest.mark.parametrize(
    "file", sorted((SRC / "nuclei").rglob("*.py")), ids=lambda file: str(file.relative_to(SRC))
)
def test_no_module_reaches_into_a_later_stages_package_or_out_of_the_library(file):
    own = _package(file)
    for other in _modules(file):
        assert other.is_relative_to(SRC / "nuclei"), f"{other.name} is a script's"
        package = _package(other)
        if package and package != own:
            # What several need lies beside the packages and knows at most the params' schemas.
            assert package == "params" if own is None else package in PACKAGES
            assert own is None or PACKAGES.index(package) < PACKAGES.index(own)


@pytest.mark.parametrize("file", sorted(SRC.rglob("*.py")), ids=lambda f: str(f.relative_to(SRC)))
def test_no_module_imports_itself_through_others(file):
    assert file not in _imported(file) or file.name == "__init__.py"


@pytest.mark.parametrize("file", sorted(SRC.rglob("*.py")), ids=lambda f: str(f.relative_to(SRC)))
def test_no_file_is_long(file):
    assert len(file.read_text(encoding="utf-8").splitlines()) <= 250
