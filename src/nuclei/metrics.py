"""Scores of predictions: one long table of predictions in, tables of scores out.

A table of predictions has a row per cell (``aug``, ``volume``), ``repeat`` and test nucleus: its
``id``, ``label``, ``patient``, ``site`` and a float64 probability per class, named as in CLASSES.
"""

import numpy as np
import pandas as pd

from nuclei import bootstrap
from nuclei.classes import CLASSES
from nuclei.errors import InputError

CELL = ["aug", "volume"]

_CLASSES = list(CLASSES)
_ROC_POINTS = 101
_TOLERANCE = 1e-3  # probabilities are rounded when written


def check(predictions: pd.DataFrame, test: pd.DataFrame, where: str) -> None:
    """Check that one cell's predictions cover the test nuclei, once per repeat.

    Args:
        predictions: rows of one cell.
        test: the prepared test rows, with ``id, label, patient, site``.
        where: the file that an error names.

    Raises:
        InputError: naming `where`, the column or nucleus, and what would be valid.
    """
    needed = ["repeat", "id", "label", "patient", "site", *_CLASSES]
    if missing := [column for column in needed if column not in predictions]:
        raise InputError(f"{where}: column {missing[0]} is missing; needs {','.join(needed)}")
    if predictions.empty:
        raise InputError(f"{where}: no rows; needs one per repeat and test nucleus")
    truth = test.set_index("id")
    for repeat, rows in predictions.groupby("repeat"):
        if sorted(rows["id"]) != sorted(truth.index):
            raise InputError(
                f"{where}: repeat {repeat}: {rows['id'].nunique()} nuclei in {len(rows)} rows; "
                f"each of the {len(truth)} test nuclei once is valid"
            )
    for column in ("label", "patient", "site"):
        wrong = predictions[column].to_numpy() != truth.loc[predictions["id"], column].to_numpy()
        if wrong.any():
            row = predictions[wrong].iloc[0]
            raise InputError(
                f"{where}: nucleus {row['id']} has {column} {row[column]}, the test rows say "
                f"{truth.loc[row['id'], column]}"
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
    for name in CLASSES:
        if name not in label:
            raise InputError(f"the test nuclei hold no {name}; every class is needed for an AUC")
    codes = pd.Categorical(label, _CLASSES).codes
    totals = bootstrap.totals(codes, probability, np.zeros_like(codes), 1)
    values = bootstrap.scores(totals, np.ones((1, 1)))[0]
    return dict(zip(bootstrap.METRICS, values.tolist(), strict=True))


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
                positive = repeat["label"].to_numpy() == name
                curves.append(np.interp(grid, *_roc(repeat[name].to_numpy(), positive)))
            tpr = np.mean(curves, axis=0)
            tpr[0] = 0  # the curve climbs at fpr 0: begin at its foot
            key = {"aug": aug, "volume": volume, "class": name}
            tables.append(pd.DataFrame(key | {"fpr": grid, "tpr": tpr}))
    return pd.concat(tables, ignore_index=True)


def _roc(score: np.ndarray, positive: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """False and true positive rates at every threshold, from none to all taken for positive."""
    order = np.argsort(-score)
    last = np.append(np.diff(score[order]) != 0, True)  # of the nuclei that share a score
    rates = [
        np.append(0, part[order].cumsum()[last]) / part.sum() for part in (~positive, positive)
    ]
    return rates[0], rates[1]


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
    from sklearn.discriminant_analysis import QuadraticDiscriminantAnalysis  # a second to import

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
