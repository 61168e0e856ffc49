import numpy as np
import pandas as pd
import pytest
from examples import scored
from matplotlib.figure import Figure

from nuclei.report import forest
from nuclei.statistics.dose import doses

AUGS = ["none", "rotation-90", "rotation", "gamma-2", "gamma", "rotation-18"]
DOSES = doses(*scored(*AUGS, volumes=(np.inf, 0.5)))


def differences(volumes=("0.5", "1"), **changed):
    rows = [
        {"aug": aug, "volume": volume, "difference": gap, "p_holm": p, "asked": aug == "flip"}
        | {"low": gap - 0.02, "high": gap + 0.03, "significant": p < 0.05}
        for aug, gap, p in (("crop", -0.1, 0.0002), ("flip", 0.01, 0.3))
        for volume in volumes
    ]
    return pd.DataFrame(rows).assign(**changed)


@pytest.fixture
def unsaved(monkeypatch):
    """The figure itself, before it becomes bytes."""
    monkeypatch.setattr(forest.style, "png", lambda figure: figure)

    def draw(table) -> Figure:
        return forest.forest(table, 0.01)

    return draw


def marker(axis, height):
    return next(line for line in axis.lines if list(line.get_ydata()) == [height])


def test_every_augmentation_stands_in_the_panel_of_its_volume_with_interval_and_numbers(unsaved):
    axes = unsaved(differences()).axes
    assert [axis.get_title(loc="left") for axis in axes] == ["volume ×0.5", "volume ×1"]
    for axis in axes:
        assert [label.get_text() for label in axis.get_yticklabels()] == ["crop", "flip"]
        spans = [list(line.get_xdata()) for line in axis.lines]
        assert [-0.1 - 0.02, -0.1 + 0.03] in spans
        texts = [text.get_text() for text in axis.texts]
        assert "−0.100 [−0.120, −0.070]  < 0.001" in texts
        assert "+0.010 [−0.010, +0.040]  0.300" in texts


def test_all_volumes_together_stand_first_as_in_the_table(unsaved):
    axes = unsaved(differences(volumes=("all", "2", "inf"))).axes
    titles = [axis.get_title(loc="left") for axis in axes]
    assert titles == ["mean over the volumes that all augmentations have", "volume ×2", "volume ×∞"]


def test_the_mean_over_a_single_volume_is_left_out(unsaved):
    (axis,) = unsaved(differences(volumes=("all", "inf"))).axes
    assert axis.get_title(loc="left") == "volume ×∞"


def test_the_augmentation_that_was_asked_for_stands_out(unsaved):
    for axis in unsaved(differences()).axes:
        weights = {label.get_text(): label.get_fontweight() for label in axis.get_yticklabels()}
        assert weights == {"crop": "normal", "flip": "bold"}


def test_filled_is_significant_after_holm(unsaved):
    axis = unsaved(differences()).axes[0]
    faces = [marker(axis, height).get_markerfacecolor() for height in (0, 1)]
    assert faces == ["black", "white"]


def test_what_is_significant_is_decided_before_p_is_rounded(unsaved):
    """A p of 0.04996 is 0.05 in the table, next to the verdict better."""
    axis = unsaved(differences(volumes=("1",), p_holm=0.05, significant=True)).axes[0]
    assert [marker(axis, height).get_markerfacecolor() for height in (0, 1)] == ["black", "black"]


def test_the_band_is_the_margin_around_a_line_at_zero(unsaved):
    axis = unsaved(differences()).axes[0]
    [band] = axis.patches
    assert (band.get_x(), band.get_width()) == (-0.01, 0.02)
    assert any(list(line.get_xdata()) == [0, 0] for line in axis.lines)


def test_the_same_table_gives_the_same_bytes():
    assert forest.forest(differences(), 0.01) == forest.forest(differences(), 0.01)


@pytest.fixture
def axes(monkeypatch):
    """The panels of a table's figure before it becomes bytes."""
    monkeypatch.setattr(forest.style, "png", lambda figure: figure.axes)
    return lambda table: forest.dose(table, 0.01)


def test_a_series_has_a_panel_that_says_what_its_number_means(axes):
    gamma, rotation = axes(DOSES)
    assert (gamma.get_title(), rotation.get_title()) == ("gamma", "rotation")
    assert rotation.get_xlabel() == "largest angle either way (degrees)"
    assert gamma.get_xlabel() == "largest exponent; its inverse is the smallest"
    assert rotation.get_xticks().tolist() == [18, 36, 90]


def test_a_volume_has_a_line_of_differences_and_their_intervals(axes):
    rotation = axes(DOSES)[1]
    lines = [container.lines for container in rotation.containers]
    assert len(lines) == 2
    for (line, _, [bars]), volume in zip(lines, (0.5, np.inf), strict=True):
        points = DOSES[(DOSES["series"] == "rotation") & (DOSES["volume"] == volume)]
        assert line.get_xdata() == pytest.approx([18, 36, 90], abs=1)
        assert line.get_ydata().tolist() == points["difference"].tolist() == [0.05, 0.02, 0.01]
        bounds = np.array([segment[:, 1] for segment in bars.get_segments()])
        assert bounds == pytest.approx(points[["low", "high"]].to_numpy())


def test_volumes_differ_without_colour_and_do_not_hide_each_other(axes):
    (one, *_), (other, *_) = (container.lines for container in axes(DOSES)[1].containers)
    assert one.get_marker() != other.get_marker()
    assert one.get_xdata()[0] < 18 < other.get_xdata()[0]


def test_the_volumes_are_named_even_where_the_first_series_lacks_one(axes):
    without = DOSES[(DOSES["series"] == "rotation") | (DOSES["volume"] == 0.5)]
    labels = axes(without)[0].get_legend_handles_labels()[1]
    assert labels == ["volume ×0.5", "volume ×∞"]


def test_three_series_leave_no_empty_panel(axes):
    assert len(axes(doses(*scored(*AUGS, "stain", "stain-5")))) == 3


def test_the_same_strengths_give_the_same_bytes():
    assert forest.dose(DOSES, 0.01) == forest.dose(DOSES, 0.01)
