"""The page of `nuclei report`, as a browser without a network draws it."""

import re
from itertools import groupby, product
from statistics import mean

import by_hand
import pandas as pd
import pytest
from commands import NUCLEI, clone, run
from examples import scored
from pages import cells, chart_of, drawn, opener, points, stands_below_its_header, tables_of

from nuclei.core import files
from nuclei.core.classes import CLASSES
from nuclei.report import document
from nuclei.statistics.dose import doses

DIFFERENCES = "Macro AUC, difference from no augmentation"
STRENGTHS = "Macro AUC over strength"


@pytest.fixture(scope="module")
def open_page():
    with opener() as opened:
        yield opened


@pytest.fixture(scope="module")
def evaluated(tmp_path_factory):
    return by_hand.evaluated(tmp_path_factory.mktemp("evaluated"), ["none", "invert+flip"])


def _show(study, open_page):
    told = run(study, *NUCLEI, "report")
    page = study / "dvc_plots" / "index.html"
    assert "failed" not in told and page.as_uri() in told
    return open_page(page)


@pytest.fixture(scope="module")
def shown(evaluated, open_page):
    return _show(evaluated, open_page)


@pytest.fixture(scope="module")
def dosed(evaluated, open_page, tmp_path_factory):
    """A study that holds four strengths of one operation, and that is asked for one of them."""
    own = clone(evaluated, tmp_path_factory.mktemp("dosed") / "study")
    augs = ("rotation-18", "rotation", "rotation-90", "rotation-180")
    table = doses(*scored("none", *augs, volumes=(0.5, 1.0, float("inf"))))
    files.write_csv(own / "plots/dose.csv", table, digits=4)
    # The table rounds: a p of 0.04996 is significant and stands there as 0.05.
    p_values = {"rotation-18": 0.2, "rotation": 0.05, "rotation-90": 0.01, "rotation-180": ""}
    significant = dict.fromkeys(p_values, False) | {"rotation": True, "rotation-90": True}
    rows = [
        (aug, volume, place / 100, 0, 0.05, p_values[aug], significant[aug], "better")
        for place, (aug, volume) in enumerate(product(p_values, ("all", "0.5", "1", "inf")))
    ]
    names = ["aug", "volume", "difference", "low", "high", "p_holm", "significant", "verdict"]
    forest = pd.DataFrame(rows, columns=names)
    forest = forest.assign(asked=forest["aug"] == "rotation-90")
    forest.to_csv(own / "plots/forest.csv", index=False)
    return _show(own, open_page)


def test_every_chart_shows_every_arm_at_every_volume(evaluated, shown):
    tables = tables_of(evaluated)
    assert [chart["title"] for chart in shown.charts] == list(tables)
    for chart in shown.charts:
        assert drawn(chart) == cells(tables[chart["title"]], "workspace"), chart["title"]


def test_the_page_opens_with_the_answer_as_a_paragraph(evaluated, shown):
    answer, differences, *_ = shown.charts
    assert answer["title"] == "Answer"
    assert answer["words"] == pd.read_csv(evaluated / "plots/answer.csv")["text"].tolist()
    assert not answer["labels"]
    assert answer["top"] < shown.guide < differences["top"]


def test_differences_stand_before_scores(shown):
    titles = [chart["title"] for chart in shown.charts]
    assert titles.index(DIFFERENCES) < titles.index("Macro AUC by augmentation")


def test_differences_are_drawn_of_every_arm_at_every_volume_and_at_all(evaluated, shown):
    table = pd.read_csv(evaluated / "plots/forest.csv", dtype={"volume": str})
    assert set(table["volume"]) == {"all", "0.5", "1", "inf"}
    found = {
        (mark["aug"], mark["volume"], mark["above"])
        for mark in points(chart_of(shown, DIFFERENCES))
    }
    headers = {"all": "all volumes", "0.5": "volume ×0.5", "1": "volume ×1", "inf": "volume ×∞"}
    assert found == {(aug, volume, headers[volume]) for aug, volume, _ in cells(table, None)}


def test_a_difference_from_none_is_filled(dosed):
    found = {(mark["aug"], mark["fill"]) for mark in points(chart_of(dosed, DIFFERENCES))}
    assert found == {
        ("rotation-18", "white"),
        ("rotation", "black"),
        ("rotation-90", "black"),
        ("rotation-180", "white"),  # its p is not known
    }


def test_the_arm_that_was_asked_for_stands_out_among_differences(dosed):
    found = chart_of(dosed, DIFFERENCES)
    bold = {label["text"] for label in found["labels"] if label["bold"]}
    assert bold == {"▸ rotation-90"}
    asked, others = (
        [mark["thick"] for mark in points(found) if (mark["aug"] == "rotation-90") is is_asked]
        for is_asked in (True, False)
    )
    assert min(asked) > max(others)


@pytest.mark.parametrize(
    ("title", "kind"),
    [
        ("Macro AUC by augmentation", "symbol"),
        ("Macro AUC over volume", "line"),
        ("ROC, each class against the rest", "line"),
    ],
)
def test_the_arm_that_was_asked_for_stands_out_without_its_colour(shown, title, kind):
    marks = [mark for mark in chart_of(shown, title)["marks"] if mark["kind"] == kind]
    thick = {
        aug: {mark["thick"] for mark in marks if mark["aug"] == aug}
        for aug in ("none", "invert+flip")
    }
    assert min(thick["invert+flip"]) > max(thick["none"])


