"""What the pages say, held against the files that it is about."""

import importlib
import json
import re
import shutil

import pandas as pd
import pytest
import yaml
from click.testing import CliRunner
from commands import ROOT

from nuclei.cli.main import main
from nuclei.report import tables
from nuclei.report.markdown import change, interval

README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "data/README.md")]
PAGES += sorted((ROOT / "docs").glob("*.md"))


def test_the_model_with_a_name_is_of_the_cell_that_validation_prefers():
    knobs = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    chosen = tables.chosen_by_validation(pd.read_csv(ROOT / "plots/checkpoints.csv"))
    assert (knobs["aug"], knobs["volume"]) == chosen
    assert f"--model models/{chosen[0]}/x{chosen[1]:g} " in README
    asked = pd.read_csv(ROOT / "plots/augmentations.csv").query("asked")["aug"]
    assert asked.tolist() == [chosen[0]]


def test_what_pages_set_stands_in_params_yaml_or_takes_a_plus():
    params = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    keys, pluses = {*pd.json_normalize(params)}, []
    for page in PAGES:
        for plus, key in re.findall(r"-S '?(\+?)([a-z]\S*?)=", page.read_text(encoding="utf-8")):
            assert (key in keys) != bool(plus), f"{page.name}: -S {plus}{key}"
            pluses.append(plus)
    assert {*pluses} == {"", "+"}


def test_the_table_of_what_was_found_on_tissue_has_the_numbers_of_its_files():
    numbers = ROOT / "docs/numbers/brca-m2c"
    everyone, without = (
        pd.read_csv(numbers / name, index_col="aug")
        for name in ("augmentations.csv", "without-A7.csv")
    )
    rows = re.findall(r"^\| ([a-z+]+) \| ([^|]*) \| ([^|]*) \|$", README, re.MULTILINE)[1:]
    assert len(rows) == 6
    for aug, *cells in rows:
        for cell, table in zip(cells, (everyone, without), strict=True):
            row = table.loc[aug]
            assert cell == f"{change(row, 'difference')}, {row['verdict']}"


def test_the_page_of_the_simulator_has_the_tables_of_what_was_recorded(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    page = (ROOT / "docs/simulator.md").read_text(encoding="utf-8")
    for name in ("stains", "seeds"):
        benchmark = importlib.import_module(name)
        assert f"\n\n{benchmark.table(benchmark.results.read()[name])}\n\n" in page


def test_the_committed_study_is_that_of_the_first_seed_of_the_table():
    recorded = json.loads((ROOT / "benchmarks/results.json").read_text(encoding="utf-8"))["seeds"]
    study = pd.read_csv(ROOT / "plots/augmentations.csv", index_col="aug").drop("none")
    assert study["verdict"].to_dict() == {
        aug: row["verdict"] for aug, row in recorded["seed 1"].items() if aug in study.index
    }


def test_the_page_about_the_swapped_channels_has_the_numbers_of_its_file():
    page = (ROOT / "docs/brca-m2c.md").read_text(encoding="utf-8")
    found = pd.read_csv(ROOT / "docs/numbers/brca-m2c-channels.csv")
    assert len(found) == 6
    for aug, rows in found.groupby("aug"):
        cells = [aug]
        for _, row in rows.sort_values("metric", ascending=False).iterrows():
            cells += [interval(row, "score"), change(row, "difference")]
        assert f"| {' | '.join(cells)} |" in page


def test_the_edit_of_dvc_yaml_adds_its_arms_to_both_stages(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("dvc.yaml", "params.yaml"):
        shutil.copy(ROOT / name, tmp_path)
    now = (tmp_path / "dvc.yaml").read_text(encoding="utf-8")
    page = (ROOT / "docs/experiments.md").read_text(encoding="utf-8")
    (words,) = re.findall(r"^nuclei (add .*?) +#", page, re.MULTILINE)
    assert CliRunner().invoke(main, words.split()).exit_code == 0
    edited = (tmp_path / "dvc.yaml").read_text(encoding="utf-8")
    before, after = (yaml.safe_load(text)["stages"] for text in (now, edited))
    *arms, asked = before["augment"]["matrix"]["aug"]
    for stage in ("augment", "train"):
        assert after[stage]["matrix"]["aug"] == [*arms, "stain", "stain+flip", asked]
    for sign, text in (("-", now), ("+", edited)):
        (shown,) = re.findall(rf"^\{sign}( +\[none.*)$", page, re.MULTILINE)
        assert shown in text.splitlines()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_setting_that_a_page_gives_to_dvc_is_in_params_yaml(page):
    params = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    for name in re.findall(r"-S '?([a-z0-9_.]+)=", page.read_text(encoding="utf-8")):
        section = params
        for key in name.split("."):
            assert key in section, name
            section = section[key]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_target_that_a_page_names_is_one_that_make_help_lists(page):
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):.*## ", makefile, re.MULTILINE))
    named = re.findall(r"(?:^|`)make ([a-z-]+)", page.read_text(encoding="utf-8"), re.MULTILINE)
    assert set(named) <= targets


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_nuclei_command_that_a_page_gives_has_those_words(page):
    text = page.read_text(encoding="utf-8")
    blocks = "".join(text.split("```")[1::2])
    typed = re.findall(r"^nuclei (.*?)(?: +#.*)?$", blocks, re.MULTILINE)
    typed += [words for words in re.findall(r"`nuclei ([^`]+)`", text) if words[0] != "-"]
    for name, *words in map(str.split, typed):
        if words and words[-1] != "--scheduler":  # in prose, an option may stand alone
            main.commands[name].make_context(name, words)
        assert name in main.commands


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_place_that_a_page_links_to_is_there(page):
    for link in re.findall(r"\]\(([^)]+)\)", page.read_text(encoding="utf-8")):
        if "://" in link:
            continue
        name, _, heading = link.partition("#")
        place = page.parent / name if name else page
        assert place.exists(), link
        if heading:
            assert heading in _anchors(place.read_text(encoding="utf-8")), link


def _anchors(text: str) -> list[str]:
    """The names that GitHub gives to headings."""
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return [re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings]
