"""The structure of the code: what dvc.yaml says of it, who imports whom, how long files are."""

import ast
from pathlib import Path

import pytest
import yaml
from commands import ROOT

SRC = ROOT / "src"
PIPELINE = yaml.safe_load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))
STAGES = PIPELINE["stages"]
FILES = sorted(SRC.rglob("*.py"))
# Imports point to the left: a package uses those before it, and none after it.
PACKAGES = ["core", "simulation", "qupath", "data", "augmentation", "training", "generation"]
PACKAGES += ["statistics", "report", "dvc_api", "pipeline", "study", "cli"]
# They start and end a stage and say whether it runs: nothing that it writes.
SHELL = {"dvc_api", "pipeline"}
# Fresh draws, the volume inf, augment in memory. The stored copies stand for that code: a training
# compares what it draws with them (test_train.py), so a new operation outdates no other training.
STOOD_FOR = {"train": "augmentation"}
MAY_IMPORT_TENSORFLOW = {"train", "augment"}  # augment only for synthetic nuclei: test_augment.py
MOST_LINES, MOST_DEPENDENCIES = 250, 6


def _named(file):
    return str(file.relative_to(SRC))


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


def _package(file: Path) -> str | None:
    """The package of src/nuclei that a file belongs to; None for a script and for nuclei itself."""
    parts = file.relative_to(SRC).parts
    return parts[1] if len(parts) > 2 else None


def _imported(file: Path, seen: frozenset = frozenset()) -> set[Path]:
    """Return every file of src/ that `file` imports, directly or through another."""
    found = _modules(file) - seen
    return found.union(*(_imported(path, seen | found) for path in found))


def _needed(name: str) -> set[Path]:
    """Return the files that decide what a stage writes: what its script imports, but the shell."""
    script, found, left = SRC / f"{name}.py", set(), [SRC / f"{name}.py"]
    while left:
        modules = {file for file in _modules(left.pop()) if _package(file) not in SHELL}
        left += modules - found
        found |= modules
    return found | {script}


def _covered(name: str) -> list[set[Path]]:
    """Return the files of each of a stage's dependencies on code."""
    places = [ROOT / dep for dep in STAGES[name]["deps"] if dep.startswith("src/")]
    return [set(place.rglob("*.py")) if place.is_dir() else {place} for place in places]


def test_the_top_of_src_holds_the_five_stages_and_nothing_else():
    assert {path.name for path in SRC.glob("*.py")} == {f"{name}.py" for name in STAGES}
    assert len(STAGES) == 5
    assert {path.name for path in (SRC / "nuclei").iterdir() if path.is_dir()} >= set(PACKAGES)


def test_every_package_has_its_place_in_the_order():
    folders = {path.name for path in (SRC / "nuclei").iterdir() if (path / "__init__.py").exists()}
    assert folders == set(PACKAGES)


def test_dvc_yaml_can_be_read():
    assert len((ROOT / "dvc.yaml").read_text(encoding="utf-8").splitlines()) <= 160


@pytest.mark.parametrize("name", STAGES)
def test_a_stage_depends_on_a_few_places_of_the_code(name):
    assert len(_covered(name)) <= MOST_DEPENDENCIES


@pytest.mark.parametrize("name", STAGES)
def test_a_stage_depends_on_the_code_it_imports_and_on_no_other(name):
    needed, covered = _needed(name), _covered(name)
    needed -= {file for file in needed if _package(file) == STOOD_FOR.get(name, "")}
    assert needed - set().union(*covered, {SRC / "nuclei/__init__.py"}) == set()
    for place in covered:
        assert place & needed, f"{name} depends on {sorted(place)[0]} and imports nothing of it"


def test_the_code_that_stored_copies_stand_for_is_a_dependency_of_the_stage_that_writes_them():
    for name, package in STOOD_FOR.items():
        assert f"src/nuclei/{package}" in STAGES["augment"]["deps"]
        assert "data/augmented/${item.aug}" in STAGES[name]["deps"]
        assert any(_package(file) == package for file in _needed(name))  # else it is of no use


@pytest.mark.parametrize("name", STAGES)
def test_a_stage_says_what_it_does(name):
    assert STAGES[name]["desc"]


@pytest.mark.parametrize("name", STAGES)
def test_only_what_trains_imports_tensorflow(name):
    files = _needed(name)
    heavy = {path.name for path in files if "import tensorflow" in path.read_text(encoding="utf-8")}
    assert bool(heavy) == (name in MAY_IMPORT_TENSORFLOW)


@pytest.mark.parametrize("file", [file for file in FILES if _package(file)], ids=_named)
def test_a_package_imports_only_packages_before_it(file):
    own = PACKAGES.index(_package(file))
    for other in _modules(file):
        if package := _package(other):
            assert PACKAGES.index(package) <= own, f"{_named(file)} imports {_named(other)}"


@pytest.mark.parametrize("file", FILES, ids=_named)
def test_no_module_imports_itself_through_others(file):
    assert file not in _imported(file) or file.name == "__init__.py"


@pytest.mark.parametrize("file", FILES, ids=_named)
def test_no_file_is_long(file):
    assert len(file.read_text(encoding="utf-8").splitlines()) <= MOST_LINES


def test_dvcs_own_python_code_is_used_in_one_place():
    for file in FILES:
        if _package(file) != "dvc_api":
            text = file.read_text(encoding="utf-8")
            assert "from dvc" not in text and "import dvc\n" not in text, _named(file)
