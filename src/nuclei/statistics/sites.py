"""How the augmentations do at each site that is tested, and with that site left out."""

import numpy as np
import pandas as pd

from nuclei.core.classes import CLASSES
from nuclei.statistics.comparisons import METRIC, compared_volumes
from nuclei.statistics.predictions import CONFIGURATION, Predictions, Tested, totals_of_repeats
from nuclei.statistics.scores import METRICS, Totals, scores

SCORES = ["macro_auc", "accuracy", "balanced_accuracy", "log_loss"]

_COLUMNS = [*CONFIGURATION, "site", "fold", "patients", "nuclei", "classes", *SCORES]
_GAINS = ["aug", "site", "patients", "gain", "without"]


def scores_of_sites(predictions: Predictions) -> pd.DataFrame:
    """Score every configuration at every site, and with that site left out: means over repeats.

    Macro AUC and balanced accuracy are means over the ``classes`` (names, joined by spaces) that
    the site has; a site with one class has no AUC (NaN). A site that several folds test has a row
    for each. ``macro_auc_without`` is the configuration's macro AUC on the patients of all other
    sites, the same in every row of a site; see `_without`.
    """
    tables = []
    for fold in np.unique(predictions.tested.fold):
        rows = np.flatnonzero(predictions.tested.fold == fold)
        names, site = np.unique(predictions.tested.site[rows], return_inverse=True)
        patients = pd.Series(predictions.tested.patient[rows]).groupby(site).nunique()
        about = pd.DataFrame({"site": names, "fold": fold, "patients": patients})
        for (aug, volume), probabilities in predictions.configurations.items():
            totals = totals_of_repeats(predictions.tested, probabilities, rows, site, len(names))
            tables.append(about.assign(aug=aug, volume=volume).join(_of_fold(totals)))
    table = pd.concat(tables, ignore_index=True)
    by_configuration = table.groupby(CONFIGURATION, sort=False)
    without = pd.concat(_without(rows) for _, rows in by_configuration)
    return table[_COLUMNS].assign(macro_auc_without=without)


def _of_fold(totals: list[Totals]) -> pd.DataFrame:
    """Score the sites of a fold, a row each, and the whole fold with and without each site."""
    sites = len(totals[0].confusion)
    mean = np.mean([scores(of_repeat, np.eye(sites)) for of_repeat in totals], axis=0)
    table = pd.DataFrame(mean, columns=METRICS)
    for name, of_class in (("macro_auc", "auc"), ("balanced_accuracy", "recall")):
        table[name] = table[[f"{of_class}_{label}" for label in CLASSES]].mean(axis=1)
    weights, metric = np.vstack([np.ones(sites), 1 - np.eye(sites)]), {METRIC: METRICS[METRIC]}
    aucs = np.mean([scores(of_repeat, weights, metric)[:, 0] for of_repeat in totals], axis=0)
    nuclei = totals[0].confusion.sum(axis=2)
    classes = [" ".join(np.array(CLASSES)[counts > 0]) for counts in nuclei]
    about = {"nuclei": nuclei.sum(axis=1), "classes": classes}
    return table[SCORES].assign(**about, fold_auc=aucs[0], fold_auc_without=aucs[1:])


def _without(rows: pd.DataFrame) -> pd.Series:
    """Return each row's macro AUC with its site left out, as `bootstrap.resample` would score it.

    Each fold of the configuration weighs as the patients that are left in it. NaN if the site is
    the only one, or if what is left of a fold lacks a class.
    """
    patients, auc_without = (
        rows.pivot(index="fold", columns="site", values=name)
        for name in ("patients", "fold_auc_without")
    )
    fold_auc = rows.groupby("fold")[["fold_auc"]].first().to_numpy()
    tested = patients.fillna(0).to_numpy()
    left = tested.sum(axis=1, keepdims=True) - tested
    aucs = np.where(tested > 0, auc_without, fold_auc)
    with np.errstate(invalid="ignore"):
        means = np.where(left > 0, left * aucs, 0).sum(axis=0) / left.sum(axis=0)
    return rows["site"].map(dict(zip(patients.columns, means, strict=True)))


def gains(scores: pd.DataFrame) -> pd.DataFrame:
    """Return what every augmentation gains on none at each site, and without it, in macro AUC.

    Both are means over `comparisons.compared_volumes`. A site that several folds test counts once,
    its folds as their patients. A site without an AUC has no row. ``without`` is the difference to
    none with all patients of the site left out.
    """
    key = ["site", "fold", "volume", "patients"]
    names = {"macro_auc": "gain", "macro_auc_without": "without"}
    wide = scores.set_index([*key, "aug"])[list(names)].unstack("aug")
    configurations = list(scores.groupby(CONFIGURATION).groups)
    tables = [pd.DataFrame(columns=_GAINS)]
    for aug in scores["aug"].unique() if (scores["aug"] == "none").any() else []:
        if aug == "none":
            continue
        rows = pd.DataFrame({names[n]: wide[n, aug] - wide[n, "none"] for n in names}).reset_index()
        rows = rows[rows["volume"].isin(compared_volumes(configurations, aug))]
        rows = rows.dropna(subset="gain")
        rows["gain"] *= rows["patients"]
        sites = rows.groupby("site").agg({"patients": "sum", "gain": "sum", "without": "mean"})
        sites["gain"] /= sites["patients"]
        sites["patients"] //= rows["volume"].nunique()
        tables.append(sites.reset_index().assign(aug=aug)[_GAINS])
    return pd.concat(tables[1:] or tables, ignore_index=True)


def known(tested: Tested) -> bool:
    """Tell whether the data name sites; if they do not, every patient is a site."""
    return bool((tested.site != tested.patient).any())
