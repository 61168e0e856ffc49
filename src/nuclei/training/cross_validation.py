"""Train the networks of a configuration: one per fold and repeat, none depending on another."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from nuclei.augmentation import recipes
from nuclei.core.classes import CLASSES
from nuclei.core.errors import InputError
from nuclei.core.folds import Fold, evenly
from nuclei.core.nuclei import Nuclei
from nuclei.training import loop
from nuclei.training.params import TrainParams
from nuclei.training.passes import TrainingSet


class Trained(NamedTuple):
    """A network of a fold, trained."""

    fold: Fold
    repeat: int
    weights: list[np.ndarray]
    checkpoint: dict  # a row: fold, repeat, seed, and what `loop.Trained.checkpoint` holds
    curves: list[dict]  # rows: fold, repeat, and what `loop.train` measured
    probabilities: dict[str, np.ndarray]  # of the fold's test nuclei, float32 (n, C), by view


def networks(
    aug: str,
    training_sets: list[TrainingSet],
    nuclei: Nuclei,
    params: TrainParams,
    advance: Callable[[], object],
) -> Iterator[Trained]:
    """Train a network for every fold and repeat, and have it predict the fold's test nuclei.

    Validation and test nuclei are shown as `aug` says. Repeat r has the seed ``train.seed`` + r.
    Raises InputError if validation lacks a class, or a training diverged.
    """
    network, knobs = params.networks[params.network], params.train
    for fold, rows, pictures in training_sets:
        training = loop.Training(pictures, nuclei.labels[rows])
        measured = nuclei.rows(validation_rows(fold, nuclei.labels, knobs.max_validation))
        validation = measured._replace(crops=recipes.test_transform(measured.crops, aug))
        views = recipes.test_views(nuclei.crops[fold.test], aug)
        for repeat in range(knobs.repeats):
            seed, key = knobs.seed + repeat, {"fold": fold.number, "repeat": repeat}
            try:
                trained = loop.train(network, knobs, seed, training, validation, advance)
            except InputError as error:
                where = f"networks.{params.network}, fold {fold.number}"
                raise InputError(f"{where}: {error}") from None
            yield Trained(
                fold,
                repeat,
                trained.weights,
                checkpoint={**key, "seed": seed, **trained.checkpoint},
                curves=[key | point for point in trained.curves],
                probabilities={
                    name: loop.probabilities(trained.predict, crops)
                    for name, crops in views.items()
                },
            )


def validation_rows(fold: Fold, labels: np.ndarray, most: int) -> np.ndarray:
    """Return at most `most` rows of validation, spread over all patients.

    Raises InputError if a class is missing among them.
    """
    rows = evenly(fold.validation, most)
    if missing := set(range(len(CLASSES))) - set(labels[rows].tolist()):
        raise InputError(
            f"fold {fold.number}: no {CLASSES[missing.pop()]} among the {len(rows)} nuclei of "
            "validation that are measured; valid: some of each class (see train.max_validation)"
        )
    return rows
