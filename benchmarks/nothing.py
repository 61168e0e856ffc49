"""Seconds until DVC finds nothing to do, and until a stage's script has imported what it needs."""

import os
import subprocess
import sys
import time
from pathlib import Path
from statistics import median

import results

ROOT = Path(__file__).parents[1]
ROUNDS = 7
PYTHON = [sys.executable, "-c", "pass"]
STAGES = ("simulate", "prepare", "augment", "train", "evaluate")


def main() -> None:
    """Print each command's median seconds, and how often it takes the time of its yardstick."""
    dvc = [sys.executable, "-m", "dvc"]
    found = {"dvc": _compare({"dvc repro": [*dvc, "repro"], "dvc status": [*dvc, "status"]})}
    # A word too many ends a script in its usage line, after its imports.
    starts = {name: [sys.executable, f"src/{name}.py", *"words"] for name in STAGES}
    for name, words in starts.items():
        found[name] = _compare({f"start of {name}": words, "python -c pass": PYTHON})
    results.record("nothing", found)


def _compare(commands: dict[str, list[str]]) -> dict:
    rates = {name: [] for name in commands}
    for _ in range(ROUNDS):
        for name, words in commands.items():
            rates[name].append(1 / _seconds(words))
    (name, ours), (yardstick, theirs) = rates.items()
    multiples = sorted(b / a for a, b in zip(ours, theirs, strict=True))
    row = {"seconds": 1 / median(ours), "multiple": median(multiples)}
    row |= {"min": multiples[0], "max": multiples[-1]}
    print(
        f"{name}: {row['seconds']:.2f} s, {row['multiple']:.1f} × "
        f"({row['min']:.1f} to {row['max']:.1f}) of {yardstick}"
    )
    return row


def _seconds(words: list[str]) -> float:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    start = time.perf_counter()
    subprocess.run(words, cwd=ROOT, env=os.environ | {"PATH": path}, capture_output=True)
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
