"""Imported first by every script: says in one line that Python is not the project's own.

It imports nothing that only the project's environment has.
"""

import sys
from importlib.util import find_spec

NEEDED = ("cv2", "dvc", "matplotlib", "numpy", "pandas", "pydantic", "tensorflow")


def missing() -> list[str]:
    """Return the packages that this Python does not have."""
    return [name for name in NEEDED if find_spec(name) is None]


if lacking := missing():
    sys.exit(
        f"error: {sys.executable} lacks {', '.join(lacking)}; type `source .venv/bin/activate` "
        "(where there is no .venv, `make install` first), then the same again"
    )
