"""Seconds and peak memory of each stage but train, from 2,000 to 220,000 nuclei.

The predictions that `evaluate` scores are made up: a random softmax for every test nucleus, repeat
and cell of the full matrix.
"""

import json
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
import psutil
import results
import yaml

ROOT = Path(__file__).parents[1]
SIZES = {2_000: (36, 1, 60), 20_000: (54, 6, 62), 220_000: (120, 15, 122)}
CLASSES = ["stromal", "TIL", "tumor"]


def main() -> None:
    """Print a row per size and stage."""
    sizes = [int(word) for word in sys.argv[1:]] or list(SIZES)
    results.record("growth", {str(size): _size(size) for size in sizes})


def _size(size: int) -> dict:
    with tempfile.TemporaryDirectory() as place:
        folder = _repository(Path(place), *SIZES[size])
        rows = {name: _measured(folder, name) for name in ("simulate", "prepare")}
        nuclei = _kept(folder)
        rows["augment"] = _measured(folder, "augment", "invert+flip")
        _make_up_predictions(folder)
        rows["evaluate"] = _measured(folder, "evaluate")
    for name, row in rows.items():
        per = row["seconds"] / nuclei * 1000
        print(
            f"{nuclei:>8,} nuclei  {name:<9} {row['seconds']:7.1f} s  {per:6.3f} s per 1,000  "
            f"{row['peak'] / 1e6:6.0f} MB",
            flush=True,
        )
    return {"nuclei": nuclei, **rows}


def _repository(place: Path, patients: int, fields: int, nuclei: int) -> Path:
    folder = place / "study"
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "src", folder / "src", ignore=ignored)
    shutil.copy(ROOT / "dvc.yaml", folder)
    changed = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    changed["simulate"] |= {"patients": patients, "fields": fields, "nuclei": nuclei}
    (folder / "params.yaml").write_text(yaml.safe_dump(changed), encoding="utf-8")
    subprocess.run(["git", "init", "--quiet"], cwd=folder, check=True)
    subprocess.run([sys.executable, "-m", "dvc", "init", "--quiet"], cwd=folder, check=True)
    return folder


def _measured(folder: Path, name: str, *words: str) -> dict:
    """Run a stage's script; its seconds, and the peak of all its processes' memory together."""
    start, peak = time.perf_counter(), 0
    command = [sys.executable, f"src/{name}.py", *words]
    stage = psutil.Popen(command, cwd=folder, stdout=subprocess.DEVNULL)
    while stage.poll() is None:
        try:
            family = [stage, *stage.children(recursive=True)]
            peak = max(peak, sum(process.memory_info().rss for process in family))
        except psutil.NoSuchProcess:
            pass
        time.sleep(0.02)
    if stage.returncode:
        sys.exit(f"{name} failed")
    return {"seconds": time.perf_counter() - start, "peak": peak}


def _kept(folder: Path) -> int:
    summary = json.loads((folder / "data/prepared/summary.json").read_text(encoding="utf-8"))
    return summary["rows"]["kept"]


def _make_up_predictions(folder: Path) -> None:
    random = np.random.default_rng(1)
    test = pd.read_csv(folder / "data/prepared/test.csv", dtype=str)
    shape = yaml.safe_load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))
    augs = shape["stages"]["augment"]["matrix"]["aug"][:-1]
    record = json.loads((ROOT / "data/training/none/x1.json").read_text(encoding="utf-8"))
    for aug in augs:
        own = folder / "data/augmented" / aug
        if not own.exists():
            own.symlink_to("invert+flip")
        for volume in ("0.5", "1", "2"):
            tables = []
            for repeat in range(3):
                table = test[["id", "label", "patient", "site"]].copy()
                table.insert(0, "repeat", repeat)
                table[CLASSES] = random.dirichlet(np.ones(3), len(test)).round(6)
                tables.append(table)
            for kind in ("predictions", "training"):
                (folder / "data" / kind / aug).mkdir(parents=True, exist_ok=True)
            place = f"{aug}/x{volume}"
            pd.concat(tables).to_csv(folder / "data/predictions" / f"{place}.csv", index=False)
            (folder / "data/training" / f"{place}.json").write_text(json.dumps(record))


if __name__ == "__main__":
    main()
