"""What a cluster costs per cell, and how much sooner a study of 100 or 1,000 cells would end.

Measured on the embedded study's own sizes, with one worker and a real S3 server on this machine:
seconds per cell through the cluster, against those of the stage's script alone. Simulated from
that: list scheduling of augment and train cells on 1 to 64 workers. `ASSUMED` says what for.
"""

import heapq
import shutil
import subprocess
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path
from statistics import median

import results
import yaml

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))
from commands import ENVIRONMENT, NUCLEI, clone, run
from servers import add_remote, dask_cluster, s3

AUGS, VOLUMES = ["none", "flip"], ["0.5", "1", "2"]
SIZES, WORKERS = (100, 1000), (1, 2, 4, 8, 16, 32, 64)
LONG = 600  # seconds of a training that wants a cluster, beside the measured ones
ASSUMED = """assumed: each worker is as fast as this machine with nothing else on it; the remote and
the network serve all at once as fast as one; a quarter of the cells augment, each for three
that train; workers are there from the start; one machine needs its scripts' time alone, without
DVC. `evaluate` is left out of both sides."""


def main() -> None:
    """Print the figures and the table; keep them in results.json."""
    results.record("cluster", measure())


def measure() -> dict:
    """Return measured seconds, and the simulated speed-up by number of cells and of workers."""
    with tempfile.TemporaryDirectory() as place, s3(Path(place, "server")) as server:
        study = _study(Path(place, "study"), AUGS)
        add_remote(study, server)
        run(study, "git", "commit", "--quiet", "--all", "-m", "Name the remote")
        run(study, "dvc", "repro", "prepare")
        run(study, "dvc", "push", "--run-cache")
        seconds = _told(study) | _alone(study)
        seconds["driver_per_cell"] = _collected(study, server, Path(place, "teammate"))
        seconds["dvc_by_cells"] = {
            size: _dvc(study, Path(place, f"study-{size}"), size) for size in (8, *SIZES)
        }
    seconds["overhead"] = {x: seconds[f"{x}_cell"] - seconds[x] for x in ("augment", "train")}
    for name, value in seconds.items():
        print(f"{name:<16} {value}")
    return {"seconds": seconds, **simulate(seconds)}


def _study(folder: Path, augs: list[str]) -> Path:
    """Make a throwaway repository of the study with these augmentations."""
    words = ["git", "ls-files", "src", "dvc.yaml", "params.yaml", ".gitignore", ".dvcignore"]
    for name in run(ROOT, *words).split():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    pipeline = yaml.safe_load((folder / "dvc.yaml").read_text(encoding="utf-8"))
    for stage in ("augment", "train"):
        pipeline["stages"][stage]["matrix"]["aug"] = augs
    pipeline["stages"]["train"]["matrix"]["volume"] = [
        float(v) if "." in v else int(v) for v in VOLUMES
    ]
    del (
        pipeline["stages"]["evaluate"],
        pipeline["plots"],
        pipeline["metrics"],
        pipeline["artifacts"],
    )
    (folder / "dvc.yaml").write_text(yaml.safe_dump(pipeline, sort_keys=False), encoding="utf-8")
    run(folder, "git", "init", "--quiet")
    run(folder, "dvc", "init", "--quiet")
    run(folder, "git", "add", ".")
    run(folder, "git", "commit", "--quiet", "-m", "Set up the study")
    return folder


def _told(study: Path) -> dict:
    """Run the cluster with one worker; read from its lines when what was done."""
    start = time.perf_counter()
    with dask_cluster(study.parent, workers=1) as (address, _):
        return _watched(study, [*NUCLEI, "study", "--scheduler", address], start)


def _watched(study: Path, words: list[str], start: float) -> dict:
    pipe = subprocess.PIPE
    driver = subprocess.Popen(words, cwd=study, env=ENVIRONMENT, stdout=pipe, text=True)
    cells, submitted = {}, 0.0
    for line in driver.stdout:
        if "waiting for a worker" in line:
            submitted = time.perf_counter() - start
        if " s  worker " in line:
            cells[line.split()[0]] = time.perf_counter() - start
    if driver.wait() or len(cells) != len(AUGS) * (1 + len(VOLUMES)):
        raise RuntimeError(f"the cluster ran {len(cells)} cells")
    ends = [submitted, *cells.values()]
    spans = dict(zip(cells, (b - a for a, b in pairwise(ends)), strict=True))
    return {
        "driver_start": submitted,
        "driver_end": time.perf_counter() - start - ends[-1],
        "first_cell": next(iter(spans.values())),
        "augment_cell": min(spans[f"augment@{aug}"] for aug in AUGS),  # not a worker's first
        "train_cell": median(x for name, x in spans.items() if name.startswith("train@")),
    }


