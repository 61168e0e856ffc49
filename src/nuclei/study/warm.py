"""Run one cell after another in this process, with TensorFlow loaded and a network traced once.

It reads a line of JSON per cell and answers in such lines: how many updates it has made since the
last answer; then that the cell is done, or what it said in the end. It ends when nobody listens any
more. See study_worker.py.
"""

from nuclei.pipeline import environment  # noqa: F401, first: it needs no package

# isort: split
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from tempfile import TemporaryFile
from typing import Any, BinaryIO

import augment
import train
from nuclei.augmentation import recipes
from nuclei.core.errors import InputError

LINES = 20  # of what a failed cell has said


def main(core: str = "") -> None:
    """Run the cells that stdin names until it ends, on one core alone if one is named.

    A request holds `name`, such as train@flip-0.5, and `shared`: whether this is a clone, which
    pulls what the cell reads and pushes what it makes.
    """
    if core:
        os.sched_setaffinity(0, {int(core)})
    answers = os.fdopen(os.dup(1), "w", buffering=1)

    def answer(**told: Any) -> None:
        answers.write(json.dumps(told) + "\n")

    with TemporaryFile() as log:
        # What a cell says, TensorFlow below Python included, is told only if it fails.
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
        for line in sys.stdin:
            log.seek(0)  # truncated alone, the next line would begin after as many NULs
            log.truncate()
            request = json.loads(line)
            os.environ["DVC_STAGE"] = name = request["name"]  # as DVC sets it
            run = partial(run_cell, name, _counter(answer))
            try:
                if request["shared"]:
                    from nuclei.dvc_api.clone import run_shared  # DVC takes a second to import

                    run_shared(name, run)
                else:
                    run()
            except Exception as error:
                kind = "error" if isinstance(error, (InputError, OSError)) else type(error).__name__
                answer(failed="\n".join([*_said(log), f"{kind}: {error}"]))
            else:
                answer(done=name)


def run_cell(name: str, advance: Callable[[], None]) -> None:
    """Run the cell of that name in this folder; `advance` is called after every update."""
    stage, _, cell = name.partition("@")
    if stage == "augment" and recipes.generates(cell):
        # In a process of its own: after other trainings, a few made pixels have differed by 1.
        subprocess.run([sys.executable, "src/augment.py", cell], check=True)
    elif stage == "augment":
        augment.main(cell)
    else:
        aug, _, volume = cell.rpartition("-")
        train.configuration(aug, volume, advance)


def _counter(answer: Callable[..., None]) -> Callable[[], None]:
    count, told = 0, time.monotonic()

    def advance() -> None:
        nonlocal count, told
        count += 1
        if (now := time.monotonic()) - told > 0.5:
            answer(updates=count)  # fails where nobody listens: the process ends
            count, told = 0, now

    return advance


def _said(log: BinaryIO) -> list[str]:
    sys.stdout.flush()
    sys.stderr.flush()
    log.seek(0)
    return log.read().decode(errors="replace").splitlines()[-LINES:]


if __name__ == "__main__":
    main(*sys.argv[1:])
