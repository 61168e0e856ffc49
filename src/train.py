"""Stage train: the networks of one augmentation at one volume, and their probabilities."""

import os
import re
import sys
from collections.abc import Callable
from functools import partial
from math import ceil

from nuclei.pipeline import stage

import numpy as np
from tqdm import tqdm

from nuclei.augmentation import fresh, recipes
from nuclei.augmentation.recipes import Learned
from nuclei.core import draws, files, folds, paths
from nuclei.core.classes import CLASSES, codes
from nuclei.core.errors import InputError
from nuclei.core.folds import Fold
from nuclei.training import passes, start
from nuclei.training.params import Network, TrainParams
from nuclei.training.passes import Pictures


def main(aug: str, volume: str) -> None:
    """Train the cell of augmentation `aug` at `volume`, a multiple of the training nuclei."""
    with tqdm(unit=" updates", disable=None, leave=False) as progress:
        configuration(aug, volume, progress.update)


def configuration(aug: str, volume: str, advance: Callable[[], object]) -> None:
    """Train a network per fold and repeat; `advance` is called after every update."""
    params = files.read_params(TrainParams)
    network, knobs = params.networks[params.network], params.train
    record, said = _load(network)
    from nuclei.training import loop, models

    table = files.read_csv(paths.PREPARED / "nuclei.csv")
    crops = files.read_crops(paths.PREPARED / "nuclei.npy")
    summary = files.read_json(paths.PREPARED / "summary.json")
    labels, patients = codes(table["label"]), table["patient"].to_numpy()
    dealt = folds.of_tables(table, files.read_csv(paths.PREPARED / "folds.csv"))
    source = _source(aug, volume, crops, labels, table["id"].tolist(), dealt)
    print(*start.used(record, said), sep="\n", file=sys.stderr)
    views = _views(aug)
    shape = knobs.repeats, len(table), len(CLASSES)
    predicted = {name: np.full(shape, np.nan, np.float32) for name in views}
    made, curves, counts = [], [], []
    with stage.output(paths.MODELS / aug / f"x{volume}") as folder:
        folder.mkdir()
        for fold in dealt:
            rows = folds.at_volume(fold.train, patients, float(volume), summary["order"])
            training = loop.Training(source(fold, rows), labels[rows])
            measured = _measured(fold, labels, knobs.max_validation)
            validation = loop.Nuclei(crops[measured], labels[measured])
            shown = {name: view(crops[fold.test]) for name, view in views.items()}
            counts.append(len(rows))
            for repeat in range(knobs.repeats):
                seed, key = knobs.seed + repeat, {"fold": fold.number, "repeat": repeat}
                try:
                    trained = loop.train(network, knobs, seed, training, validation, advance)
                except InputError as error:
                    where = f"networks.{params.network}, fold {fold.number}"
                    raise InputError(f"{where}: {error}") from None
                path = models.weights_file(folder, fold.number, repeat)
                models.save(network, summary["side"], trained.weights, path)
                for name, seen in shown.items():
                    predicted[name][repeat, fold.test] = loop.probabilities(trained.predict, seen)
                made.append({**key, "seed": seed, **trained.end})
                curves += [key | point for point in trained.curves]
        description = {
            "classes": CLASSES,
            "side": summary["side"],
            "window_um": summary["window_um"],
        }
        described = description | {"network": network.model_dump(), "made": made}
        files.write_json(folder / "model.json", described, digits=4)
    with stage.output(paths.PREDICTIONS / aug / f"x{volume}") as folder:
        folder.mkdir()
        for name, probabilities in predicted.items():
            np.save(folder / f"{name}.npy", probabilities)
    with stage.output(paths.TRAINING / aug / f"x{volume}.json") as path:
        record["network"] = params.network
        record["parameters"] = sum(weights.size for weights in trained.weights)
        record["batch"] = network.batch
        record["nuclei"] = round(np.mean(counts))  # of a fold
        record["updates"] = loop.updates(network, record["nuclei"])
        files.write_json(path, {"record": record, "made": made, "curves": curves}, digits=4)


