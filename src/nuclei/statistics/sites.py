"""How the arms do at each hospital that is tested."""

import numpy as np
import pandas as pd

from nuclei.classes import CLASSES
from nuclei.statistics.predictions import Predictions, Tested, totals_of_repeats
from nuclei.statistics.scores import METRICS, scores

SCORES = ["macro_auc", "accuracy", "balanced_accuracy", "log_loss"]


def scores_of_sites(predictions: Predictions) -> pd.DataFrame:
    """Score every cell at every site, the mean over repeats.

    Macro AUC and balanced accuracy are means over the classes that the site has; a site with one
    class has no AUC (NaN), and its row shows why. There are no intervals: a site has few patients.
    A site that several folds test has a row for each.

    Returns:
        ``aug, volume, site, fold, patients, nuclei, classes`` (their names, joined by spaces) and
        SCORES.
    """
    tables = []
    for fold in np.unique(predictions.tested.fold):
        rows = np.flatnonzero(predictions.tested.fold == fold)
        names, site = np.unique(predictions.tested.site[rows], return_inverse=True)
        pairs = pd.DataFrame({"site": site, "patient": predictions.tested.patient[rows]})
        about = pd.DataFrame({"site": names, "fold": fold})
        about["patients"] = pairs.groupby("site")["patient"].nunique()
        for (aug, volume), probabilities in predictions.cells.items():
            totals = totals_of_repeats(predictions.tested, probabilities, rows, site, len(names))
            nuclei = totals[0].confusion.sum(axis=2)
            table = about.assign(aug=aug, volume=volume, nuclei=nuclei.sum(axis=1))
            table["classes"] = [" ".join(np.array(CLASSES)[row > 0]) for row in nuclei]
            mean = np.mean([scores(each, np.eye(len(names))) for each in totals], axis=0)
            values = pd.DataFrame(mean, columns=list(METRICS))
            for name, of_class in (("macro_auc", "auc"), ("balanced_accuracy", "recall")):
                values[name] = values[[f"{of_class}_{label}" for label in CLASSES]].mean(axis=1)
            tables.append(table.join(values[SCORES]))
    columns = ["aug", "volume", "site", "fold", "patients", "nuclei", "classes", *SCORES]
    return pd.concat(tables, ignore_index=True)[columns]


def gains(scores: pd.DataFrame) -> pd.DataFrame:
    """What every arm gains on none at each hospital, in macro AUC: the mean over shared volumes.

    A hospital that several folds test counts once, its folds as their patients. There are no
    intervals, and hospitals of one fold share its networks. One without an AUC has no row.

    Args:
        scores: of `scores_of_sites`.

    Returns:
        ``aug, site, gain``; no rows without none.
    """
    arms = scores["aug"].unique()
    volumes = set.intersection(*(set(of) for _, of in scores.groupby("aug")["volume"]))
    key = ["site", "fold", "volume", "patients"]
    shared = scores[scores["volume"].isin(volumes)]
    wide = shared.pivot(index=key, columns="aug", values="macro_auc")[arms].dropna()
    if "none" not in arms or wide.empty:
        return pd.DataFrame(columns=["aug", "site", "gain"])
    patients = wide.index.get_level_values("patients").to_series(index=wide.index)
    weights = patients / patients.groupby("site").transform("sum")
    gained = wide.drop(columns="none").sub(wide["none"], axis=0).mul(weights, axis=0)
    return (
        gained.groupby("site")
        .sum()
        .melt(ignore_index=False, value_name="gain")
        .reset_index()[["aug", "site", "gain"]]
    )


def known(tested: Tested) -> bool:
    """Tell whether the data name hospitals: where they do not, every patient is a site."""
    return bool((tested.site != tested.patient).any())
