"""What the pages quote, held against the files that it comes from."""

import re

import pandas as pd
import pytest
from commands import ROOT

from nuclei.report.markdown import interval

README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "data/README.md")]
PAGES += sorted((ROOT / "docs").glob("*.md"))


def test_the_table_of_macro_auc_is_that_of_the_committed_study():
    cells = pd.read_csv(ROOT / "plots/cells.csv")
    for aug, rows in cells.groupby("aug", sort=False):
        scores = [interval(row, "macro_auc") for _, row in rows.sort_values("volume").iterrows()]
        assert f"| {aug} | {' | '.join(scores)} |" in README


def test_every_target_that_the_pages_name_is_in_the_makefile():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        named = re.findall(r"^make ([a-z-]+)|`make ([a-z-]+)", text, re.MULTILINE)
        assert {one or other for one, other in named} <= targets, page.name


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_file_that_a_page_links_to_is_there(page):
    for link in re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8")):
        if "://" not in link:
            assert (page.parent / link).exists(), link
