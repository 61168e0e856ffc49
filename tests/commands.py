"""How tests run commands in a study's folder, as its user would."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
NUCLEI = [sys.executable, "-m", "nuclei.cli.main"]  # the command `nuclei`, of a study's own code
ENVIRONMENT = (
    os.environ
    | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "DVC_NO_ANALYTICS": "1",
        "PYTHONPATH": "src",  # a study's own copy of the code goes before the installed one
    }
    | {
        f"GIT_{who}_{what}": "tester@example.org"
        for who in ("AUTHOR", "COMMITTER")
        for what in ("NAME", "EMAIL")
    }
)


def run(folder, *words):
    """Run a command that must succeed; return what it said."""
    done = subprocess.run(words, cwd=folder, env=ENVIRONMENT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def clone(study, folder):
    """Clone a study as a teammate would: what git holds, an empty cache."""
    run(study, "git", "clone", "--quiet", str(study), str(folder))
    return folder
