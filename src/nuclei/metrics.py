"""Scores of predictions: one long table of predictions in, tables of scores out.

A table of predictions has a row per cell (``aug``, ``volume``), ``repeat`` and test nucleus: its
``id``, ``label``, ``patient``, ``site`` and a float64 probability per class, named as in CLASSES.
"""

import numpy as np
import pandas as pd
from sklearn.discriminant_analysis import QuadraticDiscriminantAnalysis
from sklearn.metrics import f1_score, recall_score, roc_auc_score, roc_curve

from nuclei.classes import CLASSES
from nuclei.errors import InputError

CELL = ["aug", "volume"]
HEADLINE = ["macro_auc", "accuracy", "balanced_accuracy", "log_loss"]
USED = ["device", "precision", "replicas", "tensorflow", "nuclei", "updates"]

_CLASSES = list(CLASSES)
_EPSILON = 1e-7  # Keras clips probabilities here before the logarithm
_ROC_POINTS = 101
_TOLERANCE = 1e-3  # probabilities are rounded when written


def check(predictions: pd.DataFrame, test: pd.DataFrame, where: str) -> None:
    """Check that one cell's predictions cover the test nuclei, once per repeat.

    Args:
        predictions: rows of one cell.
        test: the prepared test rows, with ``id`` and ``label``.
        where: the file that an error names.

    Raises:
        InputError: naming `where`, the column or nucleus, and what would be valid.
    """
    needed = ["repeat", "id", "label", "patient", "site", *_CLASSES]
    if missing := [column for column in needed if column not in predictions]:
        raise InputError(f"{where}: column {missing[0]} is missing; needs {','.join(needed)}")
    if predictions.empty:
        raise InputError(f"{where}: no rows; needs one per repeat and test nucleus")
    truth = test.set_index("id")["label"]
    for repeat, rows in predictions.groupby("repeat"):
        if sorted(rows["id"]) != sorted(truth.index):
            raise InputError(
                f"{where}: repeat {repeat}: {rows['id'].nunique()} nuclei in {len(rows)} rows; "
                f"each of the {len(truth)} test nuclei once is valid"
            )
    wrong = predictions["label"].to_numpy() != truth[predictions["id"]].to_numpy()
    if wrong.any():
        row = predictions[wrong].iloc[0]
        raise InputError(
            f"{where}: nucleus {row['id']} has label {row['label']}, the test rows say "
            f"{truth[row['id']]}"
        )
    probability = predictions[_CLASSES].apply(pd.to_numeric, errors="coerce")
    wrong = ~((probability >= 0).all(axis=1) & (abs(probability.sum(axis=1) - 1) < _TOLERANCE))
    if wrong.any():
        row = predictions[wrong].iloc[0]
        raise InputError(
            f"{where}: repeat {row['repeat']}, nucleus {row['id']}: probabilities "
            f"{', '.join(str(p) for p in row[_CLASSES])}; three from 0 to 1 that sum to 1 are valid"
        )


def score(label: np.ndarray, probability: np.ndarray) -> dict[str, float]:
    """Score one prediction set.

    Args:
        label: (N,) str, the true classes; every class occurs.
        probability: (N, 3) float, columns in the order of CLASSES.

    Returns:
        Accuracy; balanced accuracy (mean recall); macro AUC (one-vs-rest area under the ROC curve,
        every class weighing the same); macro F1; log loss; ``bce``, the 2022 notebook's loss:
        binary cross-entropy averaged over the three outputs; AUC and recall of each class.

    Raises:
        InputError: where a class has no nucleus, which leaves its AUC undefined.
    """
    truth = label[:, None] == np.array(_CLASSES)
    if absent := [name for name, any_ in zip(_CLASSES, truth.any(axis=0), strict=True) if not any_]:
        raise InputError(f"the test nuclei hold no {absent[0]}; every class is needed for an AUC")
    predicted = np.array(_CLASSES)[probability.argmax(axis=1)]
    auc = roc_auc_score(truth, probability, average=None)
    recall = recall_score(label, predicted, labels=_CLASSES, average=None)
    clipped = probability.clip(_EPSILON, 1 - _EPSILON)
    return {
        "macro_auc": auc.mean(),
        "accuracy": (label == predicted).mean(),
        "balanced_accuracy": recall.mean(),
        "macro_f1": f1_score(label, predicted, labels=_CLASSES, average="macro"),
        "log_loss": -np.log(clipped[truth]).mean(),
        "bce": -np.log(np.where(truth, clipped, 1 - clipped)).mean(),
        **{f"auc_{name}": value for name, value in zip(_CLASSES, auc, strict=True)},
        **{f"recall_{name}": value for name, value in zip(_CLASSES, recall, strict=True)},
    }


def scores(predictions: pd.DataFrame) -> pd.DataFrame:
    """Score every repeat of every cell: a row per ``aug, volume, repeat``, a column per score."""
    return pd.DataFrame(
        {"aug": aug, "volume": volume, "repeat": repeat}
        | score(rows["label"].to_numpy(str), rows[_CLASSES].to_numpy(float))
        for (aug, volume, repeat), rows in predictions.groupby([*CELL, "repeat"], sort=False)
    )


