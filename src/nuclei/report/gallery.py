"""All figures of a study, by name: the charts of its tables, and pictures of its nuclei."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from nuclei.augmentation import recipes
from nuclei.core.classes import CLASSES
from nuclei.core.nuclei import Nuclei
from nuclei.report import contact_sheets, figures, forest
from nuclei.report.tables import Tables


def charts(tables: Tables, margin: float) -> Iterator[tuple[str, bytes]]:
    """Yield name and PNG of every chart of the tables of `tables.study`."""
    if len(tables["forest"]):
        yield "forest", forest.forest(tables["forest"], margin)
    yield "volumes", figures.volumes(tables["configurations"])
    if len(tables["dose"]):
        yield "dose", forest.dose(tables["dose"], margin)
    yield "reliability", figures.reliability(tables["calibration"])
    for name in ("roc", "confusion", "curves", "checkpoints"):
        yield name, getattr(figures, name)(tables[name])


def pictures(
    tables: Tables,
    nuclei: Nuclei,
    tested: np.ndarray,
    count: int,
    draws: dict[str, dict[str, Any]],
    pools: dict[str, np.ndarray],
) -> Iterator[tuple[str, bytes]]:
    """Yield name and PNG of every picture that shows nuclei.

    `tested`, int (N,), are the rows of `nuclei` that are tested; `count` is that of the examples of
    an augmentation; for its draws and its pool see `augmented`.
    """
    for name, table in tables["nuclei"].groupby("sheet", sort=False):
        crops = nuclei.crops[tested[table["nucleus"]]]
        yield f"nuclei-{name}", contact_sheets.nuclei_sheet(table, crops)
    labels = np.array(CLASSES)[nuclei.labels]
    shown = contact_sheets.balanced_rows(labels, count)
    examples, names = nuclei.rows(shown), labels[shown].tolist()
    for aug in tables["configurations"]["aug"].unique():
        rows = [examples.crops, augmented(examples, aug, draws[aug], pools.get(aug))]
        left = ["original", aug.replace("+", "\n+")]
        yield f"contact-{aug}", contact_sheets.sheet(rows, left, [names])


def augmented(
    nuclei: Nuclei, aug: str, draws: dict[str, Any], pool: np.ndarray | None
) -> np.ndarray:
    """Augment nuclei again, as in the copy that shows the most of the augmentation.

    A training records as `draws` the ``seed`` of the stage augment, and what the recipe has
    ``learned`` of each fold's training nuclei; the first fold's is used. The pool holds synthetic
    nuclei, uint8 (M, S, S, 3), as many of each class, in the order of CLASSES.
    """
    learned: recipes.Learned = next(iter(draws["learned"].values()), {})
    if pool is not None:
        learned = learned | {"generated": {"pool": pool}}
    copy = 1 if recipes.generates(aug) else 0  # even copies show real nuclei alone
    return recipes.augment(nuclei, aug, draws["seed"], copy, learned)
