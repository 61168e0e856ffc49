"""What a cluster costs per configuration, and how much sooner a study of 100 or 1,000 would end.

Measured on the embedded study's own sizes, with one worker and a real S3 server on this machine:
seconds per stage run through the cluster, against those of the stage's script alone. Simulated from
that: list scheduling of runs of augment and train on 1 to 64 workers. `ASSUMED` says what for.
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
the network serve all at once as fast as one; a quarter of the runs augment, each for three
that train; workers are there from the start; one machine needs its scripts' time alone, without
DVC. `evaluate` is left out of both sides."""


def main() -> None:
    """Print the figures and the table; keep them in results.json."""
    results.record("cluster", measure())


def measure() -> dict:
    """Return measured seconds, and the simulated speed-up by number of runs and of workers."""
    with tempfile.TemporaryDirectory() as place, s3(Path(place, "server")) as server:
        study = _study(Path(place, "study"), AUGS)
        add_remote(study, server)
        run(study, "git", "commit", "--quiet", "--all", "-m", "Name the remote")
        run(study, "dvc", "repro", "prepare")
        run(study, "dvc", "push", "--run-cache")
        seconds = _through_cluster(study) | _alone(study)
        seconds["driver_per_run"] = _collected(study, server, Path(place, "teammate"))
        seconds["dvc_by_runs"] = {
            size: _dvc(study, Path(place, f"study-{size}"), size) for size in (8, *SIZES)
        }
    seconds["overhead"] = {x: seconds[f"{x}_run"] - seconds[x] for x in ("augment", "train")}
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


def _through_cluster(study: Path) -> dict:
    """Run the cluster with one worker; read from its lines when each run ended."""
    start = time.perf_counter()
    with dask_cluster(study.parent, workers=1) as (address, _):
        return _watched(study, [*NUCLEI, "study", "--scheduler", address], start)


def _watched(study: Path, words: list[str], start: float) -> dict:
    pipe = subprocess.PIPE
    driver = subprocess.Popen(words, cwd=study, env=ENVIRONMENT, stdout=pipe, text=True)
    ended, submitted = {}, 0.0
    for line in driver.stdout:
        if "waiting for a worker" in line:
            submitted = time.perf_counter() - start
        if " s  worker " in line:
            ended[line.split()[0]] = time.perf_counter() - start
    if driver.wait() or len(ended) != len(AUGS) * (1 + len(VOLUMES)):
        raise RuntimeError(f"the cluster ran {len(ended)} stages")
    times = [submitted, *ended.values()]
    spans = dict(zip(ended, (b - a for a, b in pairwise(times)), strict=True))
    return {
        "driver_start": submitted,
        "driver_end": time.perf_counter() - start - times[-1],
        "first_run": next(iter(spans.values())),
        "augment_run": min(spans[f"augment@{aug}"] for aug in AUGS),  # not a worker's first
        "train_run": median(x for name, x in spans.items() if name.startswith("train@")),
    }


def _alone(study: Path) -> dict:
    """Run the scripts as `dvc repro` would, without DVC."""
    train = [_timed(study, "python", "src/train.py", aug, v) for aug in AUGS for v in VOLUMES]
    return {"augment": _timed(study, "python", "src/augment.py", "flip"), "train": median(train)}


def _collected(study: Path, server, folder: Path) -> float:
    """Time what the driver does per run at the end, by the difference of five runs and one."""
    shutil.copy(study / "dvc.lock", folder.with_suffix(".lock"))
    clone(study, folder)
    add_remote(folder, server)
    shutil.copy(folder.with_suffix(".lock"), folder / "dvc.lock")
    first, *others = [f"train@{aug}-{volume}" for aug in AUGS for volume in VOLUMES]
    spent = []
    for runs in ([first], others):
        start = time.perf_counter()
        run(folder, "dvc", "fetch", *runs)
        run(folder, "dvc", "checkout", "--quiet", *runs)
        spent.append(time.perf_counter() - start)
    return max(spent[1] - spent[0], 0) / (len(others) - 1)


def _dvc(study: Path, folder: Path, size: int) -> float:
    """Time DVC's own share in a run, in a pipeline of `size` runs, as a worker has it."""
    extra = [f"flip{'+rotation' * number}" for number in range(1, size // 4)]
    _study(folder, ["flip", *extra])
    for name in (".dvc/config", ".dvc/config.local", "dvc.lock"):
        shutil.copy(study / name, folder / name)
    shutil.copytree(study / "data/prepared", folder / "data/prepared")
    stage = "augment@flip"
    spent = _timed(folder, "dvc", "repro", "--force", "--single-item", stage)
    spent += _timed(folder, "dvc", "push", "--run-cache", stage)
    return spent - _timed(folder, "python", "src/augment.py", "flip")


def _timed(folder: Path, *words: str) -> float:
    start = time.perf_counter()
    run(folder, *words)
    return time.perf_counter() - start


def simulate(seconds: dict) -> dict:
    """Print and return the speed-up over one machine, for the measured training and a long one."""
    print(f"{'train':>7}{'runs':>7}" + "".join(f"{f'×{workers}':>7}" for workers in WORKERS))
    table = {
        name: {size: _speed_up(seconds, train, size) for size in SIZES}
        for name, train in (("speed_up", seconds["train"]), ("speed_up_long", LONG))
    }
    print(ASSUMED)
    return table


def _speed_up(seconds: dict, train: float, runs: int) -> dict[int, float]:
    dvc = {int(size): value for size, value in seconds["dvc_by_runs"].items()}
    grown = max(dvc[runs] - dvc[8], 0)  # DVC reads the whole pipeline at each of its commands
    augment_run = seconds["augment_run"] + grown
    train_run = train + seconds["overhead"]["train"] + grown
    setup = seconds["first_run"] - seconds["augment_run"]
    serial = seconds["driver_start"] + seconds["driver_end"] + 2 * grown
    serial += (runs - 8) * seconds["driver_per_run"]
    plain = runs // 4 * (seconds["augment"] + len(VOLUMES) * train)
    row = {
        workers: plain / (serial + makespan(runs // 4, workers, augment_run, train_run, setup))
        for workers in WORKERS
    }
    print(f"{train:5.0f} s{runs:>7}" + "".join(f"{ratio:7.1f}" for ratio in row.values()))
    return row


def makespan(augmentations: int, workers: int, augment: float, train: float, setup: float) -> float:
    """Return when the last of all runs ends, each on the worker that is free first.

    Args:
        augmentations: one run of augment each, and one of train per volume that waits for it.
        workers: how many run at once.
        augment: seconds of such a run.
        train: seconds of such a run.
        setup: seconds before a worker's first run.
    """
    free = [setup] * workers
    waiting = [(0.0, aug, 0) for aug in range(augmentations)]  # ready at, augmentation, its run
    last = 0.0
    while waiting:
        ready, aug, number = heapq.heappop(waiting)
        end = max(ready, heapq.heappop(free)) + (train if number else augment)
        heapq.heappush(free, end)
        last = max(last, end)
        if not number:
            for volume in range(len(VOLUMES)):
                heapq.heappush(waiting, (end, aug, volume + 1))
    return last


if __name__ == "__main__":
    main()
