"""Stage train: every repeat of one augmentation at one volume, and its probabilities on test."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from math import ceil
from pathlib import Path

import numpy as np
import pandas as pd

import stage
from nuclei.classes import CLASSES
from nuclei.errors import InputError


def main(aug: str, volume: str) -> None:
    """Train the cell of augmentation `aug` at `volume`, a multiple of the training nuclei."""
    params = stage.read_params()
    network = params.networks[params.network]
    with _stderr_closed():
        from nuclei import training

        used = training.devices()

    tables = {split: _read_table(split) for split in ("train", "validation", "test")}
    splits = {
        split: training.Nuclei([_read_crops(stage.PREPARED / f"{split}.npy")], _labels(table))
        for split, table in tables.items()
    }
    splits["train"] = training.Nuclei(*_at_volume(aug, volume, splits["train"].labels))

    summary = json.loads((stage.PREPARED / "summary.json").read_text(encoding="utf-8"))
    model_record = {
        "classes": CLASSES,
        "side": summary["side"],
        "microns": summary["microns"],
        "network": network.model_dump(),
    }
    knobs = params.train
    seeds = [knobs.seed + repeat for repeat in range(knobs.repeats)]
    predictions, curves = [], []
    with stage.output(stage.MODELS / aug / f"x{volume}") as folder:
        folder.mkdir()
        _write_json(folder / "model.json", model_record)
        cell = training.train(network, splits, seeds, knobs.points, knobs.sample)
        for repeat, trained in enumerate(cell):
            trained.model.save_weights(folder / f"repeat-{repeat}.weights.h5")
            predictions.append(_prediction_table(repeat, tables["test"], trained.probabilities))
            curves += trained.curves
    with stage.output(stage.PREDICTIONS / aug / f"x{volume}.csv") as path:
        pd.concat(predictions).to_csv(path, index=False)
    with stage.output(stage.TRAINING / aug / f"x{volume}.json") as path:
        used["network"] = params.network
        used["parameters"] = trained.model.count_params()
        used["batch"] = network.batch
        used["nuclei"] = len(splits["train"].labels)
        used["updates"] = training.updates(network, used["nuclei"])
        _write_json(path, {"record": used, "curves": curves})


def _read_table(split: str) -> pd.DataFrame:
    return pd.read_csv(stage.PREPARED / f"{split}.csv", dtype=str, keep_default_na=False)


def _labels(table: pd.DataFrame) -> np.ndarray:
    return table["label"].map({name: i for i, name in enumerate(CLASSES)}).to_numpy()


def _read_crops(path: Path) -> np.ndarray:
    return np.load(path, mmap_mode="r", allow_pickle=False)


def _at_volume(aug: str, volume: str, labels: np.ndarray) -> tuple[list[np.ndarray], np.ndarray]:
    try:
        count = round(float(volume) * len(labels))
    except (ValueError, OverflowError):
        count = 0
    if count < 1:
        raise InputError(f"volume: a positive number such as 0.5, 1 or 2; got {volume}")
    copies = [
        stage.AUGMENTED / aug / f"copy-{copy}.npy" for copy in range(ceil(count / len(labels)))
    ]
    for path in copies:
        if not path.exists():
            raise InputError(
                f"{path} is missing: volume {volume} reads {len(copies)} copies; "
                f"raise augment.copies to {len(copies)}, then `dvc repro`"
            )
    return [_read_crops(path) for path in copies], np.resize(labels, count)


def _prediction_table(repeat: int, test: pd.DataFrame, probabilities: np.ndarray) -> pd.DataFrame:
    table = test[["id", "label", "patient", "site"]].copy()
    table.insert(0, "repeat", repeat)
    table[list(CLASSES)] = probabilities.astype(float).round(6)
    return table


def _write_json(path: Path, content: dict) -> None:
    def rounded(value: object) -> object:
        if isinstance(value, dict):
            return {key: rounded(v) for key, v in value.items()}
        if isinstance(value, (list, tuple)):
            return [rounded(v) for v in value]
        return round(value, 4) if isinstance(value, float) else value

    path.write_text(json.dumps(rounded(content), indent=1) + "\n", encoding="utf-8")


@contextmanager
def _stderr_closed() -> Iterator[None]:
    # TensorFlow greets on the process's own stderr before its log level is read.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


if __name__ == "__main__":
    stage.run(main)
