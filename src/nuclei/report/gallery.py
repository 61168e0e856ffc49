"""All figures of a study, by name: the charts of its tables, and pictures of its nuclei."""

from collections.abc import Callable, Iterator

import numpy as np
import pandas as pd

from nuclei.report import contact_sheets, dose, figures, forest, nuclei_sheets
from nuclei.report.tables import Tables
from nuclei.statistics.bootstrap import Bootstrap, scores_of_repeats
from nuclei.statistics.params import Evaluate

Crops = Callable[[str | None, np.ndarray], np.ndarray]


def charts(tables: Tables, drawn: Bootstrap, margin: float) -> Iterator[tuple[str, bytes]]:
    """Yield name and PNG of every chart.

    Args:
        tables: of `tables.study`.
        drawn: the predictions' bootstrap.
        margin: a difference in a score below this counts as none.
    """
    cells, repeats = tables["configurations"], scores_of_repeats(drawn)
    if len(tables["forest"]):
        yield "forest", forest.forest(tables["forest"], margin)
    for volume in sorted(cells["volume"].unique()):
        yield f"accuracy-x{volume:g}", figures.scores_at(cells, repeats, "accuracy", volume)
        yield f"loss-x{volume:g}", figures.scores_at(cells, repeats, "bce", volume)
    yield "accuracy-volume", figures.volumes(cells, "accuracy")
    yield "macro-auc-volume", figures.volumes(cells, "macro_auc")
    if len(tables["dose"]):
        yield "dose", dose.dose(tables["dose"], margin)
    yield "reliability", figures.reliability(tables["calibration"])
    yield "roc", figures.roc(tables["roc"])
    yield "confusion", figures.confusion(tables["confusion"])
    yield "curves", figures.curves(tables["curves"])
    yield "ends", figures.ends(tables["checkpoints"])


def pictures(
    tables: Tables, rows: np.ndarray, labels: pd.Series, knobs: Evaluate, crops: Crops
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
    for sheet, shown in tables["nuclei"].groupby("sheet", sort=False):
        of_sheet = crops(None, rows[shown["nucleus"]])
        yield f"nuclei-{sheet}", nuclei_sheets.nuclei_sheet(shown, of_sheet)
    examples = contact_sheets.balanced_rows(labels.to_numpy(str), knobs.examples)
    originals, shown = crops(None, examples), labels.iloc[examples].tolist()
    for aug in tables["configurations"]["aug"].unique():
        sheet = contact_sheets.contact_sheet(originals, crops(aug, examples), shown, aug)
        yield f"contact-{aug}", sheet
