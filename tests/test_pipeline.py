"""dvc.yaml against the code: a stage depends on exactly what its script imports."""

import ast
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
STAGES = yaml.safe_load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))["stages"]


def _imported(file: Path) -> set[Path]:
    """Return every file of src/ that `file` imports, directly or through another."""
    names = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    files = {ROOT / "src" / f"{name.replace('.', '/')}.py" for name in names}
    found = {path for path in files if path.exists()}
    return found.union(*(_imported(path) for path in found))


@pytest.mark.parametrize("name", STAGES)
def test_a_stage_depends_on_exactly_the_code_it_imports(name):
    script = ROOT / "src" / f"{name}.py"
    needed = {path.relative_to(ROOT).as_posix() for path in _imported(script) | {script}}
    declared = {dep for dep in STAGES[name].get("deps", []) if dep.startswith("src/")}
    assert declared == needed


@pytest.mark.parametrize("name", STAGES)
def test_a_stage_says_what_it_does(name):
    assert STAGES[name]["desc"]


def test_only_train_imports_tensorflow():
    for name in STAGES:
        files = _imported(ROOT / "src" / f"{name}.py")
        heavy = {path.name for path in files if "keras" in path.read_text(encoding="utf-8")}
        assert ("training.py" in heavy) == (name == "train")
