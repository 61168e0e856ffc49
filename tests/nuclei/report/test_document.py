from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from nuclei.classes import CLASSES
from nuclei.params.section import parse
from nuclei.params.study import StudyParams
from nuclei.report import document
from nuclei.statistics import claims, rules

SETTINGS = yaml.safe_load((Path(__file__).parents[3] / "params.yaml").read_text(encoding="utf-8"))
ROWS = pd.DataFrame({"label": ["TIL", "tumor"], "patient": ["P1", "P2"], "site": "A1"})
SPLITS = dict.fromkeys(["train", "validation", "test"], ROWS)
USED = pd.DataFrame({"volume": [0.5, 0.5, 1.0, 1.0], "device": "CPU", "nuclei": [5, 5, 10, 10]})
CELLS = [(aug, volume) for aug in ("none", "flip") for volume in (1.0, 0.5)]


def tables():
    """A study in which flip is better than none by 0.05 at either volume."""
    cells = pd.DataFrame(CELLS, columns=["aug", "volume"]).assign(log_loss=0.7, ece=0.04)
    for name in ("macro_auc", "accuracy"):
        cells[name] = np.where(cells["aug"] == "flip", 0.75, 0.7) + cells["volume"] / 10
        cells[f"{name}_low"], cells[f"{name}_high"] = cells[name] - 0.02, cells[name] + 0.02
    gaps = pd.DataFrame(
        {"aug": "flip", "volume": volume, "metric": metric, "difference": 0.05}
        | {"low": 0.01, "high": 0.09, "p_holm": 0.012}
        for volume in (1.0, 0.5)
        for metric in ("macro_auc", "accuracy")
    )
    gains = {"aug": "none", "smaller": 0.5, "larger": 1.0, "gain": 0.05, "low": 0.0, "high": 0.1}
    sites = pd.DataFrame(
        {"aug": aug, "volume": volume, "site": site, "patients": 2, "nuclei": 9}
        | {"classes": "TIL tumor" if site == "A1" else "TIL"}
        | {"macro_auc": 0.81 if site == "A1" else np.nan}
        for aug, volume in CELLS
        for site in ("A1", "B2")
    )
    classes = pd.DataFrame(
        {"aug": aug, "volume": volume, "class": name}
        | {f"{score}{end}": 0.5 for score in ("auc", "recall") for end in ("", "_low", "_high")}
        for aug, volume in CELLS
        for name in CLASSES
    )
    claim = {"claim": "1", "said": "invert wins", "about": "macro AUC", "estimate": 0.02}
    claim |= {"low": -0.01, "high": 0.05, "margin": 0.01, "rule": "better", "verdict": "undecided"}
    missing = {"claim": "2", "rule": "worse", "margin": 0.01, "verdict": claims.NOT_JUDGED}
    return {
        "cells": cells,
        "differences": gaps,
        "volumes": pd.DataFrame([gains | {"verdict": "undecided", "a": np.nan}]),
        "sites": sites,
        "classes": classes,
        "claims": pd.DataFrame([claim, missing]),
    }


def page(made=None, floor=0.8, **changed):
    chosen = parse(StudyParams, SETTINGS | {"aug": "flip", "volume": 1} | changed)
    return document.report(chosen, SPLITS, {}, made or tables(), USED, floor, "abc123")


def section(text, title):
    return text.split(f"## {title}", 1)[1].split("\n## ")[0]


def test_the_page_leads_with_the_experiment_and_its_difference():
    lead = page().splitlines()[2]
    assert "`flip` at volume ×1" in lead
    assert "macro AUC 0.850 (0.830 to 0.870)" in lead
    assert "macro AUC +0.050 (+0.010 to +0.090), p 0.012; accuracy +0.050" in lead
    assert "size alone: macro AUC 0.800" in lead


def test_none_is_not_compared_with_itself():
    assert "Against" not in page(aug="none")


def test_a_data_set_without_sizes_has_no_floor():
    assert "size alone" not in page(floor=None)


@pytest.mark.parametrize(("data", "said"), [("simulated", True), ("nucls", False)])
def test_simulated_nuclei_are_called_so(data, said):
    text = page(data=data)
    assert ("simulated: nothing here is a finding" in text) == said
    assert ("This is a simulation" in section(text, "The 2022 notebook's claims")) == said


def test_one_repeat_is_said_to_leave_the_seed_out():
    assert "of the 3 repeats" in page()
    one = page(train=SETTINGS["train"] | {"repeats": 1})
    assert "unknown from one repeat" in one
    assert "of the 1 repeats" not in one


def test_arms_stand_by_volume_in_the_order_of_the_matrix():
    text = page()
    assert text.index("### Volume ×0.5") < text.index("### Volume ×1")
    table = text[text.index("### Volume ×0.5") : text.index("### Volume ×1")]
    assert table.index("| none ") < table.index("| flip ")
    flip = next(line for line in table.splitlines() if line.startswith("| flip"))
    assert "0.800 (0.780 to 0.820)" in flip
    assert "+0.050 (+0.010 to +0.090)" in flip


def test_figures_are_embedded_by_relative_links():
    text = page()
    names = ["forest", "accuracy-volume", "macro-auc-volume", "reliability", "roc", "confusion"]
    names += [f"{name}-x{volume}" for name in ("accuracy", "loss") for volume in ("0.5", "1")]
    for name in [*names, "curves", "contact-none", "contact-flip"]:
        assert f"](figures/{name}.png)" in text


def test_a_study_without_differences_has_no_forest():
    made = tables()
    made["differences"] = made["differences"].iloc[:0]
    assert "forest.png" not in page(made, aug="none")
    assert "no arm to compare" in page(made, aug="none")


def test_claims_stand_with_their_verdict_and_the_rule_in_words():
    claim = section(page(), "The 2022 notebook's claims")
    row = next(line for line in claim.splitlines() if "invert wins" in line)
    assert "+0.020 (−0.010 to +0.050)" in row
    assert "**undecided**" in row
    assert "**not judged**" in claim
    assert f"- *better*: {rules.BETTER.text}" in claim


def test_every_rule_of_a_claim_has_words():
    for claim in claims.CLAIMS:
        assert rules.RULES[claim.rule.name] is claim.rule
        assert claim.rule.text


def test_a_site_with_one_class_is_named_as_left_out():
    text = section(page(), "Hospitals, volume ×1")
    assert "Left out, with one class: B2." in text
    row = next(line for line in text.splitlines() if line.startswith("| B2"))
    assert row.split("|")[-3:-1] == [" –      ", " –      "]


def test_fits_are_shown_where_there_are_any():
    made = tables()
    assert "fit" not in section(page(made), "Training volume")
    made["volumes"] = made["volumes"].assign(a=0.9, b=-0.05, c=0.8)
    assert "0.900 −0.050 · volume^−0.80" in section(page(made), "Training volume")


def test_the_page_names_the_predictions_it_is_about():
    assert "4 files" in page()
    assert "`abc123`" in page()


def test_the_terminal_table_has_a_line_per_arm_and_fits():
    lines = document.terminal(tables()["cells"]).splitlines()
    assert [line.split()[0] for line in lines[-2:]] == ["none", "flip"]
    assert lines[-1].split()[1:] == ["0.800", "0.850", "0.800", "0.850"]
    assert max(map(len, lines)) <= 100
