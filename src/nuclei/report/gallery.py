"""All figures of a study, by name: the charts of its tables, and contact sheets of its nuclei."""

from collections.abc import Callable, Iterator

import numpy as np
import pandas as pd

from nuclei.report import contact_sheets, figures, forest
from nuclei.report.tables import Tables

CropsOf = Callable[[str | None, np.ndarray], np.ndarray]


def charts(tables: Tables, repeats: pd.DataFrame, margin: float) -> Iterator[tuple[str, bytes]]:
    """Yield name and PNG of every chart.

    Args:
        tables: of `tables.study`.
        repeats: the score of every repeat, of `bootstrap.scores_of_repeats`.
        margin: a difference of macro AUC below this counts as none.
    """
    arms = tables["arms"]
    if len(tables["differences"]):
        yield "forest", forest.forest(tables["differences"], margin)
    for volume in sorted(arms["volume"].unique()):
        yield f"accuracy-x{volume:g}", figures.scores_at(arms, repeats, "accuracy", volume)
        yield f"loss-x{volume:g}", figures.scores_at(arms, repeats, "bce", volume)
    yield "accuracy-volume", figures.volumes(arms, "accuracy")
    yield "macro-auc-volume", figures.volumes(arms, "macro_auc")
    yield "reliability", figures.reliability(tables["calibration"])
    yield "roc", figures.roc(tables["roc"])
    yield "confusion", figures.confusion(tables["confusion"])
    yield "curves", figures.curves(tables["curves"])


def contacts(
    augs: list[str],
    labels: pd.Series,
    examples: int,
    crops_of: CropsOf,
) -> Iterator[tuple[str, bytes]]:
    """Yield name and PNG of a contact sheet per augmentation.

    Args:
        augs: the augmentations.
        labels: the class of every training nucleus.
        examples: how many of them a sheet shows.
        crops_of: returns the crops at some rows, uint8 (n, S, S, 3): augmented, or as they are
            where no augmentation is named.
    """
    rows = contact_sheets.balanced_rows(labels.to_numpy(str), examples)
    originals = crops_of(None, rows)
    for aug in augs:
        augmented, shown = crops_of(aug, rows), labels.iloc[rows].tolist()
        yield f"contact-{aug}", contact_sheets.contact_sheet(originals, augmented, shown, aug)
