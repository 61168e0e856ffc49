"""A recipe is operations joined by `+`, applied in that order: `invert+flip`, `flip+stain-10`."""

import re
from typing import Any, NamedTuple

import numpy as np

from nuclei.augmentation import generated, geometry, policies
from nuclei.core.draws import keys
from nuclei.core.errors import InputError
from nuclei.core.nuclei import Nuclei

OPERATIONS = {**policies.SINGLE, **policies.OPERATIONS, **generated.OPERATIONS}
# What operations know of a fold's training nuclei, by name: numbers that JSON can hold, and a pool.
Learned = dict[str, dict[str, Any]]


class Step(NamedTuple):
    """One operation of a recipe, and its strength; None if the operation has no strength."""

    name: str
    strength: float | None


def parse(recipe: str) -> tuple[Step, ...]:
    """Split a recipe into its steps; a strength that is not given is the default.

    Raises InputError if an operation is unknown or repeated, `none` stands beside another, or a
    number is out of range, has no meaning, or is the default.
    """
    steps = tuple(_step(recipe, word) for word in recipe.split("+"))
    names = [step.name for step in steps]
    if len(set(names)) < len(names):
        raise InputError(f"augmentation {recipe!r}: an operation may stand in a recipe only once")
    if "none" in names and len(names) > 1:
        raise InputError(f"augmentation {recipe!r}: none stands alone")
    return steps


def _step(recipe: str, word: str) -> Step:
    about = f"augmentation {recipe!r}"
    name, dash, number = word.partition("-")
    if name not in OPERATIONS:
        valid_names = f"{', '.join(OPERATIONS)}, or several joined by +"
        raise InputError(f"{about}: no operation {name!r}; valid: {valid_names}")
    valid = OPERATIONS[name].strength
    if not dash:
        return Step(name, valid and valid.default)
    if valid is None:
        raise InputError(f"{about}: {name} takes no number; got {number!r}")
    # A number has one spelling, not 5, 05 and 5.0: files are named after the recipe.
    plain = re.fullmatch(r"(0|[1-9][0-9]{0,3})(\.[0-9]{0,2}[1-9])?", number)
    if not plain or not valid.low <= float(number) <= valid.high or (valid.whole and plain[2]):
        example = f"a {'whole ' if valid.whole else ''}number such as {valid.default:g}"
        raise InputError(f"{about}: the number of {name} is its {valid}, {example}; got {number!r}")
    if float(number) == valid.default:
        raise InputError(f"{about}: {word} is {name}: {number} is its default; write {name}")
    return Step(name, float(number))


def augment(
    nuclei: Nuclei, recipe: str, seed: int, copy: int, learned: Learned | None = None
) -> np.ndarray:
    """Augment nuclei for the `copy`-th time, from 0; return crops, uint8 RGB (N, S, S, 3).

    Row i depends only on nucleus i, the recipe, seed, copy, and `learned`: what `learn` returned,
    with a pool if the recipe generates. The random numbers are the same at every strength, so two
    strengths of an operation differ by nothing else.
    """
    crops = nuclei.crops
    for name, strength in parse(recipe):
        operation, stream = OPERATIONS[name], keys(nuclei.hashed_ids, seed, copy, name)
        fixed = (learned or {}).get(name, {})
        if operation.generates:
            if copy % 2 == 0:
                continue
            fixed = fixed | {"labels": nuclei.labels}
        crops = operation.apply(crops, **operation.draw(stream, strength), **fixed)
    return crops


def is_learned(recipe: str) -> bool:
    """Return whether copies depend on a fold's training nuclei, so that each fold has its own."""
    return generates(recipe) or any(OPERATIONS[step.name].learn for step in parse(recipe))


def generates(recipe: str) -> bool:
    """Return whether every second copy holds synthetic nuclei."""
    return any(OPERATIONS[step.name].generates for step in parse(recipe))


def of_real_nuclei(recipe: str) -> str:
    """Return the recipe without the operations that generate; ``none`` if no other is left."""
    return "+".join(part for part in recipe.split("+") if not generates(part)) or "none"


def learn(recipe: str, crops: np.ndarray, rows: np.ndarray) -> Learned:
    """Have a recipe's operations learn from a fold's training nuclei.

    crops: uint8 RGB (N, S, S, 3) of all nuclei; rows: of the training nuclei, int (n,).
    """
    learners = {step.name: OPERATIONS[step.name].learn for step in parse(recipe)}
    return {name: learner(crops, rows) for name, learner in learners.items() if learner}


def test_transform(crops: np.ndarray, recipe: str) -> np.ndarray:
    """Return validation or test crops, uint8 (N, S, S, 3), after the `at_test` of every step."""
    for step in parse(recipe):
        if transform := OPERATIONS[step.name].at_test:
            crops = transform(crops)
    return crops


def test_views(crops: np.ndarray, recipe: str) -> dict[str, np.ndarray]:
    """Return test crops, uint8 (N, S, S, 3), in each way that they are predicted, by its name.

    `crop` enlarges training nuclei and shows a part of them. To tell the two effects apart, its
    networks see test nuclei a second time, as large as the training nuclei.
    """
    views = {"test": test_transform(crops, recipe)}
    if enlargement(recipe) != 1:
        views["test-at-training-scale"] = at_training_scale(views["test"], recipe)
    return views


def enlargement(recipe: str) -> float:
    """Return how much larger training nuclei look than test nuclei."""
    return dict(parse(recipe)).get("crop") or 1.0


def at_training_scale(crops: np.ndarray, recipe: str) -> np.ndarray:
    """Enlarge the middle of crops, uint8 (N, S, S, 3), as much as the recipe's `crop` does."""
    middle = np.full(len(crops), 0.5)
    return geometry.crop(crops, middle, middle, np.full(len(crops), enlargement(recipe)))
