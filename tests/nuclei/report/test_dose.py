import numpy as np
import pytest
from examples import scored

from nuclei.report import dose
from nuclei.statistics.dose import doses

AUGS = ["none", "rotation-90", "rotation", "gamma-2", "gamma", "rotation-18"]
TABLE = doses(*scored(*AUGS, volumes=(np.inf, 0.5)))


@pytest.fixture
def axes(monkeypatch):
    """The panels of a table's figure before it becomes bytes."""
    monkeypatch.setattr(dose, "png", lambda figure: figure.axes)
    return lambda table: dose.dose(table, 0.01)


def test_a_series_has_a_panel_that_says_what_its_number_means(axes):
    gamma, rotation = axes(TABLE)
    assert (gamma.get_title(), rotation.get_title()) == ("gamma", "rotation")
    assert rotation.get_xlabel() == "largest angle either way (degrees)"
    assert gamma.get_xlabel() == "largest exponent; its inverse is the smallest"
    assert rotation.get_xticks().tolist() == [18, 36, 90]


def test_a_volume_has_a_line_of_differences_and_their_intervals(axes):
    rotation = axes(TABLE)[1]
    lines = [container.lines for container in rotation.containers]
    assert len(lines) == 2
    for (line, _, [bars]), volume in zip(lines, (0.5, np.inf), strict=True):
        points = TABLE[(TABLE["series"] == "rotation") & (TABLE["volume"] == volume)]
        assert line.get_xdata() == pytest.approx([18, 36, 90], abs=1)
        assert line.get_ydata().tolist() == points["difference"].tolist() == [0.05, 0.02, 0.01]
        bounds = np.array([segment[:, 1] for segment in bars.get_segments()])
        assert bounds == pytest.approx(points[["low", "high"]].to_numpy())


def test_volumes_differ_without_colour_and_do_not_hide_each_other(axes):
    (one, *_), (other, *_) = (container.lines for container in axes(TABLE)[1].containers)
    assert one.get_marker() != other.get_marker()
    assert one.get_xdata()[0] < 18 < other.get_xdata()[0]


def test_the_volumes_are_named_even_where_the_first_series_lacks_one(axes):
    without = TABLE[(TABLE["series"] == "rotation") | (TABLE["volume"] == 0.5)]
    labels = axes(without)[0].get_legend_handles_labels()[1]
    assert labels == ["volume ×0.5", "volume ×∞"]


def test_three_series_leave_no_empty_panel(axes):
    assert len(axes(doses(*scored(*AUGS, "stain", "stain-5")))) == 3


def test_the_same_table_gives_the_same_bytes():
    assert dose.dose(TABLE, 0.01) == dose.dose(TABLE, 0.01)
