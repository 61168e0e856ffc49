"""Seconds of a whole augment stage against a plain write of the same bytes to the same disk.

Stage and plain write both end with the bytes on the disk, not in the kernel's memory; the stage's
time begins with the start of Python. The folder for temporary files has to lie on the disk meant.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
import results

ROOT = Path(__file__).parents[1]
RECIPES = ("crop", "rotation", "flip", "invert", "invert+rotation", "invert+flip")
ROUNDS, NUCLEI, SIDE, COPIES = 5, 40_000, 64, 2


def main() -> None:
    """Print a row per recipe of the notebook."""
    with tempfile.TemporaryDirectory() as place:
        study = _prepared(Path(place))
        rates = {recipe: _compare(study, recipe) for recipe in RECIPES}
    results.record("writing", rates)


def _prepared(study: Path) -> Path:
    shutil.copy(ROOT / "params.yaml", study)
    folder = study / "data/prepared"
    folder.mkdir(parents=True)
    random = np.random.default_rng(1)
    np.save(folder / "nuclei.npy", random.integers(0, 256, (NUCLEI, SIDE, SIDE, 3), dtype=np.uint8))
    ids = [f"nucleus-{number}" for number in range(NUCLEI)]
    pd.DataFrame({"id": ids}).to_csv(folder / "nuclei.csv", index=False)
    return study


def _compare(study: Path, recipe: str) -> dict:
    megabytes = COPIES * (study / "data/prepared/nuclei.npy").stat().st_size / 1e6
    ways = {"ours": lambda: _stage(study, recipe), "plain write": lambda: _plain(study)}
    rates = {name: [] for name in ways}
    for _ in range(ROUNDS):
        for name, way in ways.items():
            os.sync()
            start = time.perf_counter()
            way()
            rates[name].append(megabytes / (time.perf_counter() - start))
    return results.compared(f"augment stage, {recipe}", rates, "MB/s")


def _stage(study: Path, recipe: str) -> None:
    command = [sys.executable, ROOT / "src/augment.py", recipe]
    subprocess.run(command, cwd=study, check=True)
    for path in (study / "data/augmented" / recipe).iterdir():
        with path.open("rb") as file:
            os.fsync(file)


def _plain(study: Path) -> None:
    crops = np.load(study / "data/prepared/nuclei.npy")
    for copy in range(COPIES):
        with (study / f"plain-{copy}").open("wb") as file:
            file.write(crops)
            os.fsync(file)


if __name__ == "__main__":
    main()