def _alone(study: Path) -> dict:
    """Run the scripts as `dvc repro` would, without DVC."""
    train = [_timed(study, "python", "src/train.py", aug, v) for aug in AUGS for v in VOLUMES]
    return {"augment": _timed(study, "python", "src/augment.py", "flip"), "train": median(train)}


def _collected(study: Path, server, folder: Path) -> float:
    """Time what the driver does per cell at the end, by the difference of five cells and one."""
    shutil.copy(study / "dvc.lock", folder.with_suffix(".lock"))
    clone(study, folder)
    add_remote(folder, server)
    shutil.copy(folder.with_suffix(".lock"), folder / "dvc.lock")
    first, *others = [f"train@{aug}-{volume}" for aug in AUGS for volume in VOLUMES]
    spent = []
    for cells in ([first], others):
        start = time.perf_counter()
        run(folder, "dvc", "fetch", *cells)
        run(folder, "dvc", "checkout", "--quiet", *cells)
        spent.append(time.perf_counter() - start)
    return max(spent[1] - spent[0], 0) / (len(others) - 1)


def _dvc(study: Path, folder: Path, size: int) -> float:
    """Time DVC's own share in a cell of a pipeline of `size` cells, as a worker runs it."""
    extra = [f"flip{'+rotation' * number}" for number in range(1, size // 4)]
    _study(folder, ["flip", *extra])
    for name in (".dvc/config", ".dvc/config.local", "dvc.lock"):
        shutil.copy(study / name, folder / name)
    shutil.copytree(study / "data/prepared", folder / "data/prepared")
    cell = "augment@flip"
    spent = _timed(folder, "dvc", "repro", "--force", "--single-item", cell)
    spent += _timed(folder, "dvc", "push", "--run-cache", cell)
    return spent - _timed(folder, "python", "src/augment.py", "flip")


def _timed(folder: Path, *words: str) -> float:
    start = time.perf_counter()
    run(folder, *words)
    return time.perf_counter() - start


def simulate(seconds: dict) -> dict:
    """Print and return the speed-up over one machine, for the measured training and a long one."""
    print(f"{'train':>7}{'cells':>7}" + "".join(f"{f'×{workers}':>7}" for workers in WORKERS))
    table = {
        name: {cells: _speed_up(seconds, train, cells) for cells in SIZES}
        for name, train in (("speed_up", seconds["train"]), ("speed_up_long", LONG))
    }
    print(ASSUMED)
    return table


def _speed_up(seconds: dict, train: float, cells: int) -> dict[int, float]:
    dvc = {int(size): value for size, value in seconds["dvc_by_cells"].items()}
    grown = max(dvc[cells] - dvc[8], 0)  # DVC reads the whole pipeline at each of its commands
    augment_cell = seconds["augment_cell"] + grown
    train_cell = train + seconds["overhead"]["train"] + grown
    setup = seconds["first_cell"] - seconds["augment_cell"]
    serial = seconds["driver_start"] + seconds["driver_end"] + 2 * grown
    serial += (cells - 8) * seconds["driver_per_cell"]
    plain = cells // 4 * (seconds["augment"] + len(VOLUMES) * train)
    row = {
        workers: plain / (serial + makespan(cells // 4, workers, augment_cell, train_cell, setup))
        for workers in WORKERS
    }
    print(f"{train:5.0f} s{cells:>7}" + "".join(f"{ratio:7.1f}" for ratio in row.values()))
    return row


def makespan(arms: int, workers: int, augment: float, train: float, setup: float) -> float:
    """Return when the last of all cells ends, each on the worker that is free first.

    Args:
        arms: one augment cell each, and a train cell per volume that waits for it.
        workers: how many run at once.
        augment: seconds of such a cell.
        train: seconds of such a cell.
        setup: seconds before a worker's first cell.
    """
    free = [setup] * workers
    waiting = [(0.0, arm, 0) for arm in range(arms)]  # ready at, arm, which of its cells
    last = 0.0
    while waiting:
        ready, arm, cell = heapq.heappop(waiting)
        end = max(ready, heapq.heappop(free)) + (train if cell else augment)
        heapq.heappush(free, end)
        last = max(last, end)
        if not cell:
            for volume in range(len(VOLUMES)):
                heapq.heappush(waiting, (end, arm, volume + 1))
    return last


if __name__ == "__main__":
    main()
