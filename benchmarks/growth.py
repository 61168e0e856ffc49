"""Seconds and peak memory of each stage but train, from 2,000 to 220,000 nuclei.

The real scripts run in a throwaway repository. What `evaluate` reads of train is made up: a random
softmax for every nucleus, 2 repeats of 28 configurations, and a training record beside each. Memory
is what the kernel holds against a stage and its child processes, pages they share or map from files
included, so the sum of their peaks is an upper bound; `own` leaves mapped files out. Linux only.

`python benchmarks/growth.py 2000 20000` leaves the largest size out, which takes about ten minutes.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import psutil
import results
import yaml

from nuclei.core import files
from nuclei.training.params import TrainParams

ROOT = Path(__file__).parents[1]
# patients, fields per patient, nuclei per field
SIZES = {2_000: (36, 1, 60), 20_000: (54, 6, 62), 220_000: (120, 30, 62)}
REPEATS, FOLDS = 2, 5
SCORES = ("loss", "accuracy", "macro_auc")
AUGS = ["none", "crop", "rotation", "flip", "invert", "invert+rotation", "invert+flip"]
VOLUMES = ["0.5", "1", "2", "inf"]


def main() -> None:
    """Print a row per size and stage."""
    sizes = [int(word) for word in sys.argv[1:]] or list(SIZES)
    results.record("growth", {str(size): _grown(size) for size in sizes})


def _grown(size: int) -> dict:
    rows = {}
    with tempfile.TemporaryDirectory() as place:
        study = _repository(Path(place, "study"), *SIZES[size])
        for name in ("simulate", "prepare", "augment", "evaluate"):
            if name == "evaluate":
                _make_up(study)
            words = ["invert+flip"] if name == "augment" else []
            rows[name] = _measured(study, [sys.executable, f"src/{name}.py", *words])
        summary = json.loads((study / "data/prepared/summary.json").read_text(encoding="utf-8"))
    nuclei = summary["rows"]["kept"]
    for name, row in rows.items():
        print(
            f"{nuclei:>8,} nuclei  {name:<9} {row['seconds']:7.1f} s  "
            f"{1000 * row['seconds'] / nuclei:6.3f} s per 1,000  "
            f"{row['peak'] / 1e6:6.0f} MB, own {row['own'] / 1e6:6.0f} MB",
            flush=True,
        )
    return {"nuclei": nuclei, **rows}


def _repository(study: Path, patients: int, fields: int, nuclei: int) -> Path:
    shutil.copytree(ROOT / "src", study / "src", ignore=shutil.ignore_patterns("__pycache__"))
    pipeline = yaml.safe_load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))
    pipeline["stages"]["augment"]["matrix"]["aug"] = AUGS
    pipeline["stages"]["train"]["matrix"] |= {"aug": AUGS}
    (study / "dvc.yaml").write_text(yaml.safe_dump(pipeline), encoding="utf-8")
    params = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    params["simulate"] |= {"patients": patients, "fields": fields, "nuclei": nuclei}
    (study / "params.yaml").write_text(yaml.safe_dump(params), encoding="utf-8")
    quiet = os.environ | {"DVC_NO_ANALYTICS": "1"}
    for words in (["git", "init"], [sys.executable, "-m", "dvc", "init"]):
        subprocess.run([*words, "--quiet"], cwd=study, env=quiet, check=True)
    return study


def _measured(study: Path, command: list[str]) -> dict:
    """Run a command; its seconds, and the bytes of its processes' memory at their peak."""
    start, peaks, own = time.perf_counter(), {}, 0
    stage = psutil.Popen(command, cwd=study, stdout=subprocess.DEVNULL)
    while stage.poll() is None:
        held = 0
        for process in [stage, *_children(stage)]:
            peak, anonymous = _memory(process.pid)
            peaks[process.pid] = max(peak, peaks.get(process.pid, 0))
            held += anonymous
        own = max(own, held)
        time.sleep(0.02)
    if stage.returncode:
        sys.exit(f"{' '.join(command)} failed")
    return {"seconds": time.perf_counter() - start, "peak": sum(peaks.values()), "own": own}


def _children(process: psutil.Process) -> list[psutil.Process]:
    try:
        return process.children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def _memory(pid: int) -> tuple[int, int]:
    """The kernel's own record of a process's peak, and its anonymous memory now, in bytes."""
    # Not getrusage: its peak of a child is never below that of the process that started it.
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    except OSError:
        return 0, 0
    sizes = dict(re.findall(r"^(VmHWM|RssAnon):\s+(\d+) kB", status, re.MULTILINE))
    return 1024 * int(sizes.get("VmHWM", 0)), 1024 * int(sizes.get("RssAnon", 0))


def _make_up(study: Path) -> None:
    random = np.random.default_rng(1)
    nuclei = len(np.load(study / "data/prepared/nuclei.npy", mmap_mode="r"))
    params = files.read_params(TrainParams, study / "params.yaml")
    sections = {
        "train": params.train,
        f"networks.{params.network}": params.networks[params.network],
    }
    knobs = {"network": params.network, "augment.seed": 1} | {
        f"{section}.{key}": value
        for section, values in sections.items()
        for key, value in values.model_dump().items()
    }
    record = {"device": "CPU", "replicas": 1, "precision": "float32", "keras": "3"}
    record |= {"tensorflow": "none", "network": "small", "nuclei": nuclei, "updates": 200}
    point = {"updates": 200, "split": "validation"} | dict.fromkeys(SCORES, 0.5)
    networks = [{"fold": f + 1, "repeat": r} for f in range(FOLDS) for r in range(REPEATS)]
    checkpoints = [
        network | {"updates": 200, "of": 200, "validation_loss": 0.5} for network in networks
    ]
    training = {"record": record, "checkpoints": checkpoints}
    training |= {"curves": [network | point for network in networks], "knobs": knobs}
    training["draws"] = {"seed": 1, "learned": {}}
    for aug in AUGS:
        for volume in VOLUMES:
            odds = np.exp(random.normal(size=(REPEATS, nuclei, 3)).astype(np.float32))
            predicted = study / "data/predictions" / aug / f"x{volume}"
            predicted.mkdir(parents=True)
            np.save(predicted / "test.npy", odds / odds.sum(axis=2, keepdims=True))
            path = study / f"data/training/{aug}/x{volume}.json"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(training), encoding="utf-8")


if __name__ == "__main__":
    main()
