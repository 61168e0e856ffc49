import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import f1_score, log_loss, recall_score, roc_auc_score, roc_curve

from nuclei import metrics
from nuclei.classes import CLASSES
from nuclei.errors import InputError

LABELS = np.array(["stromal", "TIL", "tumor", "stromal", "TIL", "tumor"])


def random_probabilities(count, seed=0):
    return np.random.default_rng(seed).dirichlet([1, 1, 1], count).round(6)


def predictions(repeats=2, count=60):
    tables = []
    for repeat in range(repeats):
        table = pd.DataFrame({"repeat": repeat, "id": [f"n{i}" for i in range(count)]})
        table["label"] = np.resize(CLASSES, count)
        table["patient"], table["site"] = "P1", "A1"
        table[list(CLASSES)] = random_probabilities(count, seed=repeat)
        tables.append(table)
    return pd.concat(tables, ignore_index=True)


def cells(**keywords):
    table = predictions(**keywords)
    return pd.concat(
        [table.assign(aug="none", volume=1.0), table.assign(aug="flip", volume=1.0)],
        ignore_index=True,
    )


def test_a_hand_computed_score():
    half = np.tile([0.5, 0.25, 0.25], (6, 1))  # everything taken for stromal
    score = metrics.score(LABELS, half)
    assert score["accuracy"] == pytest.approx(2 / 6)
    assert [score[f"recall_{name}"] for name in CLASSES] == [1, 0, 0]
    assert score["macro_auc"] == 0.5
    assert score["macro_f1"] == pytest.approx((2 * 2 / (2 * 2 + 4)) / 3)
    assert score["log_loss"] == pytest.approx(-(2 * np.log(0.5) + 4 * np.log(0.25)) / 6)
    stromal = np.log(0.5) + 2 * np.log(0.75)
    other = np.log(0.25) + np.log(0.5) + np.log(0.75)
    assert score["bce"] == pytest.approx(-(2 * stromal + 4 * other) / 18)


@pytest.mark.parametrize("digits", [6, 1])  # one digit: many ties
def test_scores_are_scikit_learns(digits):
    rng = np.random.default_rng(1)
    label = rng.choice(CLASSES, 500)
    probability = rng.dirichlet([1, 1, 1], 500).round(digits)
    probability /= probability.sum(axis=1, keepdims=True)
    score, truth = metrics.score(label, probability), label[:, None] == np.array(CLASSES)
    clipped = probability.clip(1e-7, 1 - 1e-7)
    predicted = np.array(CLASSES)[probability.argmax(axis=1)]
    recalls = recall_score(label, predicted, labels=CLASSES, average=None)
    expected = {
        "macro_auc": roc_auc_score(truth, probability, average="macro"),
        "accuracy": (label == predicted).mean(),
        "balanced_accuracy": recalls.mean(),
        "macro_f1": f1_score(label, predicted, average="macro"),
        "log_loss": -np.log(clipped[truth]).mean(),
        "bce": np.mean([log_loss(truth[:, k], clipped[:, k]) for k in range(3)]),
    }
    for k, name in enumerate(CLASSES):
        expected[f"auc_{name}"] = roc_auc_score(truth[:, k], probability[:, k])
    expected |= {f"recall_{name}": value for name, value in zip(CLASSES, recalls, strict=True)}
    assert list(score) == list(expected)
    assert score == pytest.approx(expected, abs=1e-9)


def test_balanced_accuracy_weighs_classes_not_nuclei():
    labels = np.array(["tumor"] * 8 + ["TIL", "stromal"])
    score = metrics.score(labels, np.tile([0.1, 0.1, 0.8], (10, 1)))
    assert score["accuracy"] == pytest.approx(0.8)
    assert score["balanced_accuracy"] == pytest.approx(1 / 3)


def test_a_certain_mistake_costs_a_finite_loss():
    certain = np.eye(3)[[1, 1, 2, 0, 1, 2]]
    score = metrics.score(LABELS, certain)
    assert score["log_loss"] == pytest.approx(-np.log(1e-7) / 6, rel=1e-3)


def test_a_class_without_nuclei_is_an_error():
    with pytest.raises(InputError, match="no TIL"):
        metrics.score(np.array(["tumor", "stromal"]), random_probabilities(2))


def test_arms_are_means_and_deviations_over_repeats_in_the_order_of_the_cells():
    scores = metrics.scores(cells())
    arms = metrics.arms(scores)
    none = scores.loc[scores["aug"] == "none", "accuracy"]
    assert arms["aug"].tolist() == ["none", "flip"]
    assert arms["accuracy"][0] == pytest.approx(none.mean())
    assert arms["accuracy_sd"][0] == pytest.approx(abs(none[0] - none[1]) / 2**0.5)


