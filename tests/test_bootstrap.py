import numpy as np
import pandas as pd
import pytest

from nuclei import bootstrap, metrics
from nuclei.classes import CLASSES
from nuclei.errors import InputError

CELLS = (("none", 1.0), ("flip", 1.0), ("none", 2.0))


def predictions(cells=CELLS, repeats=2, patients=8, count=240, seed=0):
    random = np.random.default_rng(seed)
    label, patient = random.integers(0, 3, count), random.integers(0, patients, count)
    tables = []
    for aug, volume in cells:
        for repeat in range(repeats):
            probability = random.dirichlet([1, 1, 1], count) + 0.4 * np.eye(3)[label]
            table = pd.DataFrame((probability / 1.4).round(2), columns=list(CLASSES))
            table["label"] = np.array(CLASSES)[label]
            table["id"] = [f"n{i}" for i in range(count)]
            table["patient"] = [f"P{i}" for i in patient]
            tables.append(table.assign(aug=aug, volume=volume, repeat=repeat, site="A1"))
    return pd.concat(tables, ignore_index=True)


def test_estimates_are_the_arms_of_metrics():
    table = predictions()
    arms = metrics.arms(metrics.scores(table))
    drawn = bootstrap.resample(table, 2)
    assert drawn.cells == list(CELLS)
    assert list(drawn.metrics) == list(arms.columns[2:14])
    assert drawn.estimates == pytest.approx(arms[list(drawn.metrics)].to_numpy(), abs=1e-12)


@pytest.mark.parametrize("seed", range(3))
def test_a_weighting_scores_as_rows_repeated_that_often(seed):
    rows = predictions([("none", 1.0)], repeats=1)
    patient = rows["patient"].str[1:].astype(int).to_numpy()
    label = pd.Categorical(rows["label"], list(CLASSES)).codes
    probability = rows[list(CLASSES)].to_numpy()
    weight = np.random.default_rng(seed).multinomial(8, np.full(8, 1 / 8))
    ours = bootstrap.scores(bootstrap.totals(label, probability, patient, 8), weight[None] * 1.0)
    again = np.repeat(np.arange(len(rows)), weight[patient])
    theirs = metrics.score(rows["label"].to_numpy(str)[again], probability[again])
    assert ours[0] == pytest.approx(list(theirs.values()), abs=1e-9)


def test_the_jackknife_leaves_out_one_patient():
    table = predictions()
    drawn = bootstrap.resample(table, 2)
    without = metrics.arms(metrics.scores(table[table["patient"] != "P3"]))
    assert drawn.jackknife[..., 3] == pytest.approx(without[list(drawn.metrics)].to_numpy())


def test_repeats_are_scored_apart():
    table = predictions()
    drawn = bootstrap.resample(table, 2)
    assert drawn.repeats[0, 0] == pytest.approx(metrics.scores(table)["macro_auc"][:2])


def test_cells_are_paired_so_an_arm_differs_from_its_copy_by_nothing():
    table = predictions([("none", 1.0)], repeats=3)
    drawn = bootstrap.resample(pd.concat([table, table.assign(aug="copy")]), 50)
    gap = bootstrap.contrast(drawn, "macro_auc", {("copy", 1.0): 1, ("none", 1.0): -1})
    assert gap.samples.tolist() == [0] * 50
    assert drawn.samples[0, 0].std() > 0


def answered(rows, right):
    """The rows with a certain answer each, the true class where `right`."""
    places = pd.Categorical(rows["label"], list(CLASSES)).codes
    rows[list(CLASSES)] = np.eye(3)[np.where(right, places, (places + 1) % 3)]
    return rows


def accuracies(rows):
    drawn = bootstrap.resample(rows, 30)
    return drawn.samples[0, list(drawn.metrics).index("accuracy")].tolist()


def test_patients_are_drawn_whole():
    rows = predictions([("none", 1.0)], repeats=1, patients=2)
    assert set(accuracies(answered(rows, rows["patient"] == "P0"))) == {0, 1}


def test_repeats_are_drawn_whole_one_fewer_than_there_are():
    rows = predictions([("none", 1.0)], repeats=3)
    assert set(accuracies(answered(rows, rows["repeat"] == 0))) == {0, 0.5, 1}


def test_the_seed_and_nothing_else_decides():
    table = predictions()
    first = bootstrap.resample(table, 20).samples
    assert (bootstrap.resample(table, 20, seed=2).samples != first).any()
    shuffled = table.sample(frac=1, random_state=0)
    again = bootstrap.resample(shuffled, 20)
    order = [again.cells.index(cell) for cell in CELLS]
    assert again.samples[order] == pytest.approx(first, abs=1e-12)


def test_a_class_of_one_patient_is_undefined_where_that_patient_is_not_drawn():
    table = predictions(repeats=1)
    table.loc[(table["label"] == "TIL") & (table["patient"] != "P0"), "label"] = "tumor"
    drawn = bootstrap.resample(table, 200)
    missing = dict(zip(drawn.metrics, np.isnan(drawn.samples[0]).mean(axis=1), strict=True))
    assert 0.2 < missing["macro_auc"] < 0.6
    assert missing["auc_TIL"] == missing["recall_TIL"] == missing["macro_f1"]
    assert missing["accuracy"] == missing["auc_tumor"] == 0


def test_contrasts_are_sums_of_cells():
    drawn = bootstrap.resample(predictions(), 10)
    row = list(drawn.metrics).index("log_loss")
    gap = bootstrap.contrast(drawn, "log_loss", {("flip", 1.0): 1, ("none", 2.0): -2})
    assert gap.estimate == pytest.approx(drawn.estimates[1, row] - 2 * drawn.estimates[2, row])
    assert gap.samples == pytest.approx(drawn.samples[1, row] - 2 * drawn.samples[2, row])


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda t: t.assign(patient="P1"), "1 patient; .* at least 2"),
        (lambda t: t.assign(label=t["label"].replace("TIL", "tumor")), "no TIL"),
        (lambda t: t[(t["aug"] == "none") | (t["repeat"] == 0)], "flip at volume 1 has 1 repeats"),
        (lambda t: t[(t["aug"] == "none") | (t["id"] != "n5")], "flip at volume 1 predicts other"),
    ],
)
def test_predictions_that_cannot_be_compared_are_named(damage, said):
    with pytest.raises(InputError, match=said) as error:
        bootstrap.resample(damage(predictions()), 5)
    assert "\n" not in str(error.value)
