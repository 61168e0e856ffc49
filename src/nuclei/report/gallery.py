"""All figures of a study, by name: the charts of its tables, and contact sheets of its nuclei."""

from collections.abc import Callable, Iterator

import numpy as np
import pandas as pd

from nuclei.params.evaluate import Evaluate
from nuclei.report import contact_sheets, dose, figures, forest
from nuclei.report.tables import Tables
from nuclei.statistics.bootstrap import Bootstrap, scores_of_repeats


def figures_of(
    tables: Tables,
    drawn: Bootstrap,
    labels: pd.Series,
    knobs: Evaluate,
    crops: Callable[[str | None, np.ndarray], np.ndarray],
) -> Iterator[tuple[str, bytes]]:
    """Yield name and PNG of every figure.

    Args:
        tables: of `tables.study`.
        drawn: the predictions' bootstrap.
        labels: the class of every prepared nucleus.
        knobs: of the stage evaluate.
        crops: returns the crops at some rows, uint8 (n, S, S, 3): augmented, or as they are where
            no augmentation is named.
    """
    cells, repeats = tables["cells"], scores_of_repeats(drawn)
    if len(tables["differences"]):
        yield "forest", forest.forest(tables["differences"], knobs.margin)
    for volume in sorted(cells["volume"].unique()):
        yield f"accuracy-x{volume:g}", figures.scores_at(cells, repeats, "accuracy", volume)
        yield f"loss-x{volume:g}", figures.scores_at(cells, repeats, "bce", volume)
    yield "accuracy-volume", figures.volumes(cells, "accuracy")
    yield "macro-auc-volume", figures.volumes(cells, "macro_auc")
    if len(tables["dose"]):
        yield "dose", dose.dose(tables["dose"], knobs.margin)
    yield "reliability", figures.reliability(tables["calibration"])
    yield "roc", figures.roc(tables["roc"])
    yield "confusion", figures.confusion(tables["confusion"])
    yield "curves", figures.curves(tables["curves"])
    yield "ends", figures.ends(tables["ends"])
    rows = contact_sheets.balanced_rows(labels.to_numpy(str), knobs.examples)
    originals, shown = crops(None, rows), labels.iloc[rows].tolist()
    for aug in cells["aug"].unique():
        sheet = contact_sheets.contact_sheet(originals, crops(aug, rows), shown, aug)
        yield f"contact-{aug}", sheet