def arms(scores: pd.DataFrame) -> pd.DataFrame:
    """Mean and standard deviation (``_sd``, n - 1; empty for one repeat) over repeats, per cell."""
    cells = scores.drop(columns="repeat").groupby(CELL, sort=False)
    return cells.mean().join(cells.std().add_suffix("_sd")).reset_index()


def roc(predictions: pd.DataFrame) -> pd.DataFrame:
    """One-vs-rest ROC curves: ``aug, volume, class, fpr, tpr``, 101 points each.

    Repeats are averaged vertically, tpr at fixed fpr (Fawcett 2006, section 8.1).
    """
    grid = np.linspace(0, 1, _ROC_POINTS)
    tables = []
    for (aug, volume), rows in predictions.groupby(CELL, sort=False):
        for name in CLASSES:
            curves = []
            for _, repeat in rows.groupby("repeat"):
                fpr, tpr, _ = roc_curve(repeat["label"] == name, repeat[name])
                curves.append(np.interp(grid, fpr, tpr))
            tpr = np.mean(curves, axis=0)
            tpr[0] = 0  # the curve climbs at fpr 0: begin at its foot
            key = {"aug": aug, "volume": volume, "class": name}
            tables.append(pd.DataFrame(key | {"fpr": grid, "tpr": tpr}))
    return pd.concat(tables, ignore_index=True)


def confusion(predictions: pd.DataFrame) -> pd.DataFrame:
    """Which class is taken for which: ``aug, volume, actual, predicted, share``.

    ``share`` is the fraction of the nuclei of class ``actual``, over all repeats.
    """
    predicted = predictions[_CLASSES].idxmax(axis=1)
    tables = []
    for (aug, volume), rows in predictions.groupby(CELL, sort=False):
        share = pd.crosstab(rows["label"], predicted[rows.index], normalize="index")
        share = share.reindex(index=_CLASSES, columns=_CLASSES, fill_value=0.0)
        long = share.rename_axis("actual").rename_axis("predicted", axis=1).stack().rename("share")
        tables.append(long.reset_index().assign(aug=aug, volume=volume))
    return pd.concat(tables, ignore_index=True)[[*CELL, "actual", "predicted", "share"]]


def curves(training: pd.DataFrame) -> pd.DataFrame:
    """Training curves averaged over repeats: ``aug, volume, split, updates`` and the means."""
    points = training.groupby([*CELL, "split", "updates"], sort=False)
    return points[["loss", "accuracy", "macro_auc"]].mean().reset_index()


def size_floor(train: pd.DataFrame, test: pd.DataFrame) -> float:
    """Macro AUC on test of a classifier that knows nothing of a nucleus but its box's longest side.

    A quadratic discriminant on the logarithm: what a network reaches without looking inside.

    Args:
        train: ``label`` and ``longest`` (microns).
        test: the same.

    Raises:
        InputError: where a nucleus has no positive size, or a class too few sizes to fit.
    """
    for rows in (train, test):
        if not (rows["longest"] > 0).all():
            row = rows[~(rows["longest"] > 0)].iloc[0]
            raise InputError(f"nucleus {row['id']}: longest is {row['longest']}; needs microns > 0")
    try:
        model = QuadraticDiscriminantAnalysis().fit(
            np.log(train[["longest"]].to_numpy()), train["label"].to_numpy(str)
        )
    except ValueError as error:
        raise InputError(f"no discriminant fits the sizes: {error}") from None
    probability = model.predict_proba(np.log(test[["longest"]].to_numpy()))
    columns = [list(model.classes_).index(name) for name in CLASSES]
    return score(test["label"].to_numpy(str), probability[:, columns])["macro_auc"]


def cell(arms: pd.DataFrame, aug: str, volume: float) -> dict[str, float]:
    """One cell's row of `arms` without its key; empty where there is no such cell."""
    rows = arms[(arms["aug"] == aug) & (arms["volume"] == volume)]
    return {} if rows.empty else rows.drop(columns=CELL).iloc[0].to_dict()


def cell_metrics(arms: pd.DataFrame, aug: str, volume: float, record: dict) -> dict:
    """A cell's metrics file: the means, ``sd`` with their deviations, ``used`` from `record`."""
    values = {name: value for name, value in cell(arms, aug, volume).items() if pd.notna(value)}
    return {
        **{name: value for name, value in values.items() if not name.endswith("_sd")},
        "sd": {name[:-3]: value for name, value in values.items() if name.endswith("_sd")},
        "used": {name: record[name] for name in USED},
    }


def experiment(arms: pd.DataFrame, aug: str, volume: float, floor: float | None) -> dict:
    """The experiment's headline: its scores, the differences against ``none``, the size floor."""
    chosen, none = cell(arms, aug, volume), cell(arms, "none", volume)
    headline = {"arm": f"{aug} x{volume:g}", **{name: chosen[name] for name in HEADLINE}}
    if none:
        headline["minus_none"] = {name: chosen[name] - none[name] for name in HEADLINE}
    return headline if floor is None else headline | {"size_only_macro_auc": floor}
