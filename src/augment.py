"""Stage augment: one augmented data set, each copy of the training nuclei drawn anew."""

import csv
import os
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from pathlib import Path

import cv2
import numpy as np
from tqdm import tqdm

import stage
from nuclei import draws, recipes

CHUNK = 256  # crops at a time: small enough for a core's cache, large enough to forget Python


def main(aug: str) -> None:
    """Write data/augmented/AUG/copy-K.npy for every copy."""
    params = stage.read_params().augment
    recipes.parse(aug)
    crops = stage.read_crops(stage.PREPARED / "train.npy")
    with (stage.PREPARED / "train.csv").open(encoding="utf-8", newline="") as table:
        hashed_ids = draws.hash_ids(row["id"] for row in csv.DictReader(table))
    cv2.setNumThreads(1)
    with (
        stage.output(stage.AUGMENTED / aug) as folder,
        ThreadPoolExecutor(os.cpu_count()) as threads,
    ):
        folder.mkdir()
        paths = [folder / f"copy-{copy}.npy" for copy in range(params.copies)]
        start, *_ = [_write_header(path, crops) for path in paths]
        progress = tqdm(total=params.copies * len(crops), unit=" crops", disable=None, leave=False)

        def fill(first: int, copy: int) -> None:
            part = slice(first, first + CHUNK)
            done = recipes.augment(crops[part], hashed_ids[part], aug, params.seed, copy)
            # Written rather than memory-mapped: a full disk is then an error, not a crash.
            with paths[copy].open("r+b") as file:
                file.seek(start + first * crops[0].nbytes)
                file.write(np.ascontiguousarray(done))
            progress.update(len(done))

        # The copies in turn: two threads that write to one file wait for each other.
        parts = product(range(0, len(crops), CHUNK), range(params.copies))
        list(threads.map(fill, *zip(*parts, strict=True)))


def _write_header(path: Path, crops: np.ndarray) -> int:
    with path.open("wb") as file:
        header = np.lib.format.header_data_from_array_1_0(crops)
        np.lib.format.write_array_header_1_0(file, header)
        return file.tell()


if __name__ == "__main__":
    stage.run(main)
