import numpy as np
import pytest

from nuclei.core.classes import CLASSES
from nuclei.statistics import predictions
from nuclei.statistics.hard_nuclei import SHEETS, hard_nuclei

STROMAL, TIL, TUMOR = range(3)


def study(configurations, label, patient=None):
    """Predictions of nuclei, each of a patient of its own by default."""
    label = np.array(label)
    patient = np.arange(len(label)) if patient is None else np.array(patient)
    names = np.array([f"P{number}" for number in patient])
    sites = np.array([f"S{number}" for number in patient])
    tested = predictions.Tested(label, names, sites, np.ones(len(label), np.int64))
    return predictions.Predictions(
        tested, {key: np.array(values, np.float32) for key, values in configurations.items()}
    )


def of_true(label, *repeats):
    """Probabilities of the true class, per repeat and nucleus; the next class has the rest."""
    probabilities = np.zeros((len(repeats), len(label), 3))
    every = np.arange(len(label))
    for repeat, true in enumerate(repeats):
        probabilities[repeat, every, label] = true
        probabilities[repeat, every, (np.array(label) + 1) % 3] = 1 - np.array(true)
    return probabilities


def sheet(table, name, label="TIL"):
    return table[(table["sheet"] == name) & (table["label"] == label)]


def test_wrong_are_those_that_most_networks_get_wrong():
    label = [TIL] * 4
    configurations = {
        ("none", 1): of_true(label, [0.9, 0.9, 0.1, 0.4]),
        ("flip", 1): of_true(label, [0.9, 0.1, 0.1, 0.4], [0.9, 0.9, 0.6, 0.4]),
        ("flip", 2): of_true(label, [0.9, 0.9, 0.1, 0.4]),
    }
    rows = sheet(hard_nuclei(study(configurations, label), "flip", 8), "wrong")
    assert rows["nucleus"].tolist() == [3, 2, 1]  # and not 0, that nobody gets wrong
    assert rows["wrong"].tolist() == [1, 0.75, 0.25]
    assert rows["predicted"].tolist() == ["tumor", "tumor", "TIL"]
    assert rows["rank"].tolist() == [1, 2, 3]
    assert rows["patient"].tolist() == ["P3", "P2", "P1"]
    assert rows["site"].tolist() == ["S3", "S2", "S1"]


def test_of_nuclei_that_as_many_get_wrong_the_least_probable_is_first_then_the_earliest():
    label = [TUMOR] * 4
    configurations = {("none", 1): of_true(label, [0.4, 0.2, 0.3, 0.2], [0.4, 0.2, 0.3, 0.2])}
    rows = sheet(hard_nuclei(study(configurations, label), "none", 8), "wrong", "tumor")
    assert rows["nucleus"].tolist() == [1, 3, 2, 0]


def test_networks_vote_on_what_is_predicted_and_their_probabilities_break_ties():
    one, other = [0, 0.45, 0.55], [0, 0.9, 0.1]
    configurations = {("none", 1): [[one, one], [one, other], [other, [0.8, 0.1, 0.1]]]}
    rows = sheet(hard_nuclei(study(configurations, [STROMAL] * 2), "none", 8), "wrong", "stromal")
    assert dict(zip(rows["nucleus"], rows["predicted"], strict=True)) == {0: "tumor", 1: "TIL"}


def at_volume_1(label, none, flip, crop):
    by_name = {"none": none, "flip": flip, "crop": crop}
    return {(aug, 1): of_true(label, true) for aug, true in by_name.items()}


def test_best_alone_are_those_that_only_the_best_augmentation_gets_right_by_its_lead():
    label = [TIL] * 5
    configurations = at_volume_1(
        label,
        none=[0.1, 0.3, 0.9, 0.1, 0.4],
        flip=[0.6, 0.9, 0.9, 0.1, 0.9],  # the best
        crop=[0.2, 0.4, 0.1, 0.9, 0.1],
    )
    rows = sheet(hard_nuclei(study(configurations, label), "flip", 8), "best-alone")
    assert rows["nucleus"].tolist() == [1, 4, 0]  # of equal leads, the earliest
    assert rows["lead"].tolist() == pytest.approx([0.5, 0.5, 0.4])
    assert set(rows["best_predicted"]) == {"TIL"}
    assert set(rows["others_predicted"]) == {"tumor"}


def test_augmentations_are_compared_by_their_means_over_repeats_and_volumes():
    label = [TIL] * 2
    configurations = {
        ("none", 1): of_true(label, [0.1, 0.1], [0.1, 0.1]),
        ("none", 2): of_true(label, [0.6, 0.6], [0.6, 0.6]),
        ("flip", 1): of_true(label, [0.9, 0.4], [0.2, 0.4]),
        ("flip", 2): of_true(label, [0.4, 0.4], [0.9, 0.6]),
    }
    rows = sheet(hard_nuclei(study(configurations, label), "flip", 8), "best-alone")
    assert rows["nucleus"].tolist() == [0]
    assert rows["lead"].tolist() == pytest.approx([0.6 - 0.35])
    assert rows["wrong"].tolist() == [0.5]


