"""All figures of a study, by name: the charts of its tables, and pictures of its nuclei."""

from collections.abc import Callable, Iterator

import numpy as np
import pandas as pd

from nuclei.report import contact_sheets, dose, figures, forest, nuclei_sheets
from nuclei.report.tables import Tables
from nuclei.statistics.bootstrap import Bootstrap, scores_of_repeats
from nuclei.statistics.params import Evaluate


def charts(tables: Tables, bootstrap: Bootstrap, margin: float) -> Iterator[tuple[str, bytes]]:
    """Yield name and PNG of every chart.

    Args:
        tables: of `tables.study`.
        bootstrap: of the predictions.
        margin: a difference in a score below this counts as none.
    """
    configurations, repeats = tables["configurations"], scores_of_repeats(bootstrap)
    if len(tables["forest"]):
        yield "forest", forest.forest(tables["forest"], margin)
    for volume in sorted(configurations["volume"].unique()):
        for name, metric in (("accuracy", "accuracy"), ("loss", "bce")):
            chart = figures.scores_at(configurations, repeats, metric, volume)
            yield f"{name}-x{volume:g}", chart
    yield "accuracy-volume", figures.volumes(configurations, "accuracy")
    yield "macro-auc-volume", figures.volumes(configurations, "macro_auc")
    if len(tables["dose"]):
        yield "dose", dose.dose(tables["dose"], margin)
    yield "reliability", figures.reliability(tables["calibration"])
    for name in ("roc", "confusion", "curves", "checkpoints"):
        yield name, getattr(figures, name)(tables[name])


def pictures(
    tables: Tables,
    rows: np.ndarray,
    labels: pd.Series,
    knobs: Evaluate,
    crops: Callable[[str | None, np.ndarray], np.ndarray],
) -> Iterator[tuple[str, bytes]]:
    """Yield name and PNG of every picture that shows nuclei.

    Args:
        tables: of `tables.study`.
        rows: which prepared nuclei are tested, int (N,).
        labels: the class of every prepared nucleus.
        knobs: of the stage evaluate.
        crops: returns the crops at some rows, uint8 (n, S, S, 3): augmented, or as they are where
            no augmentation is named.
    """
    for sheet, table in tables["nuclei"].groupby("sheet", sort=False):
        originals = crops(None, rows[table["nucleus"]])
        yield f"nuclei-{sheet}", nuclei_sheets.nuclei_sheet(table, originals)
    shown = contact_sheets.balanced_rows(labels.to_numpy(str), knobs.examples)
    originals, names = crops(None, shown), labels.iloc[shown].tolist()
    for aug in tables["configurations"]["aug"].unique():
        sheet = contact_sheets.contact_sheet(originals, crops(aug, shown), names, aug)
        yield f"contact-{aug}", sheet
