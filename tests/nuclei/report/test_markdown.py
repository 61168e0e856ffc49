import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from flit_core.common import Module
from jinja2 import UndefinedError

from nuclei.report import markdown

ROOT = Path(__file__).parents[3]


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
    row = {"lead": 0.01, "lead_low": 0, "lead_high": 0.02}
    assert markdown.change(row, "lead", "lead_") == "+0.010 (+0.000 to +0.020)"


def test_a_p_value_is_never_zero():
    assert markdown.p_value(0.0004) == "< 0.001"
    assert markdown.p_value(0.04) == "0.040"


def test_a_volume():
    assert (markdown.times(0.5), markdown.times(np.nan)) == ("×0.5", "–")
    assert (markdown.times(2.0), markdown.times(np.inf)) == ("×2", "×∞")


def test_a_figure_is_a_relative_link():
    assert markdown.figure("roc") == "![roc](figures/roc.png)"
    assert markdown.figure("contact-flip", "tissue") == "![contact-flip](tissue/contact-flip.png)"


def test_a_list_of_names_and_a_count():
    assert markdown.listed(["flip"]) == "`flip`"
    assert markdown.listed(["none", "crop", "flip"]) == "`none`, `crop` and `flip`"
    assert (markdown.counted(1, "site"), markdown.counted(2, "site")) == ("1 site", "2 sites")


def test_lines_of_a_table_are_aligned_as_they_stand():
    assert markdown.aligned("| a | b |\n| 0.50 | longer |\n") == (
        "| a    | b      |\n|:-----|:-------|\n| 0.50 | longer |"
    )


def test_a_bar_in_a_name_parts_no_cells():
    assert markdown.table(pd.DataFrame({"site": ["A|B"], "patients": [2]})).endswith(
        "| A\\|B   | 2          |"
    )
    gains = {"aug": "flip", "gaining": 1, "sites": 2, "mean": 0.1, "without": 0.0}
    gains |= {"least": 0.0, "least_site": "A|B", "most": 0.2, "most_site": "C|D"}
    for name, rows in (("gains", pd.DataFrame([gains])), ("settings", {"prepare.classes": "A|B"})):
        header, _, row = markdown.page_table(name, rows).splitlines()
        assert len(re.split(r"(?<!\\)\|", row)) == header.count("|") + 1
        assert "A\\|B" in row


def test_a_name_that_a_template_lacks_is_an_error():
    with pytest.raises(UndefinedError):
        markdown.render("answer.md.j2")


def test_the_templates_are_shipped_with_the_package():
    templates = {path.name for path in (ROOT / "src/nuclei/report").glob("*.j2")}
    assert {"report.md.j2", "answer.md.j2", "operations.md.j2"} <= templates
    shipped = {Path(path).name for path in Module("nuclei", ROOT).iter_files()}
    assert templates <= shipped


def test_a_table_prints_numbers_as_they_stand():
    assert "| 0.50" in markdown.table(pd.DataFrame({"a": ["0.50"]}))
