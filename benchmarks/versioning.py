"""One augmented arm as arrays, as the project keeps it, against a PNG file per nucleus."""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import results

ROOT = Path(__file__).parents[1]
ROUNDS = 5
ARMS, VOLUMES, COPIES = 8, (0.5, 1, 2), 2


def main() -> None:
    """Print how many times faster arrays are to add, push and pull; the bytes of a study."""
    crops = np.load(ROOT / "data/augmented/flip/copy-0.npy", mmap_mode="r")
    print(f"{len(crops):,} crops of {crops.shape[1]} px: PNG files / arrays, {ROUNDS} rounds")
    rates: dict[str, dict[str, list[float]]] = {}
    for _ in range(ROUNDS):
        for way, write in {"arrays": _write_array, "PNG files": _write_pngs}.items():
            for step, seconds in _steps(crops, write).items():
                rates.setdefault(step, {}).setdefault(way, []).append(1 / seconds)
    found = {step: results.compared(step, ways, "per second") for step, ways in rates.items()}
    results.record("versioning", {"crops": len(crops), **found, "bytes": _bytes(crops)})


def _write_array(folder: Path, crops: np.ndarray) -> None:
    np.save(folder / "copy-0.npy", crops)


def _write_pngs(folder: Path, crops: np.ndarray) -> None:
    for number, crop in enumerate(crops):
        cv2.imwrite(str(folder / f"{number}.png"), crop[..., ::-1])


def _steps(crops: np.ndarray, write: Callable[[Path, np.ndarray], None]) -> dict[str, float]:
    """Seconds of each step of one arm's life in a DVC repository of its own."""
    with tempfile.TemporaryDirectory() as place:
        mine, remote, theirs = (Path(place, name) for name in ("mine", "remote", "theirs"))
        (mine / "arm").mkdir(parents=True)
        _run(mine, "git", "init", "--quiet")
        _dvc(mine, "init", "--quiet")
        _dvc(mine, "remote", "add", "--quiet", "--default", "storage", str(remote))
        write(mine / "arm", crops)
        seconds = {"dvc add": _dvc(mine, "add", "--quiet", "arm")}
        seconds["dvc push"] = _dvc(mine, "push", "--quiet")
        shutil.copytree(mine, theirs, ignore=shutil.ignore_patterns("arm", "cache", "tmp"))
        seconds["dvc pull"] = _dvc(theirs, "pull", "--quiet")
        shutil.rmtree(theirs / "arm")
        seconds["dvc checkout"] = _dvc(theirs, "checkout", "--quiet")
        seconds["dvc status"] = _dvc(theirs, "status", "--quiet")
        return seconds


def _dvc(folder: Path, *words: str) -> float:
    start = time.perf_counter()
    _run(folder, sys.executable, "-m", "dvc", *words)
    return time.perf_counter() - start


def _run(folder: Path, *words: str) -> None:
    quiet = os.environ | {"DVC_NO_ANALYTICS": "1"}
    subprocess.run(words, cwd=folder, env=quiet, check=True)


def _bytes(crops: np.ndarray) -> dict:
    """Bytes of a study's augmented data: two copies an arm, against a folder per arm and volume."""
    arrays = ARMS * COPIES * crops.nbytes
    each = np.mean([len(cv2.imencode(".png", crop[..., ::-1])[1]) for crop in crops[::10]])
    pngs = ARMS * sum(VOLUMES) * len(crops) * each
    blocks = ARMS * sum(VOLUMES) * len(crops) * 4096 * np.ceil(each / 4096)
    print(
        f"{ARMS} arms × {len(VOLUMES)} volumes: arrays {arrays / 1e6:.0f} MB, "
        f"PNG files {pngs / 1e6:.0f} MB, {blocks / 1e6:.0f} MB on a disk of 4 KiB blocks"
    )
    return {"arrays": arrays, "png": pngs, "png_on_disk": blocks}


if __name__ == "__main__":
    main()
