"""Keep the predictions of a long study in few enough bytes for git, and evaluate them anew.

`python benchmarks/kept.py keep NAME FOLDER` packs the finished configurations of the study in
FOLDER into docs/numbers/NAME, beside those that are there: a study may be trained in parts, on
machines that share no disk. `python benchmarks/kept.py evaluate NAME` computes every table of the
report from them, as stage evaluate does, with no picture, no training and no TensorFlow.
`evaluate NAME NAME/a NAME/b` takes the repeats of two studies of different seeds together, and
writes the tables into NAME. `evaluate --without SITE NAME ...` leaves out the patients of a site,
and writes one table, of the augmentations: without-SITE.csv.
"""

import bz2
import itertools
import shutil
import sys
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from dvc.utils.serialize import load_yaml, modify_yaml

from nuclei.core import files, folds, paths
from nuclei.core.params import StageParams
from nuclei.report import forest, tables
from nuclei.statistics import bootstrap
from nuclei.statistics import predictions as predicted
from nuclei.statistics.params import Evaluate
from nuclei.statistics.predictions import Configuration, Predictions, Tested

NUMBERS = Path(__file__).parents[1] / "docs/numbers"
STEP = 1 / 32  # of the log odds: no probability is further than 0.008 from what it was
VIEWS = ("test", "test-at-training-scale")
ROWS = ("curves", "checkpoints")  # of a training's record: a row per fold and repeat
TABLES = (
    "augmentations",
    "configurations",
    "claims",
    "classes",
    "checkpoints",
    "forest",
    "synthetic_against_real",
    "power",
    "scale",
    "sites",
    "site_gains",
    "volumes",
)


def keep(name: str, folder: Path) -> None:
    """Pack the finished configurations of the study in `folder`, and how they were trained."""
    home = NUMBERS / name
    home.mkdir(parents=True, exist_ok=True)
    shutil.copy(folder / "params.yaml", home / "params.yaml")
    shutil.copy(folder / "data/prepared/folds.csv", home / "folds.csv")
    nuclei = files.read_csv(folder / "data/prepared/nuclei.csv")
    nuclei[["id", "label", "patient", "site"]].to_csv(home / "nuclei.csv.bz2", index=False)
    recorded = load_yaml(folder / "dvc.lock")["stages"]
    with modify_yaml(home / "study.lock") as lock:
        for path in sorted(folder.glob("data/training/*/x*.json")):
            aug, volume = path.parent.name, path.stem[1:]
            if f"train@{aug}-{volume}" not in recorded:
                continue
            for stage in ("prepare", f"augment@{aug}", f"train@{aug}-{volume}"):
                lock.setdefault("stages", {})[stage] = recorded[stage]
            place = home / "configurations" / aug
            place.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, place / path.name)
            for qualities in (folder / f"data/augmented/{aug}").glob(paths.QUALITIES):
                shutil.copy(qualities, place)
            for view in VIEWS:
                array = folder / f"data/predictions/{aug}/x{volume}/{view}.npy"
                if array.exists():
                    packed = bz2.compress(pack(np.load(array)).tobytes())
                    (place / f"x{volume}.{view}.bz2").write_bytes(packed)


def pack(probabilities: np.ndarray) -> np.ndarray:
    """Turn probabilities (repeats, N, classes) into log odds against the last class.

    Returns:
        int16 (repeats, classes - 1, N), in steps of STEP. The likeliest class stays the likeliest.
    """
    logs = np.log(np.clip(probabilities.astype(float), 1e-7, 1))
    odds = ((logs - logs[..., -1:]) / STEP).round().astype("<i2")
    # Rounding makes ties, and a tie would go to the first class: the likeliest goes ahead by one.
    likeliest = probabilities.argmax(axis=-1)[..., None]
    ahead = np.take_along_axis(odds, likeliest, -1) + 1
    others = np.arange(odds.shape[-1]) != likeliest
    tied = (np.where(others, odds, np.iinfo("<i2").min).max(axis=-1, keepdims=True)) >= ahead - 1
    np.put_along_axis(odds, likeliest, np.where(tied, ahead, ahead - 1), -1)
    odds -= odds[..., -1:]
    return np.ascontiguousarray(np.moveaxis(odds[..., :-1], -1, 1))


def unpack(odds: np.ndarray) -> np.ndarray:
    """Return the probabilities, float32 (repeats, N, classes), of what `pack` returned."""
    logs = np.moveaxis(odds, 1, -1) * STEP
    powers = np.exp(np.concatenate([logs, np.zeros_like(logs[..., :1])], axis=-1))
    return (powers / powers.sum(axis=-1, keepdims=True)).astype(np.float32)


class Params(StageParams):
    """The params of a study on which its tables depend."""

    train: dict[str, Any]
    evaluate: Evaluate


def params_of(name: str) -> Params:
    """Return the params of a study."""
    return files.read_params(Params, NUMBERS / name / "params.yaml")


