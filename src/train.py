"""Stage train: every repeat of one augmentation at one volume, and its probabilities on test."""

import json
import os
import re
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
    if network.threads:
        os.environ["TF_NUM_INTRAOP_THREADS"] = str(network.threads)
    with stage.quiet_tensorflow():
        from nuclei import training

        used = training.devices()

    tables = {split: _read_table(split) for split in ("train", "validation", "test")}
    splits = {
        split: training.Nuclei([stage.read_crops(stage.PREPARED / f"{split}.npy")], _labels(table))
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
        # Not rounded: a small learning rate would become 0.
        text = json.dumps(model_record, indent=1) + "\n"
        (folder / "model.json").write_text(text, encoding="utf-8")
        cell = training.train(network, splits, seeds, knobs.points, knobs.sample)
        for repeat, trained in enumerate(cell):
            weights = folder / f"repeat-{repeat}.weights.h5"
            # HDF5 crashes where the disk is full: let plain bytes, more than it needs, try first.
            weights.write_bytes(bytes(8 * trained.model.count_params() + 2**20))
            trained.model.save_weights(weights)
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


def _at_volume(aug: str, volume: str, labels: np.ndarray) -> tuple[list[np.ndarray], np.ndarray]:
    made = sorted(path.name for path in stage.AUGMENTED.glob("*"))
    if aug not in made:
        raise InputError(
            f"augmentation {aug!r}: {stage.AUGMENTED} holds {', '.join(made) or 'nothing'}; "
            "make another with `dvc repro augment@AUG`"
        )
    plain = re.fullmatch(r"[0-9]{1,6}(\.[0-9]+)?", volume)
    count = round(float(volume) * len(labels)) if plain else 0
    if count < 1:
        raise InputError(f"volume: a positive number such as 0.5, 1 or 2; got {volume!r}")
    needed = ceil(count / len(labels))
    parts = []
    for copy in range(needed):
        path = stage.AUGMENTED / aug / f"copy-{copy}.npy"
        if not path.exists():
            raise InputError(
                f"{path} is missing: volume {volume} reads {needed} copies; "
                f"raise augment.copies to {needed}, then `dvc repro`"
            )
        parts.append(stage.read_crops(path))
    return parts, np.resize(labels, count)


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


if __name__ == "__main__":
    stage.run(main)
