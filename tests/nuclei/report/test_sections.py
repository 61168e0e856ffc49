import numpy as np
import pandas as pd
import pytest
from examples import scored

from nuclei.report import sections
from nuclei.statistics.dose import doses


def sites(*rows):
    """Sites by name, fold and macro AUC of none."""
    table = pd.DataFrame(rows, columns=["site", "fold", "macro_auc"])
    return table.assign(aug="none", volume=1.0, patients=2, nuclei=9, classes="TIL tumor")


TWO = sites(("A1", 1, 0.8), ("B2", 2, 0.7), ("A1", 2, 0.6))


def test_sites_that_no_network_has_seen_are_called_so():
    text = sections.about_sites(TWO, {})
    assert "All 2 hospitals are tested by networks that have seen none of their patients." in text
    assert "other patients" not in text


def test_sites_that_networks_have_seen_are_named_once():
    text = sections.about_sites(TWO, {1: ["A1"], 2: ["A1"]})
    assert text.startswith(
        "1 of the 2 hospitals have other patients in their networks' training or validation: A1."
    )
    assert "none of their patients" not in text


def test_each_hospital_counts_once_in_what_an_arm_gains():
    gained = pd.DataFrame(
        [
            *(("flip", "A1", 1, 0.02), ("flip", "B2", 2, -0.01), ("flip", "C3", 6, 0.007)),
            ("crop", "A1", 1, -0.3),
        ],
        columns=["aug", "site", "patients", "gain"],
    )
    said, shown = sections.gains(gained)
    assert "Each hospital counts once" in said
    lines = [[cell.strip() for cell in line.split("|")[1:-1]] for line in shown.splitlines()]
    assert lines[2:] == [
        ["flip", "2 of 3", "+0.006", "−0.010, B2", "+0.020, A1", "+0.003"],
        ["crop", "0 of 1", "−0.300", "−0.300, A1", "−0.300, A1", "–"],
    ]
    assert "of an arm that shows made nuclei" not in said
    said, _ = sections.gains(gained.assign(aug="generated+flip"))
    assert "(of an arm that shows made nuclei, over those above ×1, if there are any)." in said
    assert sections.gains(gained[:0]) == []


def test_a_site_that_two_folds_test_has_a_row_for_each():
    other = TWO.assign(aug="flip", macro_auc=[0.85, 0.75, np.nan])
    shown = sections.sites(pd.concat([TWO, other, TWO.assign(volume=2.0)]), 1.0)
    assert list(shown) == ["site", "fold", "patients", "nuclei", "classes", "none", "flip"]
    assert shown[["site", "fold"]].to_numpy().tolist() == [["A1", 1], ["A1", 2], ["B2", 2]]
    assert shown["none"].tolist() == ["0.800", "0.600", "0.700"]
    assert shown["flip"].tolist() == ["0.850", "–", "0.750"]


def ends(**updates):
    """How networks of a budget of 200 updates ended, by augmentation, at ×1 and fresh draws."""
    rows = [
        (aug, volume, at, 200)
        for aug, of_aug in updates.items()
        for volume, of_volume in zip((1.0, np.inf), of_aug, strict=False)
        for at in of_volume
    ]
    return pd.DataFrame(rows, columns=["aug", "volume", "updates", "of"])


def test_ends_are_median_range_and_how_many_had_no_more_updates():
    shown = sections.ends(ends(none=[[50, 75, 200], [200, 200, 100]], flip=[[50], [75]]))
    assert list(shown) == ["augmentation", "×1", "×∞"]
    none, flip = shown.to_numpy().tolist()
    assert none == ["none", "75 (50 to 200), 1 at the end", "200 (100 to 200), 2 at the end"]
    assert flip == ["flip", "50 (50 to 50)", "75 (75 to 75)"]


@pytest.mark.parametrize(("a", "fitted"), [(np.nan, False), (0.9, True)])
def test_volumes_have_a_verdict_each_and_a_fit_where_there_is_one(a, fitted):
    steps = pd.DataFrame({"aug": "flip", "smaller": [0.5, 2.0], "larger": [1.0, np.inf]})
    steps = steps.assign(gain=0.01, low=-0.01, high=0.03, verdict=["saturated", "undecided"])
    shown = sections.volumes(steps.assign(a=a, b=-0.05, c=0.8))
    assert shown["from"].tolist() == ["×0.5", "×2"]
    assert shown["to"].tolist() == ["×1", "×∞"]
    assert shown["verdict"].tolist() == ["saturated", "undecided"]
    assert ("fit" in shown) == fitted


def test_strengths_stand_below_each_other_and_volumes_beside():
    table = doses(
        *scored("none", "rotation-90", "gamma-2", "gamma", "rotation", volumes=(np.inf, 1.0))
    )
    table = table[(table["aug"] != "gamma") | (table["volume"] == 1)]
    shown = sections.strengths(table)
    assert list(shown)[3:] == ["− none, ×1", "− none, ×∞"]
    assert shown[["series", "strength", "augmentation"]].to_numpy().tolist() == [
        *(["gamma", "1.5", "gamma"], ["gamma", "2", "gamma-2"]),
        *(["rotation", "36 degrees", "rotation"], ["rotation", "90 degrees", "rotation-90"]),
    ]
    assert shown["− none, ×1"].iloc[3] == "+0.010 (−0.010 to +0.040)"
    assert shown["− none, ×∞"].iloc[0] == "–"


def test_without_strengths_to_compare_there_is_no_section():
    assert sections.strength(doses(*scored("none", "rotation"))) == []
