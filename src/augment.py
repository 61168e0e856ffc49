"""Stage augment: one augmented data set, each copy of the nuclei drawn anew."""

import environment  # noqa: F401, first: it needs no package

# isort: split
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from pathlib import Path

import cv2
import numpy as np
from tqdm import tqdm

import paths
import stage
from nuclei import draws, files
from nuclei.augmentation import fresh, recipes
from nuclei.augmentation.recipes import Learned
from nuclei.params.augment import AugmentParams

CHUNK = 256  # crops at a time: small enough for a core's cache, large enough to forget Python


def main(aug: str) -> None:
    """Write data/augmented/AUG/copy-K.npy for every copy, and data/fresh/AUG.json.

    What is learned from nuclei is learned from each fold's own training nuclei: AUG/fold-F/.
    """
    knobs = files.read_params(AugmentParams).augment
    recipes.parse(aug)
    crops = files.read_crops(paths.PREPARED / "nuclei.npy")
    hashed_ids = draws.hash_ids(files.read_ids(paths.PREPARED / "nuclei.csv"))
    learned = _learned(aug, crops) if recipes.is_learned(aug) else {}
    sets = {f"fold-{fold}": of_fold for fold, of_fold in learned.items()} or {"": {}}
    cv2.setNumThreads(1)
    total = len(sets) * knobs.copies * len(crops)
    with (
        stage.output(paths.AUGMENTED / aug) as folder,
        tqdm(total=total, unit=" crops", disable=None, leave=False) as progress,
    ):
        for name, known in sets.items():

            def made(part: slice, copy: int, known: Learned = known) -> np.ndarray:
                ids = hashed_ids[part]
                return recipes.augment(crops[part], ids, aug, knobs.seed, copy, known)

            _write(folder / name, crops.shape, knobs.copies, made, progress.update)
    draw = fresh.Draw(aug, knobs.seed, learned, fresh.sample(aug, knobs.seed))
    with stage.output(paths.FRESH / f"{aug}.json") as path:
        files.write_json(path, draw._asdict())


def _learned(aug: str, crops: np.ndarray) -> dict[str, Learned]:
    """What the recipe learns from the training nuclei of each fold, by the fold's number."""
    from nuclei import folds  # pandas takes half a second to import, and few arms are learned

    table = files.read_csv(paths.PREPARED / "nuclei.csv")
    dealt = folds.of_tables(table, files.read_csv(paths.PREPARED / "folds.csv"))
    return {str(fold.number): recipes.learn(aug, crops, fold.train) for fold in dealt}


def _write(
    folder: Path,
    shape: tuple[int, ...],
    count: int,
    made: Callable[[slice, int], np.ndarray],
    advance: Callable[[int], object],
) -> None:
    """Write so many copies, of crops of that shape, in parts, by all cores."""
    folder.mkdir(parents=True, exist_ok=True)
    copies = [folder / f"copy-{copy}.npy" for copy in range(count)]
    start, *_ = [files.begin_crops(path, *shape[:2]) for path in copies]
    size = int(np.prod(shape[1:]))

    def fill(first: int, copy: int) -> None:
        done = made(slice(first, first + CHUNK), copy)
        # Written rather than memory-mapped: a full disk is then an error, not a crash.
        with copies[copy].open("r+b") as file:
            file.seek(start + first * size)
            file.write(np.ascontiguousarray(done).data)
        advance(len(done))

    with ThreadPoolExecutor(os.cpu_count()) as threads:
        # The copies in turn: two threads that write to one file wait for each other.
        parts = product(range(0, shape[0], CHUNK), range(count))
        list(threads.map(fill, *zip(*parts, strict=True)))


if __name__ == "__main__":
    stage.run(main)
