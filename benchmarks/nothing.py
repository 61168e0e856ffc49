"""Seconds until DVC finds nothing to do in the whole study, and until a stage's script has started.

The study is a throwaway clone with this repository's outputs; committing them to DVC there makes it
up to date by definition, so no stage ever runs. TensorFlow is not part of the start of train, which
imports it after the words of the command line are checked: benchmarks/training.py has its seconds.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import results

ROOT = Path(__file__).parents[1]
ROUNDS = 9
ENVIRONMENT = os.environ | {
    "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    "DVC_NO_ANALYTICS": "1",
}
NOTHING = (sys.executable, "-c", "pass")
DVC = (sys.executable, "-m", "dvc")
STAGES = ("simulate", "prepare", "augment", "train", "evaluate")


def main() -> None:
    """Print each command's median seconds, and how often Python starts and ends in that time."""
    commands = {"dvc repro": (*DVC, "repro"), "dvc status": (*DVC, "status")}
    # Words that no stage takes end a script in its usage line, after its imports.
    for name in STAGES:
        commands[f"start of {name}"] = (sys.executable, f"src/{name}.py", "too", "many", "words")
    with tempfile.TemporaryDirectory() as place:
        study = _up_to_date(Path(place, "study"))
        seconds = {name: [] for name in ("python -c pass", *commands)}
        for _ in range(ROUNDS):
            seconds["python -c pass"].append(_seconds(study, NOTHING))
            for name, words in commands.items():
                seconds[name].append(_seconds(study, words))
    rows = {name: _row(name, seconds[name], seconds["python -c pass"]) for name in seconds}
    results.record("nothing", {"rounds": ROUNDS, **rows})


def _up_to_date(study: Path) -> Path:
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(study)], check=True)
    for folder in ("data", "models"):
        shutil.copytree(ROOT / folder, study / folder, symlinks=True, dirs_exist_ok=True)
    subprocess.run([*DVC, "commit", "--quiet", "--force"], cwd=study, env=ENVIRONMENT, check=True)
    status = subprocess.run([*DVC, "status"], cwd=study, env=ENVIRONMENT, capture_output=True)
    if b"up to date" not in status.stdout:
        sys.exit(f"the study lacks outputs, say `make study` first:\n{status.stdout.decode()}")
    return study


def _seconds(study: Path, words: tuple[str, ...]) -> float:
    start = time.perf_counter()
    subprocess.run(words, cwd=study, env=ENVIRONMENT, capture_output=True)
    return time.perf_counter() - start


def _row(name: str, seconds: list[float], start: list[float]) -> dict[str, float]:
    multiples = sorted(a / b for a, b in zip(seconds, start, strict=True))
    row = {"seconds": median(seconds), "min": min(seconds), "max": max(seconds)}
    row |= {"multiple": median(multiples), "multiple_min": multiples[0]}
    row["multiple_max"] = multiples[-1]
    print(
        f"{name:<17} {row['seconds']:6.3f} s ({row['min']:.3f} to {row['max']:.3f})  "
        f"{row['multiple']:5.1f} × ({multiples[0]:.1f} to {multiples[-1]:.1f}) a start of Python"
    )
    return row


if __name__ == "__main__":
    main()
