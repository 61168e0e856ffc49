"""How the arms do at each hospital of the test set."""

import numpy as np
import pandas as pd

from nuclei import bootstrap
from nuclei.classes import CLASSES

SCORES = ["macro_auc", "accuracy", "balanced_accuracy", "log_loss"]


def scores(predictions: pd.DataFrame) -> pd.DataFrame:
    """Score every cell at every site, the mean over repeats.

    Macro AUC and balanced accuracy are means over the classes that the site has; a site with one
    class has no AUC (NaN), and its row shows why. There are no intervals: a site has few patients.

    Args:
        predictions: as `metrics.check` passes them, with ``aug`` and ``volume``.

    Returns:
        ``aug, volume, site, patients, nuclei, classes`` (their names, joined by spaces) and SCORES.
    """
    sites = sorted(predictions["site"].unique())
    site = pd.Categorical(predictions["site"], sites).codes
    label = pd.Categorical(predictions["label"], list(CLASSES)).codes
    probability = predictions[list(CLASSES)].to_numpy(np.float64)
    patients = predictions.groupby("site")["patient"].nunique()[sites].to_numpy()
    tables = []
    repeats = predictions["repeat"].to_numpy()
    for (aug, volume), rows in bootstrap.rows_of_cells(predictions):
        repeat = repeats[rows]
        parts = [rows[repeat == number] for number in np.unique(repeat)]
        totals = [bootstrap.totals(label[p], probability[p], site[p], len(sites)) for p in parts]
        nuclei = totals[0].confusion.sum(axis=2)
        table = pd.DataFrame({"aug": aug, "volume": volume, "site": sites, "patients": patients})
        table["nuclei"] = nuclei.sum(axis=1)
        table["classes"] = [" ".join(np.array(CLASSES)[row > 0]) for row in nuclei]
        mean = np.mean([bootstrap.scores(part, np.eye(len(sites))) for part in totals], axis=0)
        values = pd.DataFrame(mean, columns=list(bootstrap.METRICS))
        values["macro_auc"] = values[[f"auc_{name}" for name in CLASSES]].mean(axis=1)
        values["balanced_accuracy"] = values[[f"recall_{name}" for name in CLASSES]].mean(axis=1)
        tables.append(table.join(values[SCORES]))
    return pd.concat(tables, ignore_index=True)
