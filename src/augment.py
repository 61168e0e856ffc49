"""Stage augment: one augmented data set, each copy of the nuclei drawn anew."""

import environment  # noqa: F401, first: it needs no package

# isort: split
import os
from concurrent.futures import ThreadPoolExecutor
from itertools import product

import cv2
import numpy as np
from tqdm import tqdm

import paths
import stage
from nuclei import draws, files
from nuclei.augmentation import fresh, recipes
from nuclei.params.augment import AugmentParams

CHUNK = 256  # crops at a time: small enough for a core's cache, large enough to forget Python


def main(aug: str) -> None:
    """Write data/augmented/AUG/copy-K.npy for every copy, and data/fresh/AUG.json."""
    knobs = files.read_params(AugmentParams).augment
    recipes.parse(aug)
    crops = files.read_crops(paths.PREPARED / "nuclei.npy")
    hashed_ids = draws.hash_ids(files.read_ids(paths.PREPARED / "nuclei.csv"))
    cv2.setNumThreads(1)
    with (
        stage.output(paths.AUGMENTED / aug) as folder,
        ThreadPoolExecutor(os.cpu_count()) as threads,
    ):
        folder.mkdir()
        copies = [folder / f"copy-{copy}.npy" for copy in range(knobs.copies)]
        start, *_ = [files.begin_crops(path, *crops.shape[:2]) for path in copies]
        progress = tqdm(total=knobs.copies * len(crops), unit=" crops", disable=None, leave=False)

        def fill(first: int, copy: int) -> None:
            part = slice(first, first + CHUNK)
            done = recipes.augment(crops[part], hashed_ids[part], aug, knobs.seed, copy)
            # Written rather than memory-mapped: a full disk is then an error, not a crash.
            with copies[copy].open("r+b") as file:
                file.seek(start + first * crops[0].nbytes)
                file.write(np.ascontiguousarray(done).data)
            progress.update(len(done))

        # The copies in turn: two threads that write to one file wait for each other.
        parts = product(range(0, len(crops), CHUNK), range(knobs.copies))
        list(threads.map(fill, *zip(*parts, strict=True)))
    with stage.output(paths.FRESH / f"{aug}.json") as path:
        draw = fresh.Draw(aug, knobs.seed, fresh.sample(aug, knobs.seed))
        files.write_json(path, draw._asdict())


if __name__ == "__main__":
    stage.run(main)
