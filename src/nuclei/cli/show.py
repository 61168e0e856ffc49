"""Draw what an augmentation does to prepared nuclei, at several draws; no model is needed."""

from nuclei.pipeline import environment  # noqa: F401, first: it needs no package

# isort: split
from pathlib import Path

import numpy as np

from nuclei.augmentation import recipes
from nuclei.augmentation.params import AugmentParams
from nuclei.augmentation.recipes import Learned
from nuclei.core import files, folds, paths
from nuclei.core.classes import CLASSES
from nuclei.core.errors import InputError
from nuclei.pipeline import stage
from nuclei.report import contact_sheets

NUCLEI, DRAWS = 6, 7  # of one augmentation; of all operations, one nucleus of each class
DRAWS_EACH = 3


def main(aug: str = "", out: str = "") -> None:
    """Write a contact sheet of an augmentation or, where none is named, of all operations."""
    seed = files.read_params(AugmentParams).augment.seed
    if not (paths.PREPARED / "nuclei.npy").exists():
        raise InputError(
            f"{paths.PREPARED / 'nuclei.npy'} is missing: `dvc repro prepare` makes it"
        )
    table = files.read_csv(paths.PREPARED / "nuclei.csv")
    nuclei = files.read_nuclei(paths.PREPARED)
    shown = contact_sheets.balanced_rows(
        table["label"].to_numpy(str), NUCLEI if aug else len(CLASSES)
    )
    first, *_ = folds.of_tables(table, files.read_csv(paths.PREPARED / "folds.csv"))

    def draw(recipe: str, count: int) -> np.ndarray:
        learned: Learned = {}
        if recipes.is_learned(recipe):
            learned = recipes.learn(recipe, nuclei.crops, first.train)
        if recipes.generates(recipe):
            learned["generated"] = {"pool": _pool(recipe, first.number)}
        copies = [
            recipes.augment(nuclei.rows(shown), recipe, seed, copy, learned)
            for copy in range(count)
        ]
        return np.stack(copies, axis=1)  # (nuclei, draws, S, S, 3)

    if aug:
        originals = nuclei.crops[shown][:, None]
        rows = np.concatenate([originals, draw(aug, DRAWS)], axis=1)
        above = ["original", *[f"copy {copy}" for copy in range(DRAWS)]]
        sheet = contact_sheets.sheet(rows, table["label"].iloc[shown].tolist(), above)
    else:
        # Made nuclei are there only once an arm has asked for them.
        names = [name for name in recipes.OPERATIONS if not recipes.generates(name)]
        rows = np.stack([np.concatenate(draw(name, DRAWS_EACH)) for name in names])
        above = [f"{label} {copy}" for label in CLASSES for copy in range(DRAWS_EACH)]
        sheet = contact_sheets.sheet(rows, names, above)
    path = Path(out) if out else paths.SHOWN / f"{aug or 'operations'}.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(sheet)
    print(path)


def _pool(aug: str, fold: int) -> np.ndarray:
    path = paths.pool(aug, fold)
    if not path.exists():
        raise InputError(f"{path} is missing: `dvc repro augment@{aug}` makes it, in the study")
    return files.read_crops(path)


if __name__ == "__main__":
    stage.command(main)