def test_roc_curves_climb_from_corner_to_corner_and_span_the_auc():
    roc = metrics.roc(cells(repeats=1, count=600))
    auc = metrics.scores(cells(repeats=1, count=600))["auc_tumor"][0]
    curve = roc[(roc["aug"] == "none") & (roc["class"] == "tumor")]
    assert len(curve) <= 101
    assert curve[["fpr", "tpr"]].iloc[[0, -1]].to_numpy().tolist() == [[0, 0], [1, 1]]
    assert (curve["tpr"].diff().dropna() >= 0).all()
    assert np.trapezoid(curve["tpr"], curve["fpr"]) == pytest.approx(auc, abs=0.01)


@pytest.mark.parametrize("digits", [6, 1])
def test_roc_points_lie_on_scikit_learns_curve(digits):
    table = cells(repeats=1, count=300).round(digits)
    curve = metrics.roc(table).query("aug == 'flip' and `class` == 'TIL'")
    flip = table[table["aug"] == "flip"]
    fpr, tpr, _ = roc_curve(flip["label"] == "TIL", flip["TIL"])
    expected = np.interp(curve["fpr"], fpr, tpr)[1:]
    np.testing.assert_allclose(curve["tpr"][1:], expected, atol=1e-9)


def test_the_roc_curve_of_perfect_predictions_still_begins_at_the_origin():
    table = cells(repeats=1)
    table[list(CLASSES)] = np.eye(3)[[CLASSES.index(name) for name in table["label"]]]
    assert metrics.roc(table)["tpr"][:3].tolist() == [0, 1, 1]


def test_confusion_rows_sum_to_one_and_hold_recall_on_the_diagonal():
    table = cells(repeats=1)
    confusion = metrics.confusion(table)
    assert confusion.groupby(["aug", "actual"])["share"].sum().to_numpy() == pytest.approx(1)
    diagonal = confusion[(confusion["actual"] == confusion["predicted"])]
    recall = metrics.scores(table)[[f"recall_{name}" for name in CLASSES]].iloc[0]
    assert diagonal["share"][:3].tolist() == pytest.approx(recall.tolist())


def test_curves_average_repeats_only():
    rows = [("none", 1.0, "train", 40, repeat, 1.0 + repeat, 0.5, 0.5) for repeat in (0, 1)]
    rows += [("none", 1.0, "validation", 40, 0, 9.0, 0.5, 0.5)]
    names = ["aug", "volume", "split", "updates", "repeat", "loss", "accuracy", "macro_auc"]
    assert metrics.curves(pd.DataFrame(rows, columns=names))["loss"].tolist() == [1.5, 9.0]


def test_size_floor_sees_size_and_nothing_else():
    sizes = {"stromal": 9.0, "TIL": 5.0, "tumor": 14.0}
    rng = np.random.default_rng(0)
    rows = pd.DataFrame({"id": "n", "label": np.resize(CLASSES, 300)})
    telling = rows.assign(longest=rows["label"].map(sizes) * rng.uniform(0.95, 1.05, 300))
    mute = rows.assign(longest=rng.uniform(5, 15, 300))
    assert metrics.size_floor(telling, telling) == 1
    assert metrics.size_floor(mute, rows.assign(longest=rng.uniform(5, 15, 300))) < 0.6


@pytest.mark.parametrize("longest", [0.0, -1.0, np.nan])
def test_size_floor_wants_sizes(longest):
    rows = pd.DataFrame({"id": ["n1"], "label": ["TIL"], "longest": [longest]})
    with pytest.raises(InputError, match="n1"):
        metrics.size_floor(rows, rows)


def test_size_floor_wants_several_sizes_of_a_class():
    rows = pd.DataFrame({"id": "n", "label": LABELS[:4], "longest": [9.0, 5.0, 14.0, 8.0]})
    with pytest.raises(InputError, match="TIL"):
        metrics.size_floor(rows, rows)


def test_good_predictions_pass_in_any_row_order():
    table = predictions()
    metrics.check(table.sample(frac=1, random_state=0), table[table["repeat"] == 0], "x1.csv")


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda t: t.drop(columns="TIL"), "column TIL is missing"),
        (lambda t: t.iloc[:0], "no rows"),
        (lambda t: t.drop(index=7), "59 nuclei in 59 rows; each of the 60"),
        (lambda t: pd.concat([t, t.tail(1)]), "repeat 1: 60 nuclei in 61 rows"),
        (lambda t: t.assign(label=t["label"].replace("TIL", "tumor")), "n1 has label tumor"),
        (lambda t: t.assign(TIL=t["TIL"].where(t.index != 5)), "nucleus n5: probabilities"),
        (lambda t: t.assign(TIL=t["TIL"] + 0.5), "sum to 1"),
    ],
)
def test_bad_predictions_are_named(damage, said):
    table = predictions()
    with pytest.raises(InputError, match=said) as error:
        metrics.check(damage(table), table[table["repeat"] == 0], "flip/x1.csv")
    assert str(error.value).startswith("flip/x1.csv: ")
    assert "\n" not in str(error.value)
