"""How the script of a stage starts and ends: its guards and its errors.

No stage depends on this module in dvc.yaml: it decides whether a stage runs, not what it writes.
"""

import gc
import os
import sys
from collections.abc import Callable
from inspect import signature
from pathlib import Path

from nuclei.pipeline import environment  # noqa: F401, before it imports what may be missing
from nuclei.pipeline.params import StudyParams

from nuclei.core import files
from nuclei.core.errors import InputError
from nuclei.core.outputs import output  # noqa: F401, a script's stage.output


def run(main: Callable[..., None]) -> None:
    """Call a stage's `main` with the command line's words, if params.yaml and its inputs are right.

    A user's mistake ends in one line, with exit code 1.
    """
    script, *words = sys.argv
    try:
        _guard()
        try:
            signature(main).bind(*words)
        except TypeError:
            names = " ".join(name.upper() for name in signature(main).parameters)
            sys.exit(f"usage: {Path(script).name} {names}")
        gc.freeze()  # what was imported stays: searched for waste, it takes a stage up to 3 seconds
        main(*words)
    except (InputError, OSError) as error:
        # One line, even where the name of a file or a key holds a line end.
        sys.exit(f"error: {' '.join(str(error).split())}")


def _guard() -> None:
    """Check all of params.yaml; under DVC, also that the inputs are what DVC recorded."""
    name = os.environ.get("DVC_STAGE", "")
    try:
        aug = files.read_params(StudyParams).aug
        if name.startswith("augment@"):
            from nuclei.augmentation import recipes  # this stage imports it anyway

            recipes.parse(aug)
    except InputError as error:
        hint = "; what `-S` has set stays there: `git checkout params.yaml` takes it back"
        raise InputError(f"{error}{hint if name else ''}") from None
    if name:
        from nuclei.dvc_api.files import check_inputs_of  # DVC takes half a second to import

        check_inputs_of(name)