def _views(aug: str) -> dict[str, Callable]:
    """Name the ways in which test nuclei are shown to the networks of an augmentation."""
    as_they_are: dict[str, Callable] = {"test": np.asarray}
    if recipes.enlargement(aug) == 1:
        return as_they_are
    return as_they_are | {"test-at-training-scale": partial(recipes.at_training_scale, recipe=aug)}


def _measured(fold: Fold, labels: np.ndarray, most: int) -> np.ndarray:
    """Take at most so many rows of validation, evenly over all, so of all patients."""
    count = min(len(fold.validation), most)
    rows = fold.validation[np.arange(count) * len(fold.validation) // count]
    if missing := set(range(len(CLASSES))) - set(labels[rows].tolist()):
        raise InputError(
            f"fold {fold.number}: no {CLASSES[missing.pop()]} among the {count} nuclei of "
            "validation that are measured; raise train.max_validation in params.yaml"
        )
    return rows


def _load(network: Network) -> tuple[dict, list[str]]:
    """Import TensorFlow as the network wants it; return what it runs on, and what it said."""
    if network.intra_op_threads:
        os.environ["TF_NUM_INTRAOP_THREADS"] = str(network.intra_op_threads)
    with start.quiet_tensorflow() as said:
        from nuclei.training import loop

        record = loop.devices()
    return record, said


def _source(
    aug: str,
    volume: str,
    crops: np.ndarray,
    labels: np.ndarray,
    ids: list[str],
    dealt: list[Fold],
) -> Callable[[Fold, np.ndarray], Pictures]:
    """Return what makes the pictures of a fold's training rows at this volume."""
    made = sorted(path.name for path in paths.AUGMENTED.glob("[!.]*"))
    if aug not in made:
        raise InputError(
            f"augmentation {aug!r}: {paths.AUGMENTED} holds {', '.join(made) or 'nothing'}; "
            "make another with `dvc repro augment@AUG`"
        )
    if volume == "inf":
        draw, hashed_ids = _draw(aug), draws.hash_ids(ids)
        return lambda fold, rows: passes.fresh(
            crops, labels, rows, hashed_ids, draw, _known(aug, draw, fold.number)
        )
    if not re.fullmatch(r"[0-9]{1,6}(\.[0-9]+)?", volume) or float(volume) == 0:
        raise InputError(f"volume: a positive number such as 0.5, 1 or 2, or inf; got {volume!r}")

    copies = {fold.number: _copies(aug, volume, fold.number) for fold in dealt}
    return lambda fold, rows: passes.stored(
        copies[fold.number], rows, min(len(rows), len(fold.train))
    )


def _copies(aug: str, volume: str, fold: int) -> list[np.ndarray]:
    """Map the copies that a fold reads at this volume."""
    count, folder = ceil(float(volume)), paths.copies(aug, fold)
    found = []
    for copy in range(count):
        path = folder / f"copy-{copy}.npy"
        if not path.exists():
            raise InputError(
                f"{path} is missing: volume {volume} reads {count} copies; "
                f"raise augment.copies to {count}, then `dvc repro`"
            )
        found.append(files.read_crops(path))
    return found


def _known(aug: str, draw: fresh.Draw, fold: int) -> Learned:
    """What the recipe has of a fold's training nuclei: numbers, and nuclei made after them."""
    known = draw.learned.get(str(fold), {})
    if recipes.generates(aug):
        known = known | {"generated": {"pool": files.read_crops(paths.pool(aug, fold))}}
    return known


def _draw(aug: str) -> fresh.Draw:
    path = paths.FRESH / f"{aug}.json"
    found = files.read_json(path)
    if not isinstance(found, dict) or set(found) != set(fresh.Draw._fields):
        raise InputError(f"{path}: valid: {', '.join(fresh.Draw._fields)}; got {str(found)[:80]}")
    draw = fresh.Draw(**found)
    if fresh.sample(draw.recipe, draw.seed) != draw.sample:
        raise InputError(f"{path}: {aug} draws otherwise now; type `dvc repro augment@{aug}`")
    return draw


if __name__ == "__main__":
    stage.run(main)
