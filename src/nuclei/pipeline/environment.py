"""End a Python that lacks the project's packages in one line that says what to type.

It is imported before those packages: pyproject.toml has ruff sort `nuclei.pipeline` first.
"""

import sys
from importlib.util import find_spec

NEEDED = ("cv2", "dvc", "matplotlib", "numpy", "pandas", "pydantic", "tensorflow")

if missing := [name for name in NEEDED if find_spec(name) is None]:
    sys.exit(
        f"error: {sys.executable} lacks {', '.join(missing)}; type `source .venv/bin/activate` "
        "(where there is no .venv, `make install` first), then the same again"
    )
