"""Stage train: every repeat of one augmentation at one volume, and its probabilities on test."""

import environment  # noqa: F401, first: it needs no package

# isort: split
import os
import re
import sys
from collections.abc import Callable
from math import ceil

import numpy as np
import pandas as pd
from tqdm import tqdm

import paths
import stage
from nuclei import files
from nuclei.classes import CLASSES, codes
from nuclei.errors import InputError
from nuclei.params.train import TrainParams
from nuclei.training import start


def main(aug: str, volume: str) -> None:
    """Train the cell of augmentation `aug` at `volume`, a multiple of the training nuclei."""
    with tqdm(unit=" updates", disable=None, leave=False) as progress:
        cell(aug, volume, progress.update)


def cell(aug: str, volume: str, advance: Callable[[], object]) -> None:
    """Train a cell; `advance` is called after every update."""
    params = files.read_params(TrainParams)
    network, knobs = params.networks[params.network], params.train
    if network.threads:
        os.environ["TF_NUM_INTRAOP_THREADS"] = str(network.threads)
    with start.quiet_tensorflow() as said:
        from nuclei.training import loop, models

        record = loop.devices()

    splits = ("train", "validation", "test")
    tables = {split: files.read_csv(paths.PREPARED / f"{split}.csv") for split in splits}
    nuclei = {
        split: loop.Nuclei(
            [files.read_crops(paths.PREPARED / f"{split}.npy")], codes(table["label"])
        )
        for split, table in tables.items()
    }
    nuclei["train"] = loop.Nuclei(*_at_volume(aug, volume, nuclei["train"].labels))

    summary = files.read_json(paths.PREPARED / "summary.json")
    description = {
        "classes": CLASSES,
        "side": summary["side"],
        "microns": summary["microns"],
        "network": network.model_dump(),
    }
    print(*start.used(record, said), sep="\n", file=sys.stderr)
    seeds = [knobs.seed + repeat for repeat in range(knobs.repeats)]
    predictions, curves = [], []
    with stage.output(paths.MODELS / aug / f"x{volume}") as folder:
        files.write_json(folder / "model.json", description)
        repeats = loop.train(network, nuclei, seeds, knobs.points, knobs.sample, advance)
        for repeat, trained in enumerate(repeats):
            path = models.weights_file(folder, repeat)
            models.save(network, description["side"], trained.weights, path)
            predictions.append(_prediction_table(repeat, tables["test"], trained.probabilities))
            curves += trained.curves
    with stage.output(paths.PREDICTIONS / aug / f"x{volume}.csv") as path:
        files.write_csv(path, pd.concat(predictions))
    with stage.output(paths.TRAINING / aug / f"x{volume}.json") as path:
        record["network"] = params.network
        record["parameters"] = sum(weights.size for weights in trained.weights)
        record["batch"] = network.batch
        record["nuclei"] = len(nuclei["train"].labels)
        record["updates"] = loop.updates(network, record["nuclei"])
        files.write_json(path, {"record": record, "curves": curves}, digits=4)


def _at_volume(aug: str, volume: str, labels: np.ndarray) -> tuple[list[np.ndarray], np.ndarray]:
    """Return the augmented copies that a volume reads, and the labels of its rows."""
    made = sorted(path.name for path in paths.AUGMENTED.glob("[!.]*"))
    if aug not in made:
        raise InputError(
            f"augmentation {aug!r}: {paths.AUGMENTED} holds {', '.join(made) or 'nothing'}; "
            "make another with `dvc repro augment@AUG`"
        )
    plain = re.fullmatch(r"[0-9]{1,6}(\.[0-9]+)?", volume)
    count = round(float(volume) * len(labels)) if plain else 0
    if count < 1:
        raise InputError(f"volume: a positive number such as 0.5, 1 or 2; got {volume!r}")
    needed = ceil(count / len(labels))
    parts = []
    for copy in range(needed):
        path = paths.AUGMENTED / aug / f"copy-{copy}.npy"
        if not path.exists():
            raise InputError(
                f"{path} is missing: volume {volume} reads {needed} copies; "
                f"raise augment.copies to {needed}, then `dvc repro`"
            )
        if copy > 1:
            stage.require_dependency(path)
        parts.append(files.read_crops(path))
    return parts, np.resize(labels, count)


def _prediction_table(repeat: int, test: pd.DataFrame, probabilities: np.ndarray) -> pd.DataFrame:
    table = test[["id", "label", "patient", "site"]].copy()
    table.insert(0, "repeat", repeat)
    table[list(CLASSES)] = probabilities.astype(float).round(6)
    return table


if __name__ == "__main__":
    stage.run(main)