def test_others_predict_what_most_of_them_predict():
    label = [STROMAL]
    says = {name: np.eye(3)[[[position]]] for position, name in enumerate(CLASSES)}
    mild = [[[0.1, 0.5, 0.4]]]
    configurations = {
        ("a", 1): mild,
        ("b", 1): mild,
        ("c", 1): says["tumor"],
        ("d", 1): says["stromal"],
    }
    rows = sheet(hard_nuclei(study(configurations, label), "d", 8), "best-alone", "stromal")
    assert rows["others_predicted"].tolist() == ["TIL"]


def test_disagreed_are_those_that_augmentations_differ_on_most_with_their_extremes():
    label = [TIL] * 3
    configurations = at_volume_1(
        label, none=[0.5, 0.1, 0.7], flip=[0.6, 0.9, 0.7], crop=[0.4, 0.5, 0.7]
    )
    rows = sheet(hard_nuclei(study(configurations, label), "crop", 8), "disagreed")
    assert rows["nucleus"].tolist() == [1, 0]  # and not 2, on which they agree
    assert rows["spread"].tolist() == pytest.approx(
        [np.std([1, 9, 5]) / 10, np.std([5, 6, 4]) / 10]
    )
    assert rows["high_aug"].tolist() == ["flip", "flip"]
    assert rows["low_aug"].tolist() == ["none", "crop"]
    assert rows["high"].tolist() == pytest.approx([0.9, 0.6])
    assert rows["low"].tolist() == pytest.approx([0.1, 0.4])


def test_augmentations_are_compared_at_the_volumes_that_all_have():
    label = [TIL]
    configurations = {
        ("none", 1): of_true(label, [0.3]),
        ("flip", 1): of_true(label, [0.4]),
        ("flip", 2): of_true(label, [0.9]),
    }
    table = hard_nuclei(study(configurations, label), "flip", 8)
    assert sheet(table, "best-alone").empty
    assert sheet(table, "disagreed")["high"].tolist() == pytest.approx([0.4])
    assert sheet(table, "wrong")["wrong"].tolist() == pytest.approx([2 / 3])


def test_a_row_has_no_more_than_two_nuclei_of_one_patient():
    label = [TIL] * 6 + [TUMOR] * 3
    true = [0.1, 0.11, 0.12, 0.13, 0.3, 0.4, 0.1, 0.2, 0.3]
    configurations = {("none", 1): of_true(label, true)}
    table = hard_nuclei(study(configurations, label, patient=[0] * 5 + [1] + [0] * 3), "none", 3)
    assert sheet(table, "wrong")["nucleus"].tolist() == [0, 1, 5]
    assert sheet(table, "wrong", "tumor")["nucleus"].tolist() == [6, 7]


@pytest.mark.parametrize(
    "configurations", [[("none", 1)], [("none", 0.5), ("none", 1)], [("none", 1), ("flip", 2)]]
)
def test_without_two_augmentations_at_one_volume_nuclei_are_only_wrong(configurations):
    label = [TIL, STROMAL]
    probabilities = {
        key: of_true(label, [0.1 * (1 + n), 0.3]) for n, key in enumerate(configurations)
    }
    table = hard_nuclei(study(probabilities, label), "none", 8)
    assert table["sheet"].tolist() == ["wrong", "wrong"]
    assert table["best_predicted"].isna().all()


def test_a_study_without_a_wrong_network_has_no_rows_but_all_columns():
    configurations = {("none", 1): of_true([TIL], [0.9]), ("flip", 1): of_true([TIL], [0.9])}
    table = hard_nuclei(study(configurations, [TIL]), "flip", 8)
    assert table.empty
    assert {"sheet", "label", "nucleus", "spread", "low"} <= set(table)


def test_rows_of_a_large_study_are_those_of_a_slow_count():
    rng = np.random.default_rng(0)
    label, patient = rng.integers(0, 3, 300), rng.integers(0, 40, 300)
    keys = [(aug, volume) for aug in ("none", "flip", "crop") for volume in (0.5, np.inf)]
    configurations = {key: rng.dirichlet([1, 1, 1], (2, 300)) for key in keys}
    table = hard_nuclei(study(configurations, label, patient), "crop", 5)
    assert table.groupby(["sheet", "label"]).size().loc[["wrong", "disagreed"]].eq(5).all()
    for (_, name), rows in table.groupby(["sheet", "label"]):
        assert rows["nucleus"].is_unique
        assert rows["rank"].tolist() == list(range(1, len(rows) + 1))
        assert (rows["patient"].value_counts() <= 2).all()
        assert {CLASSES[code] for code in label[rows["nucleus"].to_list()]} == {name}
    for row in table[table["sheet"] == SHEETS[0]].itertuples():
        votes = [values[:, row.nucleus].argmax(axis=1) for values in configurations.values()]
        assert row.wrong == pytest.approx((np.array(votes) != label[row.nucleus]).mean())
        means = {
            aug: (configurations[aug, 0.5] + configurations[aug, np.inf]).mean(axis=0)[row.nucleus]
            / 2
            for aug in ("none", "flip", "crop")
        }
        true = {aug: mean[label[row.nucleus]] for aug, mean in means.items()}
        assert row.spread == pytest.approx(np.std(list(true.values())), abs=1e-6)
        assert row.high_aug == max(true, key=true.get)
        assert row.low_aug == min(true, key=true.get)
        assert row.best_predicted == CLASSES[means["crop"].argmax()]
