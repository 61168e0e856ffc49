"""Draw what an augmentation does to prepared nuclei, at several draws; no model is needed."""

from pathlib import Path

import numpy as np

from nuclei.augmentation import recipes
from nuclei.augmentation.params import AugmentParams
from nuclei.core import files, folds, paths
from nuclei.core.classes import CLASSES
from nuclei.core.errors import InputError
from nuclei.report import contact_sheets

NUCLEI, COPIES = 6, 7  # of one recipe
COPIES_EACH = 3  # of every operation, with one nucleus of each class


def show(recipe: str | None = None, out: Path | None = None) -> None:
    """Write a contact sheet of a recipe, or of all operations, to `out` or into shown/.

    InputError if the recipe is invalid, or what it needs has not been prepared.
    """
    seed = files.read_params(AugmentParams).augment.seed
    _check_exists(paths.PREPARED / "nuclei.npy", "`dvc repro prepare` makes it")
    nuclei, table = files.read_nuclei(paths.PREPARED), files.read_csv(paths.PREPARED / "nuclei.csv")
    first_fold, *_ = folds.of_tables(table, files.read_csv(paths.PREPARED / "folds.csv"))
    labels = table["label"].to_numpy(str)
    rows = contact_sheets.balanced_rows(labels, NUCLEI if recipe else len(CLASSES))

    def copies(recipe: str, count: int) -> np.ndarray:
        """Return the nuclei's first copies, uint8 (nuclei, count, S, S, 3)."""
        learned: recipes.Learned = {}
        if recipes.is_learned(recipe):
            learned = recipes.learn(recipe, nuclei.crops, first_fold.train)
        if recipes.generates(recipe):
            pool = paths.pool(recipe, first_fold.number)
            _check_exists(pool, f"`dvc repro augment@{recipe}` makes it, in the study")
            learned["generated"] = {"pool": files.read_crops(pool)}
        augmented = [
            recipes.augment(nuclei.rows(rows), recipe, seed, copy, learned) for copy in range(count)
        ]
        return np.stack(augmented, axis=1)

    if recipe:
        pictures = np.concatenate([nuclei.crops[rows][:, None], copies(recipe, COPIES)], axis=1)
        above = ["original", *[f"copy {copy}" for copy in range(COPIES)]]
        sheet = contact_sheets.sheet(pictures, labels[rows].tolist(), [above])
    else:
        # Synthetic nuclei exist only after an augmentation of the study has asked for them.
        names = [name for name in recipes.OPERATIONS if not recipes.generates(name)]
        pictures = np.stack([np.concatenate(copies(name, COPIES_EACH)) for name in names])
        above = [f"{label} {copy}" for label in CLASSES for copy in range(COPIES_EACH)]
        sheet = contact_sheets.sheet(pictures, names, [above])
    path = out or paths.SHOWN / f"{recipe or 'operations'}.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(sheet)
    print(path)


def _check_exists(path: Path, remedy: str) -> None:
    if not path.exists():
        raise InputError(f"{path} is missing: {remedy}")
