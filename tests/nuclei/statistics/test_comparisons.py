import numpy as np
import pandas as pd
import pytest
from examples import predictions

from nuclei.statistics import bootstrap
from nuclei.statistics import comparisons as arms
from nuclei.statistics.notebook import AUGMENTATIONS as NOTEBOOK

CELLS = [(aug, volume) for aug in ("none", "flip", "crop") for volume in (0.5, 1.0, np.inf)]


def known(gaps, sd=0.001, cells=CELLS):
    """A study of macro AUC in which every arm is `gaps` better than none, give or take `sd`."""
    random = np.random.default_rng(1)
    estimates = np.array([[0.8 + gaps.get(aug, 0.0)] for aug, _ in cells])
    shape = len(cells), 1

    def noise(*of, by):
        return random.normal(0, by, (*shape, *of))

    samples = estimates[..., None] + noise(1000, by=sd)
    parts = noise(40, by=sd / 40**0.5), noise(5, 2, by=sd / 100)
    return bootstrap.Bootstrap(list(cells), ("macro_auc",), estimates, samples, *parts)


@pytest.mark.parametrize(
    ("gap", "sd", "verdict"),
    [
        (0.05, 0.001, arms.BETTER),
        (-0.05, 0.001, arms.WORSE),
        (0.004, 0.001, arms.EQUIVALENT),  # though it is different from 0
        (0.0, 0.05, arms.UNDECIDED),
        (0.05, 0.2, arms.UNDECIDED),
    ],
)
def test_an_arm_is_judged_against_none_over_all_volumes(gap, sd, verdict):
    table = arms.against_none(known({"flip": gap}, sd), 0.01, NOTEBOOK).set_index("aug")
    assert table.loc["flip", "verdict"] == verdict
    assert table.loc["flip", "difference"] == pytest.approx(gap)


def test_an_arm_counts_over_the_volumes_that_all_arms_share():
    made = known({"flip": 0.03}, cells=[*CELLS, ("flip", 2.0)])
    assert arms.shared_volumes(made.configurations) == [0.5, 1.0, np.inf]
    made.estimates[-1] = 0.9
    gap = arms.minus_none(made, "macro_auc", "flip")
    assert gap.estimate == pytest.approx(0.03)
    assert arms.over_volumes(made, "macro_auc", "flip").estimate == pytest.approx(0.83)


@pytest.mark.parametrize("cells", [[("flip", 1.0)], [("none", 1.0), ("flip", 2.0)]])
def test_without_a_none_at_a_volume_of_all_arms_nothing_is_compared(cells):
    table = arms.against_none(known({}, cells=cells), 0.01, NOTEBOOK)
    assert table.empty
    assert "verdict" in table


def test_verdicts_are_adjusted_over_the_arms_of_a_family():
    cells = [(aug, 1.0) for aug in ("none", "flip", "crop", "invert", "rotation", "noise")]
    made = known(
        dict.fromkeys(("flip", "crop", "invert", "rotation", "noise"), 0.024), 0.007, cells
    )
    table = arms.against_none(made, 0.01, NOTEBOOK).set_index("aug")
    planned = table.loc[["flip", "crop", "invert", "rotation"]]
    assert planned["p_holm"].min() == pytest.approx(4 * planned["p"].min())
    assert table.loc["noise", "p_holm"] == table.loc["noise", "p"]


@pytest.mark.parametrize(("p", "significant"), [(0.04996, True), (0.05, False), (np.nan, False)])
def test_what_is_significant_is_decided_before_p_is_rounded(p, significant):
    row = {"aug": "flip", "metric": "macro_auc", "difference": 0.1, "low": 0.0, "high": 0.2}
    table = pd.DataFrame([row | {"p_holm": p, "verdict": "better"}])
    forest = arms.forest(table.assign(volume=1.0), table).round(4)
    assert forest["significant"].tolist() == [significant] * 2


def test_the_forest_has_every_arm_over_all_volumes_first_and_at_each():
    made = known({"flip": 0.05})
    table = arms.forest(
        arms.differences(made, 0.01, NOTEBOOK), arms.against_none(made, 0.01, NOTEBOOK)
    )
    assert table["volume"].tolist() == ["all"] * 2 + ["0.5"] * 2 + ["1"] * 2 + ["inf"] * 2
    assert table["aug"].tolist() == ["flip", "crop"] * 4
    assert set(table.loc[table["aug"] == "flip", "verdict"]) == {arms.BETTER}


