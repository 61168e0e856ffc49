import numpy as np
import pandas as pd
import pytest
from examples import predictions

from nuclei.statistics import bootstrap, comparisons
from nuclei.statistics.bootstrap import Contrast
from nuclei.statistics.notebook import AUGMENTATIONS as NOTEBOOK

CONFIGURATIONS = [
    (aug, volume) for aug in ("none", "flip", "crop") for volume in (0.5, 1.0, np.inf)
]


def of_gaps(gaps, sd=0.001, configurations=CONFIGURATIONS):
    """A study in which every augmentation has `gaps` more macro AUC than none, ± `sd`."""
    random = np.random.default_rng(1)
    estimates = np.array([[0.8 + gaps.get(aug, 0.0)] for aug, _ in configurations])
    shape = len(configurations), 1

    def noise(*of, by):
        return random.normal(0, by, (*shape, *of))

    samples = estimates[..., None] + noise(1000, by=sd)
    parts = noise(40, by=sd / 40**0.5), noise(5, 2, by=sd / 100)
    return bootstrap.Bootstrap(list(configurations), ("macro_auc",), estimates, samples, *parts)


@pytest.mark.parametrize(
    ("gap", "sd", "verdict"),
    [
        (0.05, 0.001, comparisons.BETTER),
        (-0.05, 0.001, comparisons.WORSE),
        (0.004, 0.001, comparisons.EQUIVALENT),  # though it is different from 0
        (0.0, 0.05, comparisons.UNDECIDED),
        (0.05, 0.2, comparisons.UNDECIDED),
    ],
)
def test_an_augmentation_is_judged_against_none_over_all_volumes(gap, sd, verdict):
    table = comparisons.against_none(of_gaps({"flip": gap}, sd), 0.01, NOTEBOOK).set_index("aug")
    assert table.loc["flip", "verdict"] == verdict
    assert table.loc["flip", "difference"] == pytest.approx(gap)


def test_an_augmentation_counts_over_the_volumes_that_all_augmentations_share():
    study = of_gaps({"flip": 0.03}, configurations=[*CONFIGURATIONS, ("flip", 2.0)])
    assert comparisons.shared_volumes(study.configurations) == [0.5, 1.0, np.inf]
    study.estimates[-1] = 0.9
    gap = comparisons.minus_none(study, "macro_auc", "flip")
    assert gap.estimate == pytest.approx(0.03)
    assert comparisons.over_volumes(study, "macro_auc", "flip").estimate == pytest.approx(0.83)


@pytest.mark.parametrize("configurations", [[("flip", 1.0)], [("none", 1.0), ("flip", 2.0)]])
def test_without_a_none_at_a_volume_of_all_augmentations_nothing_is_compared(configurations):
    table = comparisons.against_none(of_gaps({}, configurations=configurations), 0.01, NOTEBOOK)
    assert table.empty
    assert "verdict" in table


def test_verdicts_are_adjusted_over_the_augmentations_of_a_family():
    configurations = [(aug, 1.0) for aug in ("none", "flip", "crop", "invert", "rotation", "noise")]
    study = of_gaps(
        dict.fromkeys(("flip", "crop", "invert", "rotation", "noise"), 0.024), 0.007, configurations
    )
    table = comparisons.against_none(study, 0.01, NOTEBOOK).set_index("aug")
    planned = table.loc[["flip", "crop", "invert", "rotation"]]
    assert planned["p_holm"].min() == pytest.approx(4 * planned["p"].min())
    assert table.loc["noise", "p_holm"] == table.loc["noise", "p"]


@pytest.mark.parametrize(("p", "significant"), [(0.04996, True), (0.05, False), (np.nan, False)])
def test_what_is_significant_is_decided_before_p_is_rounded(p, significant):
    row = {"aug": "flip", "metric": "macro_auc", "difference": 0.1, "low": 0.0, "high": 0.2}
    table = pd.DataFrame([row | {"p_holm": p, "verdict": "better"}])
    forest = comparisons.forest(table.assign(volume=1.0), table).round(4)
    assert forest["significant"].tolist() == [significant] * 2


