import numpy as np
import pandas as pd
import pytest
from examples import CELLS, predictions

from nuclei.classes import CLASSES, codes
from nuclei.errors import InputError
from nuclei.statistics import bootstrap, scores


def scored(table):
    """The plain way: every cell's scores, repeat by repeat, then their mean."""
    cells = table.groupby(["aug", "volume"], sort=False)
    return np.array(
        [
            np.mean([one_repeat(rows) for _, rows in cell.groupby("repeat")], axis=0)
            for _, cell in cells
        ]
    )


def one_repeat(rows):
    label, probability = rows["label"].to_numpy(str), rows[list(CLASSES)].to_numpy()
    return list(scores.score(label, probability).values())


def test_estimates_are_means_over_repeats():
    table = predictions()
    drawn = bootstrap.resample(table, 2)
    assert drawn.cells == list(CELLS)
    assert drawn.metrics == scores.METRICS
    assert drawn.estimates == pytest.approx(scored(table), abs=1e-12)


def test_scores_of_cells_are_means_and_deviations_over_repeats():
    drawn = bootstrap.resample(predictions(), 2)
    repeats, cells = bootstrap.scores_of_repeats(drawn), bootstrap.scores_of_cells(drawn)
    flip = repeats.loc[repeats["aug"] == "flip", "accuracy"].tolist()
    assert cells["aug"].tolist() == ["none", "flip", "none"]
    assert cells["accuracy"][1] == pytest.approx(np.mean(flip))
    assert cells["accuracy_sd"][1] == pytest.approx(abs(flip[0] - flip[1]) / 2**0.5)


def test_the_smallest_of_several_contrasts_is_taken_on_every_resample_alike():
    drawn = bootstrap.resample(predictions(), 10)
    both = [bootstrap.contrast(drawn, "accuracy", {cell: 1}) for cell in CELLS[:2]]
    least = bootstrap.combine(both, lambda values: values.min(axis=0))
    assert least.estimate == min(contrast.estimate for contrast in both)
    assert (least.samples == np.minimum(both[0].samples, both[1].samples)).all()
    assert (least.jackknife == np.minimum(both[0].jackknife, both[1].jackknife)).all()
    assert (least.repeats == np.minimum(both[0].repeats, both[1].repeats)).all()


@pytest.mark.parametrize("seed", range(3))
def test_a_weighting_scores_as_rows_repeated_that_often(seed):
    rows = predictions([("none", 1.0)], repeats=1)
    patient = rows["patient"].str[1:].astype(int).to_numpy()
    label = codes(rows["label"])
    probability = rows[list(CLASSES)].to_numpy()
    weight = np.random.default_rng(seed).multinomial(8, np.full(8, 1 / 8))
    ours = scores.scores(scores.totals(label, probability, patient, 8), weight[None] * 1.0)
    again = np.repeat(np.arange(len(rows)), weight[patient])
    theirs = scores.score(rows["label"].to_numpy(str)[again], probability[again])
    assert ours[0] == pytest.approx(list(theirs.values()), abs=1e-9)


def test_the_jackknife_leaves_out_one_patient():
    table = predictions()
    drawn = bootstrap.resample(table, 2)
    without = scored(table[table["patient"] != "P3"])
    assert drawn.jackknife[..., 3] == pytest.approx(without)
    table = predictions()
    drawn = bootstrap.resample(table, 2)
    first = table[(table["aug"] == "none") & (table["volume"] == 1) & (table["repeat"] == 0)]
    assert drawn.repeats[0, :, 0] == pytest.approx(one_repeat(first))


def test_cells_are_paired_so_an_arm_differs_from_its_copy_by_nothing():
    table = predictions([("none", 1.0)], repeats=3)
    drawn = bootstrap.resample(pd.concat([table, table.assign(aug="copy")]), 50)
    gap = bootstrap.contrast(drawn, "macro_auc", {("copy", 1.0): 1, ("none", 1.0): -1})
    assert gap.samples.tolist() == [0] * 50
    assert drawn.samples[0, 0].std() > 0


def answered(rows, right):
    """The rows with a certain answer each, the true class where `right`."""
    label = codes(rows["label"])
    rows[list(CLASSES)] = np.eye(3)[np.where(right, label, (label + 1) % 3)]
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
