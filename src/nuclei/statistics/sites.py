"""How the arms do at each hospital of the test set."""

import numpy as np
import pandas as pd

from nuclei.classes import CLASSES
from nuclei.statistics.predictions import totals_of_cells
from nuclei.statistics.scores import METRICS, scores

SCORES = ["macro_auc", "accuracy", "balanced_accuracy", "log_loss"]


def scores_of_sites(predictions: pd.DataFrame) -> pd.DataFrame:
    """Score every cell at every site, the mean over repeats.

    Macro AUC and balanced accuracy are means over the classes that the site has; a site with one
    class has no AUC (NaN), and its row shows why. There are no intervals: a site has few patients.

    Args:
        predictions: as `predictions.check` passes them, with ``aug`` and ``volume``.

    Returns:
        ``aug, volume, site, patients, nuclei, classes`` (their names, joined by spaces) and SCORES.
    """
    sites = sorted(predictions["site"].unique())
    site = pd.Categorical(predictions["site"], sites).codes
    patients = predictions.groupby("site")["patient"].nunique()[sites].to_numpy()
    tables = []
    for (aug, volume), of_repeats in totals_of_cells(predictions, site, len(sites)).items():
        nuclei = of_repeats[0].confusion.sum(axis=2)
        table = pd.DataFrame({"aug": aug, "volume": volume, "site": sites, "patients": patients})
        table["nuclei"] = nuclei.sum(axis=1)
        table["classes"] = [" ".join(np.array(CLASSES)[row > 0]) for row in nuclei]
        each_site = np.eye(len(sites))
        mean = np.mean([scores(totals, each_site) for totals in of_repeats], axis=0)
        values = pd.DataFrame(mean, columns=list(METRICS))
        values["macro_auc"] = values[[f"auc_{name}" for name in CLASSES]].mean(axis=1)
        values["balanced_accuracy"] = values[[f"recall_{name}" for name in CLASSES]].mean(axis=1)
        tables.append(table.join(values[SCORES]))
    return pd.concat(tables, ignore_index=True)
