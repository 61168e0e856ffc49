import numpy as np
import pandas as pd
import pytest
from examples import predictions
from sklearn.metrics import roc_auc_score, roc_curve

from nuclei.classes import CLASSES
from nuclei.statistics import curves

CELLS = [("none", 1.0), ("flip", 1.0)]


def test_roc_curves_climb_from_corner_to_corner_and_span_the_auc():
    table = predictions(CELLS, repeats=1, count=600)
    roc, none = curves.roc(table), table[table["aug"] == "none"]
    auc = roc_auc_score(none["label"] == "tumor", none["tumor"])
    curve = roc[(roc["aug"] == "none") & (roc["class"] == "tumor")]
    assert len(curve) <= 101
    assert curve[["fpr", "tpr"]].iloc[[0, -1]].to_numpy().tolist() == [[0, 0], [1, 1]]
    assert (curve["tpr"].diff().dropna() >= 0).all()
    assert np.trapezoid(curve["tpr"], curve["fpr"]) == pytest.approx(auc, abs=0.01)


@pytest.mark.parametrize("digits", [6, 1])
def test_roc_points_lie_on_scikit_learns_curve(digits):
    table = predictions(CELLS, repeats=1, count=300, digits=digits)
    curve = curves.roc(table).query("aug == 'flip' and `class` == 'TIL'")
    flip = table[table["aug"] == "flip"]
    fpr, tpr, _ = roc_curve(flip["label"] == "TIL", flip["TIL"])
    expected = np.interp(curve["fpr"], fpr, tpr)[1:]
    np.testing.assert_allclose(curve["tpr"][1:], expected, atol=1e-9)


def test_the_roc_curve_of_perfect_predictions_still_begins_at_the_origin():
    table = predictions(CELLS, repeats=1)
    table[list(CLASSES)] = np.eye(3)[[CLASSES.index(name) for name in table["label"]]]
    assert curves.roc(table)["tpr"][:3].tolist() == [0, 1, 1]


def test_confusion_rows_sum_to_one_and_hold_recall_on_the_diagonal():
    table = predictions(CELLS, repeats=1)
    confusion = curves.confusion(table)
    assert confusion.groupby(["aug", "actual"])["share"].sum().to_numpy() == pytest.approx(1)
    diagonal = confusion[(confusion["actual"] == confusion["predicted"])]
    none = table[table["aug"] == "none"]
    right = none[list(CLASSES)].idxmax(axis=1) == none["label"]
    recall = right.groupby(none["label"]).mean()[list(CLASSES)]
    assert diagonal["share"][:3].tolist() == pytest.approx(recall.tolist())


def test_curves_average_repeats_only():
    rows = [("none", 1.0, "train", 40, repeat, 1.0 + repeat, 0.5, 0.5) for repeat in (0, 1)]
    rows += [("none", 1.0, "validation", 40, 0, 9.0, 0.5, 0.5)]
    names = ["aug", "volume", "split", "updates", "repeat", "loss", "accuracy", "macro_auc"]
    assert curves.training_curves(pd.DataFrame(rows, columns=names))["loss"].tolist() == [1.5, 9.0]
