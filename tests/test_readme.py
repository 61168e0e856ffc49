"""What the pages quote, held against the files that it comes from."""

import re

import pandas as pd
import pytest
from commands import ROOT

from nuclei.report.markdown import change, interval

REPORT = (ROOT / "plots/report.md").read_text(encoding="utf-8")
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "data/README.md")]
PAGES += sorted((ROOT / "docs").glob("*.md"))


def test_the_table_of_macro_auc_is_that_of_the_committed_report():
    scores = {}  # by augmentation, in the order of the volumes
    for section in re.split(r"^### Volume ×", REPORT, flags=re.MULTILINE)[1:]:
        for aug, score in re.findall(r"^\| ([a-z+]+) +\| (0\.\d+ \(.*?\))", section, re.MULTILINE):
            scores.setdefault(aug, []).append(score)
    assert len(scores) == 7
    for aug, row in scores.items():
        assert f"| {aug} | {' | '.join(row[:3])} |" in README


def test_the_page_about_the_swapped_channels_has_the_numbers_of_its_file():
    page = (ROOT / "docs/brca-m2c.md").read_text(encoding="utf-8")
    found = pd.read_csv(ROOT / "docs/numbers/brca-m2c-channels.csv")
    assert len(found) == 6
    for aug, rows in found.groupby("aug"):
        cells = [aug]
        for _, row in rows.sort_values("metric", ascending=False).iterrows():
            cells += [interval(row, "score"), change(row, "difference")]
        assert f"| {' | '.join(cells)} |" in page


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
