"""What a process of a study says of a configuration that failed."""

import re
from pathlib import Path

import pytest

from nuclei.study import process


@pytest.mark.parametrize(
    ("script", "error"),
    [
        (
            "print('noise', file=sys.stderr); sys.exit('error: a: b; valid: c')",
            "error: a: b; valid: c",
        ),
        ("raise ValueError('a bug')", "Traceback .*ValueError: a bug"),
        ("os.kill(os.getpid(), 9)", "error: src/augment.py generated ended with -9"),
        ("pass", ""),
    ],
)
def test_an_error_of_the_process_that_makes_pools_is_returned_as_it_stands(
    tmp_path, monkeypatch, script, error
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DVC_STAGE", "")  # which the process sets
    Path("src").mkdir()
    Path("src/augment.py").write_text(f"import os, sys\n{script}\n")
    assert re.fullmatch(error, process.run("augment@generated"), re.DOTALL)
