import numpy as np
import pandas as pd
import pytest
from examples import predictions
from sklearn.metrics import confusion_matrix, recall_score, roc_auc_score, roc_curve

from nuclei.core.classes import CLASSES
from nuclei.statistics import bootstrap, curves
from nuclei.statistics.predictions import Predictions, Tested

CONFIGURATIONS = [("none", 1.0), ("flip", 1.0)]
STROMAL, TIL, TUMOR = 0, 1, 2


def of(roc, aug, name):
    return roc[(roc["aug"] == aug) & (roc["class"] == name)]


def test_roc_curves_climb_from_corner_to_corner_and_span_the_auc():
    study = predictions(CONFIGURATIONS, repeats=1, count=600)
    curve = of(curves.roc(study), "none", "tumor")
    auc = roc_auc_score(study.tested.label == TUMOR, study.configurations["none", 1.0][0, :, TUMOR])
    assert len(curve) <= 101
    assert curve[["fpr", "tpr"]].iloc[[0, -1]].to_numpy().tolist() == [[0, 0], [1, 1]]
    assert (curve["tpr"].diff().dropna() >= 0).all()
    assert np.trapezoid(curve["tpr"], curve["fpr"]) == pytest.approx(auc, abs=0.01)


@pytest.mark.parametrize("digits", [6, 1])
def test_roc_points_lie_on_scikit_learns_curve(digits):
    study = predictions(CONFIGURATIONS, repeats=1, count=300, digits=digits)
    curve = of(curves.roc(study), "flip", "TIL")
    fpr, tpr, _ = roc_curve(study.tested.label == TIL, study.configurations["flip", 1.0][0, :, TIL])
    expected = np.interp(curve["fpr"], fpr, tpr)[1:]
    np.testing.assert_allclose(curve["tpr"][1:], expected, atol=1e-9)


def test_roc_curves_are_averaged_over_folds_by_their_patients_and_over_repeats():
    study = predictions(CONFIGURATIONS, patients=(6, 2), count=800)
    curve = of(curves.roc(study), "flip", "TIL")
    expected = 0
    for fold, share in ((1, 0.75), (2, 0.25)):
        rows = study.tested.fold == fold
        for repeat in study.configurations["flip", 1.0]:
            fpr, tpr, _ = roc_curve(study.tested.label[rows] == TIL, repeat[rows, TIL])
            expected = expected + share / 2 * np.interp(curve["fpr"], fpr, tpr)
    np.testing.assert_allclose(curve["tpr"][1:], expected[1:], atol=1e-9)
    resampled = bootstrap.resample(study, 2)
    auc = resampled.estimates[1, resampled.metrics.index("auc_TIL")]
    assert np.trapezoid(curve["tpr"], curve["fpr"]) == pytest.approx(auc, abs=0.01)


def test_a_roc_curve_knows_no_rank_across_folds():
    study = predictions(CONFIGURATIONS[:1], repeats=1, patients=(4, 4))
    label, fold = study.tested.label, study.tested.fold
    level = np.where(fold == 1, 0.5, 0)[:, None]  # all of fold 1 above all of fold 2
    perfect = (np.eye(3)[label] / 4 + level).astype(np.float32)
    sorted_apart = study._replace(configurations={CONFIGURATIONS[0]: perfect[None]})
    assert (of(curves.roc(sorted_apart), "none", "tumor")["tpr"][1:] == 1).all()


def test_the_roc_curve_of_perfect_predictions_still_begins_at_the_origin():
    study = predictions(CONFIGURATIONS, repeats=1)
    perfect = np.eye(3, dtype=np.float32)[study.tested.label][None]
    roc = curves.roc(study._replace(configurations=dict.fromkeys(CONFIGURATIONS, perfect)))
    assert roc["tpr"][:3].tolist() == [0, 1, 1]


def test_confusion_rows_sum_to_one_and_hold_recall_on_the_diagonal():
    study = predictions(CONFIGURATIONS, repeats=1)
    confusion = curves.confusion(study)
    assert confusion.groupby(["aug", "actual"])["share"].sum().to_numpy() == pytest.approx(1)
    diagonal = confusion[(confusion["actual"] == confusion["predicted"])]
    taken = study.configurations["none", 1.0][0].argmax(axis=1)
    recall = recall_score(study.tested.label, taken, average=None)
    assert diagonal["share"][:3].tolist() == pytest.approx(recall.tolist())


