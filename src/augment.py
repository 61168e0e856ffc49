"""Stage augment: one augmented data set, each copy of the nuclei drawn anew."""

from nuclei.pipeline import environment  # noqa: F401, first: it needs no package

# isort: split
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
from tqdm import tqdm

from nuclei.augmentation import fresh, recipes
from nuclei.augmentation.params import AugmentParams
from nuclei.augmentation.recipes import Learned
from nuclei.core import draws, files, paths
from nuclei.core.classes import codes
from nuclei.generation.params import GeneratorParams
from nuclei.pipeline import stage

if TYPE_CHECKING:
    from nuclei.core.folds import Fold

CHUNK = 256  # crops at a time: small enough for a core's cache, large enough to forget Python


def main(aug: str) -> None:
    """Write data/augmented/AUG/copy-K.npy for every copy, and data/fresh/AUG.json.

    What is learned from nuclei is learned from each fold's own training nuclei: AUG/fold-F/.
    """
    params = files.read_params(AugmentParams)
    knobs = params.augment
    recipes.parse(aug)
    crops = files.read_crops(paths.PREPARED / "nuclei.npy")
    hashed_ids = draws.hash_ids(files.read_ids(paths.PREPARED / "nuclei.csv"))
    labels, dealt = _folds() if recipes.is_learned(aug) else (None, [])
    learned = {fold.number: recipes.learn(aug, crops, fold.train) for fold in dealt}
    cv2.setNumThreads(1)
    with stage.output(paths.AUGMENTED / aug) as folder:
        pooled: dict[int, Learned] = {}
        if labels is not None and recipes.generates(aug):
            from nuclei.pipeline import pools  # TensorFlow takes seconds to import

            generator = files.read_params(GeneratorParams).generator
            pooled = pools.write(folder, crops, labels, dealt, generator)
        known = {
            folder / f"fold-{number}": of_fold | pooled.get(number, {})
            for number, of_fold in learned.items()
        } or {folder: {}}
        total = len(known) * knobs.copies * len(crops)
        with tqdm(total=total, unit=" crops", disable=None, leave=False) as progress:
            for home, of_fold in known.items():

                def made(part: slice, copy: int, of_fold: Learned = of_fold) -> np.ndarray:
                    of_part = None if labels is None else labels[part]
                    drawn = aug, knobs.seed, copy
                    return recipes.augment(crops[part], hashed_ids[part], *drawn, of_fold, of_part)

                _write(home, crops.shape, knobs.copies, made, progress.update)
    said = {str(number): of_fold for number, of_fold in learned.items()}
    draw = fresh.Draw(aug, knobs.seed, said, fresh.sample(aug, knobs.seed))
    with stage.output(paths.FRESH / f"{aug}.json") as path:
        files.write_json(path, draw._asdict())


def _folds() -> tuple[np.ndarray, list["Fold"]]:
    """The classes of all nuclei, and the folds."""
    from nuclei.core import folds  # pandas takes half a second to import, and few arms are learned

    table = files.read_csv(paths.PREPARED / "nuclei.csv")
    dealt = folds.of_tables(table, files.read_csv(paths.PREPARED / "folds.csv"))
    return codes(table["label"]), dealt


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