def test_differences_are_against_none_at_the_same_volume():
    cells = [("none", 1.0), ("flip", 1.0), ("crop", 1.0), ("flip", 4.0)]
    drawn = bootstrap.resample(predictions(cells, patients=(5, 3)), 200)
    table = arms.differences(drawn, 0.01, NOTEBOOK)
    assert table[["aug", "volume"]].drop_duplicates().to_numpy().tolist() == [
        ["flip", 1.0],
        ["crop", 1.0],
    ]
    row = table[table["metric"] == "accuracy"].iloc[0]
    gap = drawn.estimates[1, 1] - drawn.estimates[0, 1]
    assert row["difference"] == pytest.approx(gap)
    pair = table.loc[table["metric"] == "accuracy", "p"]
    adjusted = table.loc[table["metric"] == "accuracy", "p_holm"]
    assert adjusted.min() == pytest.approx(min(1, 2 * pair.min()))
    losses = table["metric"].isin(["log_loss", "bce"])
    assert table.loc[losses, "p_tost"].isna().all()
    assert table.loc[~losses, "p_tost"].notna().all()


def test_an_added_arm_changes_nothing_about_the_planned_and_is_adjusted_over_the_added():
    planned = [("none", 1.0), ("flip", 1.0), ("crop", 1.0), ("flip", np.inf), ("none", np.inf)]
    added = [("noise", 1.0), ("stain", 1.0), ("noise", np.inf)]
    made = predictions([*planned, *added])
    few = made._replace(configurations={cell: made.configurations[cell] for cell in planned})
    keys = ["aug", "volume", "metric"]
    before, after = (
        arms.differences(bootstrap.resample(each, 200), 0.01, NOTEBOOK).set_index(keys)
        for each in (few, made)
    )
    assert len(after) == len(before) * 2
    assert after.loc[before.index, "p_holm"].tolist() == before["p_holm"].tolist()
    both = after.loc[(["noise", "stain"], 1.0, "accuracy"), ["p", "p_holm"]]
    assert both["p_holm"].min() == pytest.approx(min(1, 2 * both["p"].min()))
    alone = after.loc["noise", np.inf, "accuracy"]
    assert alone["p_holm"] == alone["p"]


def test_the_planned_family_is_what_the_study_names():
    cells = [(aug, 1.0) for aug in ("none", "stain", "flip", "crop", "noise")]
    made = known(dict.fromkeys(("stain", "flip", "crop", "noise"), 0.024), 0.007, cells)
    table = arms.against_none(made, 0.01, planned=["none", "stain", "flip"]).set_index("aug")
    for family in (["stain", "flip"], ["crop", "noise"]):
        p = table.loc[family, "p"]
        assert table.loc[p.idxmin(), "p_holm"] == pytest.approx(2 * p.min())


def test_no_reference_no_differences():
    drawn = bootstrap.resample(predictions([("flip", 1.0)]), 20)
    table = arms.differences(drawn, 0.01, NOTEBOOK)
    assert table.empty
    assert "p_holm" in table


def test_an_arm_that_generates_is_judged_where_it_shows_made_nuclei():
    cells = [(aug, volume) for aug in ("none", "generated") for volume in (0.5, 1.0, 2.0, np.inf)]
    made = known({"generated": -0.03}, 0.002, cells)
    for same in (4, 5):  # up to 1 it is none
        made.estimates[same], made.samples[same] = made.estimates[0], made.samples[0]
    table = arms.against_none(made, 0.02, NOTEBOOK).set_index("aug")
    assert table.loc["generated", "difference"] == pytest.approx(-0.03)
    assert table.loc["generated", "verdict"] == arms.WORSE
    early = known({"generated": 0.0}, cells=cells[:2] + cells[4:6])
    assert arms.minus_none(early, "macro_auc", "generated").estimate == pytest.approx(0)


def test_what_made_nuclei_add_is_the_arm_with_them_minus_the_arm_without():
    names = ("none", "flip", "generated", "generated+flip", "generated+invert")
    made = known(
        {"flip": 0.03, "generated": 0.05, "generated+flip": 0.0, "generated+invert": 0.1},
        cells=[(aug, volume) for aug in names for volume in (1.0, 2.0, np.inf)],
    )
    table = arms.synthetic_against_real(made, 0.01)
    assert table[["aug", "other", "volume"]].to_numpy().tolist() == [
        [aug, other, volume]
        for aug, other in (("generated", "none"), ("generated+flip", "flip"))
        for volume in (2.0, np.inf)
    ]
    assert table["difference"].to_numpy() == pytest.approx([0.05, 0.05, -0.03, -0.03])
    assert table["verdict"].tolist() == [arms.BETTER] * 2 + [arms.WORSE] * 2
    assert arms.synthetic_against_real(known({"flip": 0.03}), 0.01).empty
