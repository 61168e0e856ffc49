"""Stage augment: one augmented data set, each copy of the nuclei drawn anew."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING

from nuclei.pipeline import stage

import cv2
import numpy as np
from tqdm import tqdm

from nuclei.augmentation import recipes
from nuclei.augmentation.params import AugmentParams, Draws
from nuclei.core import files, paths
from nuclei.core.nuclei import Nuclei
from nuclei.generation.params import GeneratorParams

if TYPE_CHECKING:
    from nuclei.core.folds import Fold

CHUNK = 256  # crops at a time: small enough for a core's cache, large enough to forget Python


def main(aug: str) -> None:
    """Write data/augmented/AUG: draws.json, and copy-K.npy, per fold if the recipe learns."""
    knobs = files.read_params(AugmentParams).augment
    recipes.parse(aug)
    nuclei = files.read_nuclei(paths.PREPARED)
    folds = _folds() if recipes.is_learned(aug) else []
    learned = {fold.number: recipes.learn(aug, nuclei.crops, fold.train) for fold in folds}
    by_fold = {str(number): numbers for number, numbers in learned.items() if numbers}
    generator = files.read_params(GeneratorParams).generator if recipes.generates(aug) else None
    of_generator = generator.model_dump() if generator else {}
    draws = Draws(seed=knobs.seed, learned=by_fold, generator=of_generator)
    cv2.setNumThreads(1)
    with stage.output(paths.AUGMENTED / aug) as folder:
        if generator:
            from nuclei.generation import pool_store  # TensorFlow takes seconds to import

            pool_of = pool_store.write(folder, nuclei.crops, nuclei.labels, folds, generator)
            learned = {number: learned[number] | pool_of[number] for number in learned}
        folders = {folder / f"fold-{fold}": learned[fold] for fold in learned} or {folder: {}}
        total = len(folders) * knobs.copies * len(nuclei.crops)
        with tqdm(total=total, unit=" crops", disable=None, leave=False) as progress:
            for copies, of_fold in folders.items():
                augment = partial(recipes.augment, recipe=aug, seed=knobs.seed, learned=of_fold)
                _write_copies(copies, nuclei, knobs.copies, augment, progress.update)
        files.write_json(folder / paths.DRAWS, draws.model_dump())


def _folds() -> list["Fold"]:
    from nuclei.core import folds  # pandas takes half a second to import, and few recipes learn

    table = files.read_csv(paths.PREPARED / "nuclei.csv")
    return folds.of_tables(table, files.read_csv(paths.PREPARED / "folds.csv"))


def _write_copies(
    folder: Path,
    nuclei: Nuclei,
    count: int,
    augment: Callable[..., np.ndarray],
    advance: Callable[[int], object],
) -> None:
    """Write `count` copies into the folder, in chunks, on all cores."""
    folder.mkdir(parents=True, exist_ok=True)
    copies = [folder / f"copy-{copy}.npy" for copy in range(count)]
    start, *_ = [files.begin_crops(path, *nuclei.crops.shape[:2]) for path in copies]
    size = nuclei.crops[0].nbytes

    def write_chunk(first: int, copy: int) -> None:
        crops = augment(nuclei.rows(slice(first, first + CHUNK)), copy=copy)
        # Written rather than memory-mapped: a full disk is then an error, not a crash.
        with copies[copy].open("r+b") as file:
            file.seek(start + first * size)
            file.write(np.ascontiguousarray(crops).data)
        advance(len(crops))

    with ThreadPoolExecutor(os.cpu_count()) as threads:
        # The copies in turn: two threads that write to one file wait for each other.
        chunks = product(range(0, len(nuclei.crops), CHUNK), range(count))
        list(threads.map(write_chunk, *zip(*chunks, strict=True)))


if __name__ == "__main__":
    stage.run(main)
