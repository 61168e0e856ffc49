"""The whole study against its pure updates at the best rate of this machine, in one run.

The best rate is that of bare steps on a batch in memory, by one process on all cores or by one per
core, whichever is faster. The study is that of this commit, in a fresh clone with nothing cached;
`python benchmarks/study.py FOLDER` leaves the clone in FOLDER/study.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import results
import yaml

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))
from commands import ENVIRONMENT, NUCLEI, run

SECONDS, ROUNDS = 5, 5
CORES = len(os.sched_getaffinity(0))
MATRIX = 4096


def main() -> None:
    """Print the figures; keep them in results.json."""
    busy = results.idle()
    network = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))["network"]
    rates, products = [], []
    for _ in range(ROUNDS):
        ways = [together("steps", *shape, network) for shape in ((1, CORES), (CORES, 1))]
        rates.append(max(ways))
        products.append(max(together("product", 1, CORES), together("product", CORES, 1)))
        print(
            f"updates/s {ways[0]:.0f}, {CORES} processes {ways[1]:.0f}; {products[-1]:.0f} GFLOP/s"
        )
    with tempfile.TemporaryDirectory() as place:
        folder = Path(sys.argv[1] if len(sys.argv) > 1 else place, "study").absolute()
        run(ROOT, "git", "clone", "--quiet", str(ROOT), str(folder))
        (folder / "dvc.lock").unlink()
        figures = _timed(folder)
        updates = _updates(folder)
    pure = updates / median(rates)
    figures |= {"load": busy, "updates": updates, "updates_per_second": median(rates)}
    figures |= {"gflops_of_the_product": median(products), "pure_updates": pure}
    figures |= {
        "whole": figures["seconds"] / pure,
        "configurations": figures["seconds_of_configurations"] / pure,
    }
    for name, value in figures.items():
        print(f"{name:<24} {value:.2f}")
    results.record("study", figures)


def _updates(folder: Path) -> int:
    """Count the updates that the study's trainings made: patience ends some of them early."""
    last: dict[tuple, int] = {}
    for path in (folder / "data/training").glob("*/*.json"):
        for row in json.loads(path.read_text(encoding="utf-8"))["curves"]:
            key = path, row["fold"], row["repeat"]
            last[key] = max(last.get(key, 0), row["updates"])
    return sum(last.values())


def together(what: str, processes: int, cores: int, network: str = "small") -> float:
    """Return the sum of the rates of so many processes of bare.py at once, on so many cores each.

    Args:
        what: a way of bare.py.
        processes: how many.
        cores: of each.
        network: an entry of networks in params.yaml.
    """
    words = [sys.executable, str(ROOT / "benchmarks/bare.py"), what, str(SECONDS), network]
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL, "text": True}
    running = []
    for number in range(processes):
        own = ",".join(str(core) for core in range(number * cores, (number + 1) * cores))
        pinned = ["taskset", "--cpu-list", own, *words]
        running.append(subprocess.Popen(pinned, env=ENVIRONMENT, **streams))
    return sum(float(process.communicate()[0]) for process in running)


def _timed(folder: Path) -> dict[str, float]:
    start, begun, last = time.perf_counter(), 0.0, 0.0
    pipe = subprocess.PIPE
    study = subprocess.Popen(
        [*NUCLEI, "study"], cwd=folder, env=ENVIRONMENT, stdout=pipe, text=True
    )
    for line in study.stdout:
        now = time.perf_counter() - start
        if " configurations on " in line:
            begun = now
        if "  worker " in line:
            last = now
    if study.wait():
        raise RuntimeError(f"the study ended with {study.returncode}")
    return {"seconds": time.perf_counter() - start, "seconds_of_configurations": last - begun}


if __name__ == "__main__":
    main()
