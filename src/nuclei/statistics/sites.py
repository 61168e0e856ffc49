"""How the arms do at each hospital that is tested."""

import numpy as np
import pandas as pd

from nuclei.core.classes import CLASSES
from nuclei.statistics.comparisons import compared_volumes
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
        for (aug, volume), probabilities in predictions.configurations.items():
            totals = totals_of_repeats(predictions.tested, probabilities, rows, site, len(names))
            nuclei = totals[0].confusion.sum(axis=2)
            table = about.assign(aug=aug, volume=volume, nuclei=nuclei.sum(axis=1))
            table["classes"] = [" ".join(np.array(CLASSES)[row > 0]) for row in nuclei]
            mean = np.mean([scores(each, np.eye(len(names))) for each in totals], axis=0)
            values = pd.DataFrame(mean, columns=METRICS)
            for name, of_class in (("macro_auc", "auc"), ("balanced_accuracy", "recall")):
                values[name] = values[[f"{of_class}_{label}" for label in CLASSES]].mean(axis=1)
            tables.append(table.join(values[SCORES]))
    columns = ["aug", "volume", "site", "fold", "patients", "nuclei", "classes", *SCORES]
    return pd.concat(tables, ignore_index=True)[columns]


def gains(scores: pd.DataFrame) -> pd.DataFrame:
    """What every arm gains on none at each hospital, in macro AUC.

    The mean over `arms.compared_volumes`. A hospital that several folds test counts once, its folds
    as their patients. There are no intervals, and hospitals of one fold share its networks. One
    without an AUC has no row.

    Args:
        scores: of `scores_of_sites`.

    Returns:
        ``aug, site, patients, gain``; no rows without none.
    """
    key = ["site", "fold", "volume", "patients"]
    wide = scores.pivot(index=key, columns="aug", values="macro_auc").reset_index()
    cells = list(scores[["aug", "volume"]].drop_duplicates().itertuples(index=False, name=None))
    tables = [pd.DataFrame(columns=["aug", "site", "patients", "gain"])]
    for aug in scores["aug"].unique() if "none" in wide else []:
        if aug == "none":
            continue
        at = wide[wide["volume"].isin(compared_volumes(cells, aug))].dropna(subset=[aug, "none"])
        at = at.assign(gain=(at[aug] - at["none"]) * at["patients"])
        of_sites = at.groupby("site")[["patients", "gain"]].sum()
        of_sites["gain"] /= of_sites["patients"]
        of_sites["patients"] //= at["volume"].nunique()
        tables.append(of_sites.reset_index().assign(aug=aug)[tables[0].columns])
    return pd.concat(tables[1:] or tables, ignore_index=True)


def gain_of_other_sites(gained: pd.DataFrame) -> float:
    """The mean gain of all hospitals but that where an arm gains most, weighed by their patients.

    AUCs are within hospitals here: it is not the arm's difference with that hospital left out, in
    which nuclei of all hospitals of a fold are ranked together. NaN where there is no other.

    Args:
        gained: the rows of `gains` of one arm.
    """
    others = gained.drop(index=gained["gain"].idxmax())
    return float((others["gain"] * others["patients"]).sum() / (others["patients"].sum() or np.nan))


def known(tested: Tested) -> bool:
    """Tell whether the data name hospitals: where they do not, every patient is a site."""
    return bool((tested.site != tested.patient).any())
