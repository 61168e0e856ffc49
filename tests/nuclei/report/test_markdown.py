import numpy as np
import pandas as pd
import pytest

from nuclei.report import markdown


@pytest.mark.parametrize(
    ("value", "written"), [(0.12345, "0.123"), (-0.5, "−0.500"), (np.nan, "–")]
)
def test_a_number(value, written):
    assert markdown.number(value) == written


def test_an_interval_and_a_change():
    row = pd.Series({"auc": 0.85, "auc_low": 0.8, "auc_high": 0.9, "gap": -0.01})
    row = pd.concat([row, pd.Series({"low": -0.02, "high": 0.005, "none": np.nan})])
    assert markdown.interval(row, "auc") == "0.850 (0.800 to 0.900)"
    assert markdown.change(row, "gap") == "−0.010 (−0.020 to +0.005)"
    assert markdown.change(row, "none") == "–"


def test_a_p_value_is_never_zero():
    assert markdown.p_value(0.0004) == "< 0.001"
    assert markdown.p_value(0.04) == "0.040"


def test_a_volume():
    assert (markdown.times(0.5), markdown.times(np.nan)) == ("×0.5", "–")
    assert (markdown.times(2.0), markdown.times(np.inf)) == ("×2", "×∞")


def test_a_figure_is_a_relative_link_with_its_caption():
    assert markdown.figure("roc", "Curves.") == "![roc](figures/roc.png)\n\nCurves."


def test_a_table_prints_numbers_as_they_stand():
    assert "| 0.50" in markdown.table(pd.DataFrame({"a": ["0.50"]}))