class Kept(NamedTuple):
    """A study as it is kept."""

    tested: Tested
    # By view: probabilities, float32 (repeats, N, classes).
    configurations: dict[str, dict[Configuration, np.ndarray]]
    training: dict[Configuration, dict]  # the record of each configuration's training
    params: Params


def read(name: str) -> Kept:
    """Return a study as it is kept."""
    home = NUMBERS / name
    params = params_of(name)
    nuclei = pd.read_csv(home / "nuclei.csv.bz2", dtype=str)
    dealt = folds.of_tables(nuclei, files.read_csv(home / "folds.csv"))
    tested, rows = predicted.tested_nuclei(nuclei, dealt)
    probabilities: dict[str, dict[Configuration, np.ndarray]] = {view: {} for view in VIEWS}
    training = {}
    shape = params.train["repeats"], 2, len(nuclei)
    home /= "configurations"
    order = [*params.evaluate.planned, *sorted(path.name for path in home.iterdir())]
    records = home.glob("*/x*.json")
    for path in sorted(records, key=lambda path: (order.index(path.parent.name), path.stem)):
        configuration = path.parent.name, float(path.stem[1:])
        training[configuration] = files.read_json(path)
        for view in VIEWS:
            packed = path.with_name(f"{path.stem}.{view}.bz2")
            if packed.exists():
                odds = np.frombuffer(bz2.decompress(packed.read_bytes()), "<i2").reshape(shape)
                probabilities[view][configuration] = predicted.checked(
                    unpack(odds), rows, len(nuclei), shape[0], str(packed)
                )
    return Kept(tested, probabilities, training, params)


def together(parts: list[Kept]) -> Kept:
    """Put the repeats of studies one after the other, of the configurations that all have."""
    first = parts[0]
    if not all(all(map(np.array_equal, part.tested, first.tested)) for part in parts):
        raise SystemExit("error: the studies have not tested the same nuclei by the same folds")
    common = [key for key in first.training if all(key in part.training for part in parts)]
    probabilities = {
        view: {
            key: np.concatenate([part.configurations[view][key] for part in parts])
            for key in common
            if key in first.configurations[view]
        }
        for view in VIEWS
    }
    training: dict[Configuration, dict] = {key: {kind: [] for kind in ROWS} for key in common}
    before = 0
    for part in parts:
        for key, kind in itertools.product(common, ROWS):
            rows = part.training[key][kind]
            training[key][kind] += [row | {"repeat": row["repeat"] + before} for row in rows]
        before += part.params.train["repeats"]
    return Kept(first.tested, probabilities, training, first.params)


def leave_out(kept: Kept, site: str) -> Kept:
    """Leave the patients of a site out of what is tested."""
    others = kept.tested.site != site
    if others.all():
        valid = ", ".join(sorted({*kept.tested.site}))
        raise SystemExit(f"error: {site}: no such site; valid: {valid}")
    tested = Tested(*(of[others] for of in kept.tested))
    probabilities = {
        view: {key: values[:, others] for key, values in by_configuration.items()}
        for view, by_configuration in kept.configurations.items()
    }
    return kept._replace(tested=tested, configurations=probabilities)


def evaluate(name: str, *parts: str, without: str = "") -> None:
    """Write every table into docs/numbers/NAME; without a site, that of the augmentations."""
    kept = together([read(part) for part in parts or [name]])
    kept = leave_out(kept, without) if without else kept
    knobs = kept.params.evaluate
    predictions = Predictions(kept.tested, kept.configurations["test"])
    resampled = bootstrap.resample(predictions, knobs.resamples, knobs.seed)
    rescaled = kept.configurations[VIEWS[1]]
    for row in (row for training in kept.training.values() for row in training["checkpoints"]):
        row.setdefault("late_fall", np.nan)  # older trainings did not record it
    asked = "", next(iter(predictions.configurations))[1]  # no augmentation is set in bold
    study = tables.study(predictions, rescaled, kept.training, resampled, knobs, asked)
    rounded = {table: study[table].round(4) for table in TABLES if table in study}
    rounded["checkpoints"] = rounded["checkpoints"].dropna(axis=1, how="all")
    (NUMBERS / name).mkdir(parents=True, exist_ok=True)
    if without:
        path = NUMBERS / name / f"without-{without}.csv"
        files.write_csv(path, rounded["augmentations"], digits=4)
        return
    for table, rows in rounded.items():
        files.write_csv(NUMBERS / name / f"{table}.csv", rows, digits=4)
    mean = rounded["forest"].query("volume == 'all'")
    for figure, shown in (("forest", rounded["forest"]), ("forest-mean", mean)):
        if len(shown):
            png = forest.forest(shown, knobs.margin)
            (NUMBERS / name / f"{figure}.png").write_bytes(png)


if __name__ == "__main__":
    if sys.argv[1] == "keep":
        keep(sys.argv[2], Path(sys.argv[3]))
    elif sys.argv[2] == "--without":
        evaluate(*sys.argv[4:], without=sys.argv[3])
    else:
        evaluate(*sys.argv[2:])
