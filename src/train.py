"""Stage train: the networks of one augmentation at one volume, and their probabilities."""

import os
import re
import sys
from collections import defaultdict
from collections.abc import Callable
from math import ceil

from nuclei.pipeline import stage

import numpy as np
from tqdm import tqdm

from nuclei.augmentation import recipes
from nuclei.augmentation.params import Draws
from nuclei.core import files, folds, paths
from nuclei.core.classes import CLASSES
from nuclei.core.errors import InputError
from nuclei.core.folds import Fold
from nuclei.core.nuclei import Nuclei
from nuclei.core.params import parse
from nuclei.training import passes, start
from nuclei.training.params import TrainParams
from nuclei.training.passes import Pictures, TrainingSet

DIGITS = 4  # of losses and scores
POOL_EXAMPLES = 32  # synthetic nuclei of each class that are kept beside the predictions


def main(aug: str, volume: str) -> None:
    """Train augmentation `aug` at `volume`: a multiple of the training nuclei, or inf."""
    with tqdm(unit=" updates", disable=None, leave=False) as progress:
        configuration(aug, volume, progress.update)


def configuration(aug: str, volume: str, advance: Callable[[], object]) -> None:
    """Train a configuration, a network per fold and repeat; call `advance` after every update."""
    params = files.read_params(TrainParams)
    network = params.networks[params.network]
    if network.intra_op_threads:
        os.environ["TF_NUM_INTRAOP_THREADS"] = str(network.intra_op_threads)
    with start.quiet_tensorflow() as messages:
        from nuclei.training import cross_validation, loop, models

        record = loop.devices()
    nuclei = files.read_nuclei(paths.PREPARED)
    summary = files.read_json(paths.PREPARED / "summary.json")
    draws = _draws(aug)
    training_sets = _training_sets(aug, volume, nuclei, draws, summary["order"])
    print(*start.used(record, messages), sep="\n", file=sys.stderr)
    shape = params.train.repeats, len(nuclei.labels), len(CLASSES)
    predictions: dict[str, np.ndarray] = defaultdict(lambda: np.full(shape, np.nan, np.float32))
    checkpoints: list[dict] = []
    curves: list[dict] = []
    with stage.output(paths.MODELS / aug / f"x{volume}") as folder:
        folder.mkdir()
        for trained in cross_validation.networks(aug, training_sets, nuclei, params, advance):
            path = models.weights_file(folder, trained.fold.number, trained.repeat)
            models.save(network, summary["side"], trained.weights, path)
            for view, probabilities in trained.probabilities.items():
                predictions[view][trained.repeat, trained.fold.test] = probabilities
            checkpoints.append(files.rounded(trained.checkpoint, DIGITS))
            curves += files.rounded(trained.curves, DIGITS)
        description = {"classes": CLASSES, **{key: summary[key] for key in ("side", "window_um")}}
        description |= {"network": network.model_dump(), "checkpoints": checkpoints}
        files.write_json(folder / "model.json", description)
    count = round(np.mean([len(training.rows) for training in training_sets]))
    record |= {
        "network": params.network,
        "parameters": sum(weights.size for weights in trained.weights),
        "batch": network.batch,
        "nuclei": count,  # of a fold's training
        "updates": loop.updates(network, count),
    }
    content = {"record": record, "knobs": _knobs(params, draws), "checkpoints": checkpoints}
    content |= {"curves": curves, "draws": draws.model_dump()}
    with stage.output(paths.PREDICTIONS / aug / f"x{volume}") as folder:
        folder.mkdir()
        for view, probabilities in predictions.items():
            np.save(folder / f"{view}.npy", probabilities)
        if recipes.generates(aug):
            pool = files.read_crops(paths.pool(aug, fold=1))
            by_class = pool.reshape(len(CLASSES), -1, *pool.shape[1:])
            np.save(folder / paths.POOL, np.concatenate(by_class[:, :POOL_EXAMPLES]))
            qualities = files.read_csv(paths.AUGMENTED / aug / paths.QUALITIES)
            content["synthetic"] = qualities.to_dict("records")
    with stage.output(paths.TRAINING / aug / f"x{volume}.json") as path:
        files.write_json(path, content)


def _draws(aug: str) -> Draws:
    augmented = sorted(path.name for path in paths.AUGMENTED.glob("[!.]*"))
    if aug not in augmented:
        stored = f"{paths.AUGMENTED} holds {', '.join(augmented) or 'nothing'}"
        raise InputError(f"augmentation {aug!r}: {stored}; type `dvc repro augment@AUG`")
    path = paths.AUGMENTED / aug / paths.DRAWS
    return parse(Draws, files.read_json(path), str(path))


def _training_sets(
    aug: str, volume: str, nuclei: Nuclei, draws: Draws, order: str
) -> list[TrainingSet]:
    fresh = volume == "inf"
    plain = re.fullmatch(r"[0-9]{1,6}(\.[0-9]+)?", volume)
    if not fresh and (not plain or float(volume) == 0):
        raise InputError(f"volume: a positive number such as 0.5, 1 or 2, or inf; got {volume!r}")
    table = files.read_csv(paths.PREPARED / "nuclei.csv")
    patients, training_sets = table["patient"].to_numpy(), []
    for fold in folds.of_tables(table, files.read_csv(paths.PREPARED / "folds.csv")):
        rows = folds.at_volume(fold.train, patients, float(volume), order)
        if fresh:
            pictures = _fresh(aug, fold, nuclei, draws)
        else:
            copies = _copies(aug, fold.number, volume)
            pictures = passes.stored(copies, rows, distinct=min(len(rows), len(fold.train)))
        training_sets.append(TrainingSet(fold, rows, pictures))
    return training_sets


def _fresh(aug: str, fold: Fold, nuclei: Nuclei, draws: Draws) -> Pictures:
    """Return passes that are drawn anew, if this code draws as it did for the stored copies."""
    learned = draws.learned.get(str(fold.number), {})
    if recipes.generates(aug):
        learned = learned | {"generated": {"pool": files.read_crops(paths.pool(aug, fold.number))}}
    folder, arguments = paths.copies(aug, fold.number), (aug, draws.seed, learned)
    copies = [files.read_crops(path) for path in sorted(folder.glob("copy-[01].npy"))]
    if not passes.same_as_stored(copies, nuclei, fold.train, *arguments):
        redraw = f"type `dvc repro augment@{aug}`, which draws the stored copies again"
        raise InputError(f"{folder}: {aug} draws otherwise now; {redraw}")
    return passes.fresh(nuclei, fold.train, *arguments)


def _copies(aug: str, fold: int, volume: str) -> list[np.ndarray]:
    count, folder = ceil(float(volume)), paths.copies(aug, fold)
    copies = [folder / f"copy-{copy}.npy" for copy in range(count)]
    for path in copies:
        if not path.exists():
            needed = f"volume {volume} reads {count} copies; raise augment.copies to {count}"
            raise InputError(f"{path} is missing: {needed}, then `dvc repro`")
    return [files.read_crops(path) for path in copies]


def _knobs(params: TrainParams, draws: Draws) -> dict:
    """Return the knobs that the predictions depend on, by their keys in params.yaml."""
    name = params.network
    knobs = {"network": name, "augment.seed": draws.seed}
    sections = {"train": params.train.model_dump(), "generator": draws.generator}
    sections[f"networks.{name}"] = params.networks[name].model_dump()
    for place, section in sections.items():
        knobs |= {f"{place}.{key}": value for key, value in section.items()}
    return knobs


if __name__ == "__main__":
    stage.run(main)
