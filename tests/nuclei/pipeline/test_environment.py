"""A script that another Python runs says what to type, in one line."""

import subprocess
import sys

import pytest
from commands import ROOT

SCRIPTS = sorted(
    path.name for path in (ROOT / "src").glob("*.py") if "__main__" in path.read_text("utf-8")
)


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_python_without_the_packages_is_told_in_one_line(script):
    bare = [sys.executable, "-S", "-E", str(ROOT / "src" / script)]  # -S: without site-packages
    done = subprocess.run(bare, capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 1
    assert done.stderr.startswith("error: ") and done.stderr.count("\n") == 1
    assert "numpy" in done.stderr and "`source .venv/bin/activate`" in done.stderr
