"""One augmented data set in DVC: as arrays, as the project keeps it, against PNG files.

Both ways hold the same crops, of simulated nuclei, in throwaway repositories with a folder beside
them as remote.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import cv2
import numpy as np
import results

from nuclei.augmentation import recipes
from nuclei.core import draws
from nuclei.data import crops
from nuclei.simulation import release

AUGMENTED = Path(__file__).parents[1] / "data/augmented"
CROPS, SIDE, MICRONS, ROUNDS = 10_000, 64, 16, 5
AUGMENTATIONS, VOLUMES, COPIES = 8, (0.5, 1, 2), 2


def main() -> None:
    """Print how many times faster arrays are in each step, and the bytes of a whole study."""
    flipped = recipes.augment(
        _crops(), draws.hash_ids(map(str, range(CROPS))), "flip", seed=1, copy=0
    )
    print(f"{CROPS:,} crops of {SIDE} px, seconds (medians of {ROUNDS} rounds)")
    seconds: dict[str, dict[str, list[float]]] = {}
    for _ in range(ROUNDS):
        for way, write in {"arrays": _write_arrays, "PNG files": _write_pngs}.items():
            for step, spent in _steps(flipped, write).items():
                seconds.setdefault(step, {}).setdefault(way, []).append(spent)
    steps = {step: _compared(step, *ways.values()) for step, ways in seconds.items()}
    results.record("versioning", {"crops": CROPS, "side": SIDE, **steps, "bytes": _bytes(flipped)})


def _crops() -> np.ndarray:
    parts, missing = [], CROPS
    slides = release.slides(CROPS)["slide_name"]
    while missing > 0:
        _, image, nuclei = release.field(2022, slides[len(parts)], 0, 60)
        centres = nuclei[["xmin", "ymin"]].to_numpy() + nuclei[["xmax", "ymax"]].to_numpy()
        parts.append(crops.extract_patches(image, centres / 2, MICRONS, 0.2, SIDE))
        missing -= len(nuclei)
    return np.concatenate(parts)[:CROPS]


def _write_arrays(folder: Path, flipped: np.ndarray) -> None:
    for copy, part in enumerate(np.array_split(flipped, COPIES)):
        np.save(folder / f"copy-{copy}.npy", part)


def _write_pngs(folder: Path, flipped: np.ndarray) -> None:
    for number, crop in enumerate(flipped):
        (folder / f"{number}.png").write_bytes(_png(crop))


def _png(crop: np.ndarray) -> bytes:
    return cv2.imencode(".png", crop[..., ::-1])[1].tobytes()


def _steps(flipped: np.ndarray, write: Callable[[Path, np.ndarray], None]) -> dict[str, float]:
    """Seconds of each step of one augmented data set's life in a DVC repository of its own."""
    with tempfile.TemporaryDirectory() as place:
        mine, remote, theirs = (Path(place, name) for name in ("mine", "remote", "theirs"))
        (mine / "augmented").mkdir(parents=True)
        subprocess.run(["git", "init", "--quiet"], cwd=mine, check=True)
        _dvc(mine, "init")
        # Its index of the files would otherwise stay behind, outside of the repositories.
        _dvc(mine, "config", "core.site_cache_dir", str(Path(place, "site")))
        _dvc(mine, "remote", "add", "--default", "storage", str(remote))
        write(mine / "augmented", flipped)
        seconds = {"dvc add": _dvc(mine, "add", "augmented"), "dvc push": _dvc(mine, "push")}
        shutil.copytree(mine, theirs, ignore=shutil.ignore_patterns("augmented", "cache", "tmp"))
        seconds["dvc pull"] = _dvc(theirs, "pull")
        shutil.rmtree(theirs / "augmented")
        seconds["dvc checkout"] = _dvc(theirs, "checkout")
        seconds["dvc status"] = _dvc(theirs, "status")
        return seconds


def _dvc(folder: Path, *words: str) -> float:
    start = time.perf_counter()
    command = [sys.executable, "-m", "dvc", *words, "--quiet"]
    subprocess.run(command, cwd=folder, env=os.environ | {"DVC_NO_ANALYTICS": "1"}, check=True)
    return time.perf_counter() - start


def _compared(step: str, arrays: list[float], pngs: list[float]) -> dict[str, float]:
    ratios = sorted(b / a for a, b in zip(arrays, pngs, strict=True))
    row = {"arrays": median(arrays), "png": median(pngs), "ratio": median(ratios)}
    row |= {"ratio_min": ratios[0], "ratio_max": ratios[-1]}
    print(
        f"{step:<13} arrays {row['arrays']:6.2f}  PNG files {row['png']:7.2f}  "
        f"PNG files / arrays {row['ratio']:5.1f} ({ratios[0]:.1f} to {ratios[-1]:.1f})"
    )
    return row


def _bytes(flipped: np.ndarray) -> dict:
    """Bytes in the cache, which keeps equal files once, for a study of AUGMENTATIONS × VOLUMES.

    A volume is a prefix of an augmentation's copies, so its PNG files are those of the larger ones;
    ``png_anew`` is for volumes that are each drawn anew, as the 2022 notebook did.
    """
    folders = sorted(path for path in AUGMENTED.glob("*") if path.is_dir())
    studied = [[np.load(f / f"copy-{k}.npy", "r") for k in range(COPIES)] for f in folders]
    source = f"measured on the {len(folders)} augmentations of data/augmented"
    if not folders:
        studied, source = [np.array_split(flipped, COPIES)], "extrapolated from the one above"
    arrays, pngs, anew = {}, {}, 0
    for copies in studied:
        arrays |= {hashlib.md5(copy).digest(): copy.nbytes for copy in copies}
        files = [_png(crop) for copy in copies for crop in copy]
        pngs |= {hashlib.md5(file).digest(): len(file) for file in files}
        anew += sum(len(file) for v in VOLUMES for file in files[: round(v * len(copies[0]))])
    sizes = {"arrays": sum(arrays.values()), "png": sum(pngs.values()), "png_anew": anew}
    sizes["png_in_blocks"] = sum(4096 * -(-size // 4096) for size in pngs.values())
    sizes = {name: size * AUGMENTATIONS / len(studied) for name, size in sizes.items()}
    print(f"MB of {AUGMENTATIONS} augmentations × {len(VOLUMES)} volumes, {source}:")
    print("  ".join(f"{name} {size / 1e6:.1f}" for name, size in sizes.items()))
    return {"source": source, **sizes}


if __name__ == "__main__":
    main()