def test_the_forest_has_every_augmentation_over_all_volumes_first_and_at_each():
    study = of_gaps({"flip": 0.05})
    table = comparisons.forest(
        comparisons.differences(study, 0.01, NOTEBOOK),
        comparisons.against_none(study, 0.01, NOTEBOOK),
    )
    assert table["volume"].tolist() == ["all"] * 2 + ["0.5"] * 2 + ["1"] * 2 + ["inf"] * 2
    assert table["aug"].tolist() == ["flip", "crop"] * 4
    assert set(table.loc[table["aug"] == "flip", "verdict"]) == {comparisons.BETTER}


def test_differences_are_against_none_at_the_same_volume():
    configurations = [("none", 1.0), ("flip", 1.0), ("crop", 1.0), ("flip", 4.0)]
    resampled = bootstrap.resample(predictions(configurations, patients=(5, 3)), 200)
    table = comparisons.differences(resampled, 0.01, NOTEBOOK)
    assert table[["aug", "volume"]].drop_duplicates().to_numpy().tolist() == [
        ["flip", 1.0],
        ["crop", 1.0],
    ]
    row = table[table["metric"] == "accuracy"].iloc[0]
    gap = resampled.estimates[1, 1] - resampled.estimates[0, 1]
    assert row["difference"] == pytest.approx(gap)
    pair = table.loc[table["metric"] == "accuracy", "p"]
    adjusted = table.loc[table["metric"] == "accuracy", "p_holm"]
    assert adjusted.min() == pytest.approx(min(1, 2 * pair.min()))
    losses = table["metric"].isin(["log_loss", "bce"])
    assert table.loc[losses, "p_tost"].isna().all()
    assert table.loc[~losses, "p_tost"].notna().all()


def test_an_added_augmentation_changes_nothing_about_the_planned_and_is_adjusted_over_the_added():
    planned = [("none", 1.0), ("flip", 1.0), ("crop", 1.0), ("flip", np.inf), ("none", np.inf)]
    added = [("noise", 1.0), ("stain", 1.0), ("noise", np.inf)]
    study = predictions([*planned, *added])
    few = study._replace(configurations={key: study.configurations[key] for key in planned})
    keys = ["aug", "volume", "metric"]
    before, after = (
        comparisons.differences(bootstrap.resample(each, 200), 0.01, NOTEBOOK).set_index(keys)
        for each in (few, study)
    )
    assert len(after) == len(before) * 2
    assert after.loc[before.index, "p_holm"].tolist() == before["p_holm"].tolist()
    both = after.loc[(["noise", "stain"], 1.0, "accuracy"), ["p", "p_holm"]]
    assert both["p_holm"].min() == pytest.approx(min(1, 2 * both["p"].min()))
    alone = after.loc["noise", np.inf, "accuracy"]
    assert alone["p_holm"] == alone["p"]


def test_the_planned_family_is_what_the_study_names():
    configurations = [(aug, 1.0) for aug in ("none", "stain", "flip", "crop", "noise")]
    study = of_gaps(dict.fromkeys(("stain", "flip", "crop", "noise"), 0.024), 0.007, configurations)
    table = comparisons.against_none(study, 0.01, planned=["none", "stain", "flip"]).set_index(
        "aug"
    )
    for family in (["stain", "flip"], ["crop", "noise"]):
        p = table.loc[family, "p"]
        assert table.loc[p.idxmin(), "p_holm"] == pytest.approx(2 * p.min())


def test_no_reference_no_differences():
    resampled = bootstrap.resample(predictions([("flip", 1.0)]), 20)
    table = comparisons.differences(resampled, 0.01, NOTEBOOK)
    assert table.empty
    assert "p_holm" in table


def test_an_augmentation_that_generates_is_judged_where_it_shows_synthetic_nuclei():
    configurations = [
        (aug, volume) for aug in ("none", "generated") for volume in (0.5, 1.0, 2.0, np.inf)
    ]
    study = of_gaps({"generated": -0.03}, 0.002, configurations)
    for same in (4, 5):  # up to 1 it is none
        study.estimates[same], study.samples[same] = study.estimates[0], study.samples[0]
    table = comparisons.against_none(study, 0.02, NOTEBOOK).set_index("aug")
    assert table.loc["generated", "difference"] == pytest.approx(-0.03)
    assert table.loc["generated", "verdict"] == comparisons.WORSE
    early = of_gaps({"generated": 0.0}, configurations=configurations[:2] + configurations[4:6])
    assert comparisons.minus_none(early, "macro_auc", "generated").estimate == pytest.approx(0)


