"""The page of `dvc plots show` and `dvc plots diff`, as a browser without a network draws it."""

import shutil
import sys
from contextlib import suppress

import pandas as pd
import pytest
import yaml
from commands import clone, run
from examples import scored
from playwright.sync_api import TimeoutError, sync_playwright

from nuclei import files
from nuclei.statistics.dose import doses

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
FLAGS = [
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    "--no-first-run",
]

# Of every chart: its title, its columns' headers, and for every mark that takes up space on the
# page the row it was drawn from and the header it stands below. A line is one mark of many rows.
CHARTS = """
() => [...document.querySelectorAll(".vega-embed")].map(chart => {
    const middle = place => { const b = place.getBoundingClientRect(); return b.x + b.width / 2; };
    const headers = [...chart.querySelectorAll(".role-column-header text")];
    const above = mark => headers
        .map(text => [Math.abs(middle(text) - middle(mark)), text.textContent])
        .sort((a, b) => a[0] - b[0])[0]?.[1];
    const marks = [...chart.querySelectorAll(".role-mark > *")].flatMap(mark => {
        const box = mark.getBoundingClientRect();
        const item = mark.__data__;
        if (!item || box.width + box.height === 0) return [];
        const rows = item.mark.marktype === "line" ? item.mark.items : [item];
        return rows.map(({datum}) => ({
            aug: datum.aug, volume: datum.volume, rev: datum.rev, above: above(mark),
            kind: item.mark.marktype,
        }));
    });
    const titles = [...chart.querySelectorAll(".role-title-text")];
    return {title: titles.find(text => !text.closest("[class*=header]")).textContent, marks};
})
"""


