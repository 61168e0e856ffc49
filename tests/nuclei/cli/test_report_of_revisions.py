"""The page of `dvc plots diff`, as a browser without a network draws it."""

from statistics import mean

import by_hand
import pandas as pd
import pytest
import yaml
from commands import NUCLEI, clone, run
from examples import scored
from pages import cells, chart_of, drawn, opener, points, stands_below_its_header, tables_of

from nuclei.core import files
from nuclei.statistics.dose import doses

NEW = {"Answer", "Macro AUC, difference from no augmentation"}
pytestmark = pytest.mark.slow
BY_ARM = ("Macro AUC, difference from no augmentation", "Macro AUC by augmentation")


@pytest.fixture(scope="module")
def open_page():
    with opener() as opened:
        yield opened


@pytest.fixture(scope="module")
def evaluated(tmp_path_factory):
    """A study whose tag `noise` has another augmentation in the place of one."""
    folder = tmp_path_factory.mktemp("evaluated")
    study = by_hand.evaluated(folder / "study", ["none", "invert+flip"])
    noise = by_hand.evaluated(folder / "noise", ["none", "noise+flip"])
    run(study, "git", "fetch", "--quiet", str(noise), "HEAD")
    run(study, "git", "tag", "noise", "FETCH_HEAD")
    return study


def _compare(study, open_page, *revisions):
    run(study, *NUCLEI, "report")
    said = run(study, "dvc", "plots", "diff", *revisions, "--out", "comparison")
    assert "failed" not in said
    return open_page(study / "comparison" / "index.html")


@pytest.fixture(scope="module")
def compared(evaluated, open_page):
    return _compare(evaluated, open_page, "HEAD", "noise")


@pytest.fixture(scope="module")
def queued(evaluated, open_page, tmp_path_factory):
    """Two experiments, each of which adds one strength to the study's own, compared."""
    own = clone(evaluated, tmp_path_factory.mktemp("queued") / "study")
    for strength in ("18", "90"):
        scores = scored(
            "none", "rotation", f"rotation-{strength}", volumes=(0.5, 1.0, float("inf"))
        )
        files.write_csv(own / "plots/dose.csv", doses(*scores), digits=4)
        run(own, "git", "commit", "--all", "--quiet", "-m", "Try another strength")
        run(own, "git", "tag", f"by-{strength}")
    return _compare(own, open_page, "by-18", "by-90")


@pytest.fixture(scope="module")
def aged(evaluated, open_page, tmp_path_factory):
    """The study, compared to a revision of before there were answers."""
    own = clone(evaluated, tmp_path_factory.mktemp("aged") / "study")
    pipeline = yaml.safe_load((own / "dvc.yaml").read_text(encoding="utf-8"))
    pipeline["plots"] = [plot for plot in pipeline["plots"] if NEW.isdisjoint(plot)]
    (own / "dvc.yaml").write_text(yaml.safe_dump(pipeline, sort_keys=False), encoding="utf-8")
    for gone in ("answer", "forest"):
        (own / f"plots/{gone}.csv").unlink()
    for path in (own / "plots").glob("*.csv"):
        table = pd.read_csv(path).drop(columns="asked", errors="ignore")
        table.to_csv(path, index=False)
    run(own, "git", "commit", "--all", "--quiet", "-m", "Be older")
    run(own, "git", "tag", "old")
    return _compare(own, open_page, "old", "HEAD~1")


def test_a_comparison_shows_every_arm_of_both_revisions(evaluated, compared):
    tables = tables_of(evaluated)
    assert [chart["title"] for chart in compared.charts] == list(tables)
    for chart in compared.charts:
        table = tables[chart["title"]]
        other = table.replace({"aug": {"invert+flip": "noise+flip"}})
        assert drawn(chart) == cells(table, "HEAD") | cells(other, "noise"), chart["title"]


def test_each_revision_answers_under_its_name(evaluated, compared):
    words = chart_of(compared, "Answer")["words"]
    own = pd.read_csv(evaluated / "plots/answer.csv")["text"].tolist()
    assert words[: len(own) + 3] == ["HEAD", *own, "", "noise"]
    assert "noise+flip" in " ".join(words[len(own) + 3 :])


def test_a_revision_of_before_there_were_answers_can_be_compared(aged):
    assert chart_of(aged, "Answer")["words"][0] == "HEAD~1"
    for title in BY_ARM:
        assert chart_of(aged, title)["legends"] == ["revision"]
    assert {rev for *_, rev in drawn(chart_of(aged, BY_ARM[0]))} == {"HEAD~1"}
    assert {rev for *_, rev in drawn(chart_of(aged, BY_ARM[1]))} == {"HEAD~1", "old"}


def test_every_chart_of_arms_tells_revisions_apart_once(compared):
    legends = {chart["title"]: chart["legends"].count("revision") for chart in compared.charts}
    told = {"Answer": 0, "Confusion": 0}  # by names above, and at the left
    assert legends == {title: told.get(title, 1) for title in legends}


@pytest.mark.parametrize("title", BY_ARM)
def test_points_of_an_arm_are_centred_on_its_tick(queued, title):
    found = chart_of(queued, title)
    for label in found["labels"]:
        heights = [
            mark["y"]
            for mark in points(found)
            if label["text"] in (mark["aug"], f"▸ {mark['aug']}")
        ]
        if heights:
            assert mean(heights) == pytest.approx(label["y"], abs=1.5)
            assert max(heights) - min(heights) > 5


def test_points_of_revisions_over_volume_stand_side_by_side(queued):
    found = points(chart_of(queued, "Macro AUC over volume"))
    assert len({round(mark["x"], 1) for mark in found}) == len(found)


def test_the_strengths_of_several_experiments_stand_in_one_chart(queued):
    marks = points(chart_of(queued, "Macro AUC over strength"))
    assert sorted((mark["rev"], mark["volume"], mark["aug"]) for mark in marks) == [
        (f"by-{strength}", volume, aug)
        for strength in ("18", "90")
        for volume in ("0.5", "1", "inf")
        for aug in ("rotation", f"rotation-{strength}")
    ]


@pytest.mark.parametrize("page", ["compared", "queued", "aged"])
def test_a_mark_stands_below_its_own_header(page, request):
    for chart in request.getfixturevalue(page).charts:
        assert all(stands_below_its_header(mark, chart["title"]) for mark in chart["marks"])


@pytest.mark.parametrize("page", ["compared", "queued", "aged"])
def test_the_pictures_of_the_workspace_are_not_those_of_other_revisions(page, request):
    assert request.getfixturevalue(page).pictures == []


@pytest.mark.parametrize("page", ["compared", "queued", "aged"])
def test_nothing_is_fetched_and_the_console_is_silent(page, request):
    _, *others = request.getfixturevalue(page).events
    assert all(event.startswith("file://") for event in others), others