def test_what_synthetic_nuclei_add_is_the_augmentation_with_them_minus_the_augmentation_without():
    names = ("none", "flip", "generated", "generated+flip", "generated+invert")
    study = of_gaps(
        {"flip": 0.03, "generated": 0.05, "generated+flip": 0.0, "generated+invert": 0.1},
        configurations=[(aug, volume) for aug in names for volume in (1.0, 2.0, np.inf)],
    )
    table = comparisons.synthetic_against_real(study, 0.01)
    assert table[["aug", "other", "volume"]].to_numpy().tolist() == [
        [aug, other, volume]
        for aug, other in (("generated", "none"), ("generated+flip", "flip"))
        for volume in (2.0, np.inf)
    ]
    assert table["difference"].to_numpy() == pytest.approx([0.05, 0.05, -0.03, -0.03])
    assert table["verdict"].tolist() == [comparisons.BETTER] * 2 + [comparisons.WORSE] * 2
    assert comparisons.synthetic_against_real(of_gaps({"flip": 0.03}), 0.01).empty


def gain(mean, spread):
    samples = mean + spread * np.random.default_rng(0).normal(size=2000)
    influence = spread * np.random.default_rng(1).normal(size=30) / 30**0.5
    return Contrast(mean, samples, influence, np.full((2, 3), mean / 2))


@pytest.mark.parametrize(
    ("mean", "spread", "verdict"),
    [
        (0.0, 0.002, "saturated"),
        (0.005, 0.001, "saturated"),  # above 0, yet too small to matter
        (0.03, 0.005, "still rising"),
        (0.0, 0.02, "undecided"),
        (-0.03, 0.005, "declining"),
        (-0.005, 0.001, "saturated"),
    ],
)
def test_the_rule_of_a_gain(mean, spread, verdict):
    assert comparisons.verdict_of_gain(gain(mean, spread), margin=0.01) == verdict


def gains(configurations, metric="macro_auc"):
    resampled = bootstrap.resample(predictions(configurations, patients=(5, 3)), 50)
    return resampled, comparisons.gains_of_volumes(resampled, metric, 0.01)


def test_gains_follow_the_volumes_upwards_and_none_gains_nothing_beyond_volume_1():
    configurations = [
        (aug, volume) for volume in (np.inf, 2.0, 0.5, 1.0) for aug in ("none", "flip")
    ]
    resampled, table = gains(configurations)
    steps = table.groupby("aug", sort=False)[["smaller", "larger"]]
    steps = {aug: rows.to_numpy().tolist() for aug, rows in steps}
    assert steps == {"none": [[0.5, 1]], "flip": [[0.5, 1], [1, 2], [2, np.inf]]}
    anew = resampled.estimates[1, 0] - resampled.estimates[3, 0]
    assert table["gain"].iloc[-1] == pytest.approx(anew)


def test_every_step_has_a_verdict_of_its_own():
    configurations = [("flip", volume) for volume in (0.5, 1.0, 2.0)]
    study = predictions(configurations, repeats=3, count=900)
    label, one = study.tested.label, study.configurations["flip", 1.0]
    study.configurations["flip", 2.0] = one  # the last step brings nothing, the first very much
    study.configurations["flip", 0.5] = np.roll(np.eye(3, dtype=np.float32), 1, axis=0)[label] * one
    table = comparisons.gains_of_volumes(bootstrap.resample(study, 200), "macro_auc", 0.01)
    assert table["verdict"].tolist() == ["still rising", "saturated"]
    assert (table["p_tost"] < 0.05).tolist() == [False, True]


@pytest.mark.parametrize(
    "configurations", [[("none", 1.0), ("flip", 0.5)], [("none", 1.0), ("none", 2.0)]]
)
def test_no_step_no_row(configurations):
    _, table = gains(configurations)
    assert table.empty
    assert "verdict" in table
