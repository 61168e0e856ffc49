import numpy as np
import pytest
from examples import predictions, scored

from nuclei.statistics import bootstrap, comparisons, dose

COLUMNS = [
    *("series", "operation", "unit", "strength", "aug", "volume"),
    *("macro_auc", "macro_auc_low", "macro_auc_high", "difference", "low", "high"),
]


def doses(*augs, volumes=(1.0,)):
    return dose.doses(*scored(*augs, volumes=volumes))


def test_a_series_is_a_recipe_with_one_number_left_open():
    table = doses("none", "rotation-90", "flip", "rotation", "flip+rotation-18")
    assert list(table) == COLUMNS
    assert table["aug"].tolist() == ["rotation", "rotation-90"]
    assert table["strength"].tolist() == [36, 90]
    for name, only in (("series", "rotation"), ("operation", "rotation"), ("unit", "degrees")):
        assert set(table[name]) == {only}


def test_a_point_has_its_own_score_and_its_own_difference_to_none():
    table = doses("none", "rotation-90", "rotation", volumes=(1.0, np.inf))
    assert table["macro_auc"].tolist() == pytest.approx([0.82, 0.81] * 2)
    assert table["difference"].tolist() == [0.02, 0.01] * 2
    for name in ("macro_auc", "difference"):
        low, high = ("low", "high") if name == "difference" else (f"{name}_low", f"{name}_high")
        assert (table[low] < table[name]).all() and (table[name] < table[high]).all()


def test_series_volumes_and_strengths_ascend():
    table = doses("stain-5", "rotation-90", "stain", "rotation-18", volumes=(np.inf, 0.5))
    assert table[["series", "volume", "strength"]].to_numpy().tolist() == [
        *(["rotation", 0.5, 18], ["rotation", 0.5, 90]),
        *(["rotation", np.inf, 18], ["rotation", np.inf, 90]),
        *(["stain", 0.5, 5], ["stain", 0.5, 20], ["stain", np.inf, 5], ["stain", np.inf, 20]),
    ]


def test_of_two_numbers_one_is_open_and_the_other_written_out():
    table = doses("stain+rotation", "stain-10+rotation", "stain+rotation-18").groupby("series")
    assert table["aug"].agg(list).to_dict() == {
        "stain+rotation-36": ["stain-10+rotation", "stain+rotation"],
        "stain-20+rotation": ["stain+rotation-18", "stain+rotation"],
    }
    assert table["operation"].first().tolist() == ["stain", "rotation"]


@pytest.mark.parametrize(
    "augs",
    [
        ("none",),
        ("none", "flip", "rotation", "rotation-18+flip"),
        ("none", "rotation+flip", "flip+rotation-18"),  # another order is another recipe
    ],
)
def test_a_study_without_two_strengths_of_one_series_has_no_row(augs):
    table = doses(*augs)
    assert table.empty
    assert list(table) == COLUMNS


def test_a_study_of_none_alone_has_no_row():
    configurations, _ = scored("none", "rotation", "rotation-18")
    alone = bootstrap.resample(predictions((("none", 1.0),)), 50, 1)
    differences = comparisons.differences(alone, 0.01, [])
    assert differences.empty and dose.doses(configurations, differences).empty


@pytest.mark.parametrize("part", [0, 1])
def test_a_volume_with_one_strength_or_without_its_difference_to_none_has_no_row(part):
    tables = list(scored("none", "rotation", "rotation-90", volumes=(0.5, 1.0)))
    assert set(dose.doses(*tables)["volume"]) == {0.5, 1}
    table = tables[part]
    tables[part] = table[(table["aug"] != "rotation-90") | (table["volume"] != 0.5)]
    assert set(dose.doses(*tables)["volume"]) == {1}
