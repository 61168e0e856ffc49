"""What a browser without a network draws of a page of charts, and what tables it was made of."""

import shutil
from contextlib import contextmanager, suppress
from types import SimpleNamespace

import pandas as pd
import pytest
import yaml
from playwright.sync_api import TimeoutError, sync_playwright

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
FLAGS = [
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    "--no-first-run",
]

# Of every chart: its title, where it begins, its legends' titles, its axes' labels, and for every
# mark that takes up space on the page its row, the header it stands below, and how
# it looks. A line is one mark of many rows; a mark of no row, such as a diagonal, has no arm.
CHARTS = """
() => [...document.querySelectorAll(".vega-embed")].map(chart => {
    const place = node => {
        const box = node.getBoundingClientRect();
        return {x: box.x + box.width / 2, y: box.y + box.height / 2};
    };
    const texts = where => [...chart.querySelectorAll(where)].map(text => text.textContent);
    const headers = [...chart.querySelectorAll(".role-column-header text")];
    const above = mark => headers
        .map(text => [Math.abs(place(text).x - place(mark).x), text.textContent])
        .sort((a, b) => a[0] - b[0])[0]?.[1];
    const marks = [...chart.querySelectorAll(".role-mark > *")].flatMap(mark => {
        const box = mark.getBoundingClientRect();
        const item = mark.__data__;
        if (!item || box.width + box.height === 0) return [];
        const rows = item.mark.marktype === "line" ? item.mark.items : [item];
        return rows.map(({datum}) => ({
            aug: datum.aug, volume: datum.volume, rev: datum.rev, above: above(mark),
            kind: item.mark.marktype, fill: item.fill, thick: item.strokeWidth, ...place(mark),
            rise: (item.y - item.y2) / (item.x2 - item.x),
        }));
    });
    const labels = [...chart.querySelectorAll(".role-axis-label text")].map(text => ({
        text: text.textContent, bold: getComputedStyle(text).fontWeight === "700", ...place(text),
    }));
    const titles = [...chart.querySelectorAll(".role-title-text")];
    return {
        title: titles.find(text => !text.closest("[class*=header]")).textContent,
        top: chart.getBoundingClientRect().y, legends: texts(".role-legend-title text"),
        words: texts(".mark-text.role-mark text"), labels, marks,
    };
})
"""
# Of every picture: the end of its path, whether the browser could draw it, and its words.
PICTURES = """
() => [...document.querySelectorAll("figure")].map(figure => ({
    name: figure.querySelector("img").src.split("/").slice(-2).join("/"),
    drawn: figure.querySelector("img").naturalWidth > 0,
    text: figure.textContent,
}))
"""


@contextmanager
def opener():
    """Yield what opens an HTML file and returns what it shows, asks for and complains of."""
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
            return SimpleNamespace(
                charts=page.evaluate(CHARTS),
                pictures=page.evaluate(PICTURES),
                guide=page.locator("body > p").bounding_box()["y"],
                width=page.evaluate("document.documentElement.scrollWidth"),
                events=events,
            )

        yield opened
        browser.close()


def tables_of(study):
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


def cells(table, rev):
    """The cells that a chart of the table must show: none where it is not about arms."""
    if "aug" not in table:
        return set()
    return {(aug, volume, rev) for aug, volume in zip(table["aug"], table["volume"], strict=True)}


def drawn(chart):
    """The cells that a chart shows."""
    marks = [mark for mark in chart["marks"] if mark["aug"]]
    return {(mark["aug"], str(mark["volume"]), mark["rev"]) for mark in marks}


def chart_of(page, title):
    """The chart of that title."""
    [found] = [chart for chart in page.charts if chart["title"] == title]
    return found


def points(chart):
    """The points of a chart."""
    return [mark for mark in chart["marks"] if mark["kind"] == "symbol"]


def stands_below_its_header(mark, title):
    """Whether the header above a mark is that of its volume or, in a chart by arms, of its arm."""
    if mark["above"] is None or mark["aug"] is None:
        return True
    if title == "Confusion":
        return mark["above"].removeprefix("▸ ") == mark["aug"]
    if mark["volume"] == "all":
        return mark["above"] == "all volumes"
    volume = str(mark["volume"]).replace("inf", "∞")
    return mark["above"] == f"volume ×{volume}" or title.startswith("ROC")