def test_the_matrices_of_the_arm_that_was_asked_for_are_framed(shown):
    frames = [mark for mark in chart_of(shown, "Confusion")["marks"] if mark["thick"] == 3]
    assert [(mark["aug"], mark["volume"]) for mark in frames] == [("invert+flip", "1")]


def test_points_of_one_revision_stand_at_the_tick_of_their_arm(dosed):
    for title in (DIFFERENCES, "Macro AUC by augmentation"):
        found = chart_of(dosed, title)
        heights = {label["text"].removeprefix("▸ "): label["y"] for label in found["labels"]}
        for mark in points(found):
            assert mark["y"] == pytest.approx(heights[mark["aug"]], abs=1.5), title


def test_points_of_a_volume_are_centred_on_its_tick(shown):
    found = chart_of(shown, "Macro AUC over volume")
    ticks = {label["text"]: label["x"] for label in found["labels"]}
    for volume in ("0.5", "1", "inf"):
        places = [mark["x"] for mark in points(found) if mark["volume"] == volume]
        assert mean(places) == pytest.approx(ticks["×" + volume.replace("inf", "∞")], abs=1.5)


def test_every_panel_of_roc_has_its_diagonal_below_the_curves(shown):
    marks = chart_of(shown, "ROC, each class against the rest")["marks"]
    assert [kind for kind, _ in groupby(mark["kind"] for mark in marks)] == ["rule", "line"] * len(
        CLASSES
    )
    assert all(mark["rise"] == pytest.approx(1) for mark in marks if mark["kind"] == "rule")


def test_one_revision_needs_no_legend(shown):
    assert not [chart["title"] for chart in shown.charts if "revision" in chart["legends"]]


@pytest.mark.parametrize("kind", ["symbol", "rule", "line"])
def test_every_strength_has_a_point_and_an_interval_at_every_volume(dosed, kind):
    augs = ["rotation", "rotation-18", "rotation-180", "rotation-90"]
    marks = [mark for mark in chart_of(dosed, STRENGTHS)["marks"] if mark["kind"] == kind]
    assert sorted((mark["volume"], mark["aug"]) for mark in marks) == list(
        product(("0.5", "1", "inf"), augs)
    )


def test_a_study_without_strengths_to_compare_has_no_chart_of_them(evaluated, shown):
    assert pd.read_csv(evaluated / "plots/dose.csv").empty
    assert STRENGTHS not in [chart["title"] for chart in shown.charts]


@pytest.mark.parametrize("page", ["shown", "dosed"])
def test_a_mark_stands_below_its_own_header(page, request):
    for chart in request.getfixturevalue(page).charts:
        assert all(stands_below_its_header(mark, chart["title"]) for mark in chart["marks"])


@pytest.mark.parametrize("page", ["shown", "dosed"])
def test_the_page_is_no_wider_than_its_window(page, request):
    assert request.getfixturevalue(page).width <= 1280


@pytest.mark.parametrize("page", ["shown", "dosed"])
def test_nothing_but_pictures_is_fetched_and_the_console_is_silent(page, request):
    first, *others = request.getfixturevalue(page).events
    assert first.endswith("/index.html")
    assert all(
        re.fullmatch(r"file://.*/plots/figures/nuclei-[a-z-]+\.png", event) for event in others
    )


def test_every_picture_of_nuclei_is_shown_with_its_words(evaluated, shown):
    there = {f"figures/{path.name}" for path in (evaluated / "plots/figures").glob("nuclei-*.png")}
    assert "figures/nuclei-wrong.png" in there
    assert {picture["name"] for picture in shown.pictures if picture["drawn"]} == there
    assert document.CAPTIONS["wrong"] in [picture["text"] for picture in shown.pictures]


def test_of_real_nuclei_what_git_ignores_is_shown_and_one_that_has_gone_is_left_out(
    evaluated, open_page, tmp_path
):
    own = clone(evaluated, tmp_path / "study")
    wrong = own / "plots/figures/nuclei-wrong.png"
    (own / "plots/tissue").mkdir()
    wrong.rename(own / "plots/tissue/nuclei-wrong.png")
    gone = own / "plots/tissue/nuclei-disagreed.png"
    gone.write_bytes(b"")
    params = own / "params.yaml"
    simulated = params.read_text(encoding="utf-8")
    params.write_text(simulated.replace("data: simulated", "data: mine"), encoding="utf-8")
    run(own, *NUCLEI, "report")
    gone.unlink()
    pictures = open_page(own / "dvc_plots" / "index.html").pictures
    # And none of the simulated nuclei that are still in plots/figures.
    assert [picture["name"] for picture in pictures] == ["tissue/nuclei-wrong.png"]
    assert pictures[0]["drawn"]


def test_the_page_keeps_the_licences_of_what_it_holds(evaluated, shown):
    page = (evaluated / "dvc_plots" / "index.html").read_text(encoding="utf-8")
    assert "University of Washington Interactive Data Lab" in page


def test_a_fresh_clone_gets_a_page_without_nuclei_report_and_stays_unmodified(evaluated, tmp_path):
    own = clone(evaluated, tmp_path / "study")
    told = run(own, "dvc", "plots", "show")
    assert "failed" not in told
    assert "vegaEmbed('#" in (own / "dvc_plots" / "index.html").read_text(encoding="utf-8")
    assert run(own, "git", "status", "--porcelain") == ""