def test_confusion_is_over_all_folds_and_repeats():
    study = predictions(CONFIGURATIONS, repeats=2, patients=(6, 2))
    confusion = curves.confusion(study)
    taken = study.configurations["flip", 1.0].argmax(axis=2)
    label = np.tile(study.tested.label, 2)
    expected = confusion_matrix(label, taken.ravel(), normalize="true")
    flip = confusion[confusion["aug"] == "flip"]
    assert flip["share"].to_numpy() == pytest.approx(expected.ravel())
    assert flip["predicted"].tolist() == list(CLASSES) * 3


def test_curves_average_networks_only():
    rows = [("none", 1.0, "train", 40, 1, repeat, 1.0 + repeat, 0.5, 0.5) for repeat in (0, 1)]
    rows += [("none", 1.0, "validation", 40, 1, 0, 9.0, 0.5, 0.5)]
    rows += [("none", 1.0, "validation", at, 2, 0, 1.0, 0.5, 0.5) for at in (43, 86)]
    names = ["aug", "volume", "split", "updates", "fold", "repeat", "loss", "accuracy", "macro_auc"]
    table = curves.training_curves(pd.DataFrame(rows, columns=names))
    # Where a training is so many passes, a fold of another size has its k-th point elsewhere.
    assert table["updates"].tolist() == [40, 42, 86]
    assert table["loss"].tolist() == [1.5, 5.0, 1.0]


def of_tops(*tops, right):
    """Nuclei whose top probability, that of tumor, each repeat tells; the first `right` are."""
    top = np.array(tops, np.float32)
    probabilities = np.stack([0 * top, 1 - top, top], axis=2)
    label = np.where(np.arange(top.shape[1]) < right, TUMOR, STROMAL)
    names = np.full(len(label), "A1")
    folds = np.resize([1, 2], len(label))
    return Predictions(Tested(label, names, names, folds), {("none", 1.0): probabilities})


def test_a_bin_by_hand():
    table = curves.reliability(of_tops([0.8, 0.8, 0.8, 0.84], right=2))
    assert table[["bin", "share", "accuracy"]].to_numpy().tolist() == [[8, 1, 0.5]]
    assert table["confidence"][0] == pytest.approx(0.81)
    error = curves.calibration_errors(of_tops([0.8, 0.8, 0.8, 0.84], right=2))["ece"][0]
    assert error == pytest.approx(0.31)


def test_certainty_belongs_to_the_last_bin_and_a_lower_end_to_its_own():
    table = curves.reliability(of_tops([1.0, 1.0, 0.5], right=2))
    assert table["bin"].tolist() == [5, 9]
    assert table["share"].tolist() == pytest.approx([1 / 3, 2 / 3])


def test_the_error_is_averaged_over_repeats_not_pooled():
    both = of_tops([0.75] * 4, [0.75] * 4, right=2)  # the first repeat is overconfident
    both.configurations["none", 1.0][1, 2:] = [
        0.75,
        0,
        0.25,
    ]  # the second, always right, underconfident
    assert curves.calibration_errors(both)["ece"][0] == pytest.approx(0.25)
    assert curves.reliability(both)["accuracy"].tolist() == [0.75]


def test_bins_that_err_to_either_side_do_not_cancel():
    two = of_tops([0.75, 0.75, 0.875, 0.875], right=3)  # 0.25 too little, 0.375 too much
    assert curves.calibration_errors(two)["ece"][0] == pytest.approx((0.25 + 0.375) / 2)


def test_configurations_stand_apart():
    both = of_tops([0.75] * 4, right=3)
    both.configurations["flip", np.inf] = np.flip(both.configurations["none", 1.0], axis=2)
    errors = curves.calibration_errors(both)
    assert errors[["aug", "volume"]].to_numpy().tolist() == [["none", 1.0], ["flip", np.inf]]
    assert errors["ece"].tolist() == pytest.approx([0, 0.5])
    assert curves.reliability(both)["accuracy"].tolist() == [0.75, 0.25]


def test_honest_probabilities_have_a_small_error():
    random = np.random.default_rng(0)
    probability = random.dirichlet([1, 1, 1], 20_000)
    label = (random.random(20_000)[:, None] > probability.cumsum(axis=1)[:, :2]).sum(axis=1)
    names = np.full(len(label), "A1")
    tested = Tested(label, names, names, np.ones(len(label), int))
    honest = Predictions(tested, {("none", 1.0): probability[None].astype(np.float32)})
    assert curves.calibration_errors(honest)["ece"][0] < 0.015
    curve = curves.reliability(honest)
    assert (curve["confidence"] - curve["accuracy"]).abs().max() < 0.05