@pytest.fixture(scope="module")
def open_page():
    """Open an HTML file; return its charts and everything it asked for or complained of."""
    if CHROMIUM is None:
        pytest.skip("no Chromium on the PATH (Debian's package: chromium)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)

        def opened(file):
            page = browser.new_context(offline=True).new_page()
            events = []
            page.on("request", lambda request: events.append(request.url))
            page.on("console", lambda message: events.append(message.text))
            page.on("pageerror", lambda error: events.append(str(error)))
            page.goto(file.as_uri())
            charts = page.locator("div:has(> script)").count()
            with suppress(TimeoutError):  # the tests say which chart is missing
                page.locator(".vega-embed svg.marks").nth(charts - 1).wait_for(timeout=15_000)
            page.wait_for_load_state("networkidle")
            return page.evaluate(CHARTS), events

        yield opened
        browser.close()


@pytest.fixture(scope="module")
def shown(study, open_page):
    run(study, sys.executable, "src/page.py")
    run(study, "dvc", "plots", "show", "--out", "page")
    return open_page(study / "page" / "index.html")


@pytest.fixture(scope="module")
def compared(study, experiment, open_page):
    run(study, sys.executable, "src/page.py")
    run(study, "dvc", "plots", "diff", "HEAD", "noise", "--out", "comparison")
    return open_page(study / "comparison" / "index.html")


def _with_strengths(study, *augs):
    """Have a study hold these arms, as far as the chart of strengths is concerned."""
    table = doses(*scored("none", *augs, volumes=(0.5, 1.0, float("inf"))))
    files.write_csv(study / "plots/dose.csv", table, digits=4)


@pytest.fixture(scope="module")
def dosed(study, open_page, tmp_path_factory):
    """A study that holds four strengths of one operation."""
    own = clone(study, tmp_path_factory.mktemp("dosed") / "study")
    _with_strengths(own, "rotation-18", "rotation", "rotation-90", "rotation-180")
    run(own, sys.executable, "src/page.py")
    run(own, "dvc", "plots", "show", "--out", "page")
    return open_page(own / "page" / "index.html")


@pytest.fixture(scope="module")
def queued(study, open_page, tmp_path_factory):
    """Two experiments, each of which adds one strength to the study's own, compared."""
    own = clone(study, tmp_path_factory.mktemp("queued") / "study")
    for strength in ("18", "90"):
        _with_strengths(own, "rotation", f"rotation-{strength}")
        run(own, "git", "commit", "--all", "--quiet", "-m", "Try another strength")
        run(own, "git", "tag", f"by-{strength}")
    run(own, sys.executable, "src/page.py")
    run(own, "dvc", "plots", "diff", "by-18", "by-90", "--out", "page")
    return open_page(own / "page" / "index.html")


def _tables(study):
    """The table behind each chart of dvc.yaml, by the chart's title; a volume is text, for inf.

    A table without rows, such as that of strengths where there is one of each, has no chart.
    """
    plots = yaml.safe_load((study / "dvc.yaml").read_text(encoding="utf-8"))["plots"]
    found = {
        title: pd.read_csv(study / next(iter(chart["y"])), dtype={"volume": str})
        for plot in plots
        for title, chart in plot.items()
    }
    return {title: table for title, table in found.items() if len(table)}


def _cells(table, rev):
    return {(aug, volume, rev) for aug, volume in zip(table["aug"], table["volume"], strict=True)}


def _drawn(chart):
    return {(mark["aug"], str(mark["volume"]), mark["rev"]) for mark in chart["marks"]}


def test_every_chart_shows_every_arm_at_every_volume(study, shown):
    charts, _ = shown
    tables = _tables(study)
    assert [chart["title"] for chart in charts] == list(tables)
    for chart in charts:
        assert _drawn(chart) == _cells(tables[chart["title"]], "workspace"), chart["title"]


def test_a_comparison_shows_every_arm_of_both_revisions(study, compared):
    charts, _ = compared
    tables = _tables(study)
    assert [chart["title"] for chart in charts] == list(tables)
    for chart in charts:
        table = tables[chart["title"]]
        other = table.replace({"aug": {"invert+flip": "noise+flip"}})
        assert _drawn(chart) == _cells(table, "HEAD") | _cells(other, "noise"), chart["title"]


def _strengths(charts, kind):
    """What each mark of that kind stands for in the chart of strengths."""
    [chart] = [chart for chart in charts if chart["title"] == "Macro AUC over strength"]
    marks = [mark for mark in chart["marks"] if mark["kind"] == kind]
    return sorted((mark["rev"], mark["volume"], mark["aug"]) for mark in marks)


@pytest.mark.parametrize("kind", ["symbol", "rule", "line"])
def test_every_strength_has_a_point_and_an_interval_at_every_volume(dosed, kind):
    augs = ["rotation", "rotation-18", "rotation-180", "rotation-90"]
    expected = [("workspace", volume, aug) for volume in ("0.5", "1", "inf") for aug in augs]
    assert _strengths(dosed[0], kind) == expected


def test_the_strengths_of_several_experiments_stand_in_one_chart(queued):
    assert _strengths(queued[0], "symbol") == [
        (f"by-{strength}", volume, aug)
        for strength in ("18", "90")
        for volume in ("0.5", "1", "inf")
        for aug in ("rotation", f"rotation-{strength}")
    ]


def test_a_study_without_strengths_to_compare_has_no_chart_of_them(study, shown):
    assert pd.read_csv(study / "plots/dose.csv").empty
    assert "Macro AUC over strength" not in [chart["title"] for chart in shown[0]]


@pytest.mark.parametrize("page", ["compared", "dosed", "queued"])
def test_a_mark_stands_below_its_own_header(page, request):
    charts, _ = request.getfixturevalue(page)
    for chart in charts:
        for mark in chart["marks"]:
            if chart["title"] == "Confusion":
                assert mark["above"] == mark["aug"]
            elif str(mark["above"]).startswith("volume"):
                assert mark["above"] == f"volume ×{mark['volume'].replace('inf', '∞')}"


@pytest.mark.parametrize("page", ["shown", "compared", "dosed", "queued"])
def test_nothing_is_fetched_and_the_console_is_silent(page, request):
    _, events = request.getfixturevalue(page)
    assert len(events) == 1, events
    assert events[0].endswith("/index.html")


def test_the_page_keeps_the_licences_of_what_it_holds(study, shown):
    page = (study / "page" / "index.html").read_text(encoding="utf-8")
    assert "University of Washington Interactive Data Lab" in page


def test_a_clone_that_has_no_vega_yet_still_gets_a_page(study, tmp_path):
    committed = run(study, "dvc", "config", "--project", "plots.html_template").strip()
    run(study, "git", "ls-files", "--error-unmatch", f".dvc/{committed}")
    words = ["--html-template", f".dvc/{committed}", "--out", str(tmp_path / "page")]
    run(study, "dvc", "plots", "show", *words)
    assert "vegaEmbed('#" in (tmp_path / "page" / "index.html").read_text(encoding="utf-8")
