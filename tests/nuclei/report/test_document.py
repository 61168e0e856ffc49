from pathlib import Path

from nuclei.pipeline.params import StudyParams

import numpy as np
import pandas as pd
import pytest
import yaml
from examples import predictions, scored

from nuclei.core.classes import CLASSES
from nuclei.core.folds import SPLITS
from nuclei.core.params import parse
from nuclei.report import document
from nuclei.statistics import claims, rules
from nuclei.statistics.dose import doses

SETTINGS = yaml.safe_load((Path(__file__).parents[3] / "params.yaml").read_text(encoding="utf-8"))
TESTED = predictions(patients=(5, 3)).tested
COUNTED = dict.fromkeys(CLASSES, 3) | {"nuclei": 9, "patients": 2, "sites": 1}
SUMMARY = {"folds": {fold: dict.fromkeys(SPLITS, COUNTED) for fold in ("1", "2")}}
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
        {"aug": aug, "volume": volume, "site": site, "fold": fold, "patients": 2, "nuclei": 9}
        | {"classes": "TIL tumor" if site == "A1" else "TIL"}
        | {"macro_auc": 0.81 if site == "A1" else np.nan}
        for aug, volume in CELLS
        for site, fold in (("A1", 1), ("B2", 2), ("A1", 2))
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
    ends = [(*cell, repeat, 5 + repeat, 20) for cell in CELLS for repeat in range(3)]
    ends = pd.DataFrame(ends, columns=["aug", "volume", "repeat", "updates", "of"])
    arms = pd.DataFrame({"aug": ["none", "flip"], "asked": [False, True], "share": [0.1, 0.9]})
    arms = arms.assign(may_be_best=[False, True], verdict=["", "better"], p_holm=[np.nan, 0.012])
    for name in ("difference", "log_loss", "overconfidence", "lead"):
        prefix = "" if name == "difference" else f"{name}_"
        arms[name], arms[f"{prefix}low"], arms[f"{prefix}high"] = 0.05, 0.01, 0.09
    arms.loc[0, "difference"] = np.nan
    power = {"of": "arm", "comparison": "flip − none", "verdict": "better"}
    power |= {"estimate": 0.05, "target": 0.01}
    power |= {"se_patients": 0.004, "se_repeats": 0.002, "found": 0.013}
    power |= {"patients": np.inf, "patients_more": 1234.0}
    nuclei = {"sheet": ["wrong", "disagreed"], "label": "TIL"}
    overall = gaps[gaps["metric"] == "macro_auc"].assign(volume=["all", "0.5"])
    return {
        "configurations": cells,
        "checkpoints": ends.assign(validation_loss=np.where(ends["aug"] == "flip", 0.4, 0.5)),
        "forest": overall,
        "augmentations": arms,
        "power": pd.DataFrame([power]),
        "nuclei": pd.DataFrame(nuclei),
        "differences": gaps,
        "dose": doses(*scored("none", "rotation")),
        "volumes": pd.DataFrame([gains | {"verdict": "undecided", "a": np.nan}]),
        "sites": sites,
        "classes": classes,
        "claims": pd.DataFrame([claim, missing]),
    }


def page(made=None, floor=0.8, shared=None, tested=TESTED, **changed):
    chosen = parse(StudyParams, SETTINGS | {"aug": "flip", "volume": 1} | changed)
    summary = SUMMARY | {"dropped": {"point": 5}}
    made = made or tables()
    said = ["`flip` looks best.", "Two patients."]
    shared = shared or {}
    return document.report(chosen, said, tested, shared, summary, made, USED, floor, "abc123")


def section(text, title):
    return text.split(f"## {title}", 1)[1].split("\n## ")[0]


def test_the_page_leads_with_the_answer_then_cautions_then_the_forest():
    lines = [line for line in page().splitlines() if line]
    assert lines[1] == "`flip` looks best. Two patients."
    assert lines[2] == "Read with care:"
    assert lines[3].startswith("- **Few patients**: 8 were tested.")
    after = next(line for line in lines[3:] if not line.startswith("- "))
    assert after == "![forest](figures/forest.png)"


def test_every_arm_has_its_verdict_and_the_arms_stand_against_each_other():
    verdicts = section(page(), "Every arm against no augmentation")
    row = next(line for line in verdicts.splitlines() if line.startswith("| **flip**"))
    assert [cell.strip() for cell in row.split("|")[2:5]] == [
        *("+0.050 (+0.010 to +0.090)", "0.012", "**better**"),
    ]
    assert "| none" not in verdicts
    standing = section(page(), "The arms against each other")
    row = next(line for line in standing.splitlines() if line.startswith("| **flip**"))
    assert [cell.strip() for cell in row.split("|")[3:5]] == ["yes", "90 %"]
    assert "| none" in standing


def test_what_would_decide_the_rest_is_told_in_patients():
    part = section(page(), "What would decide the rest")
    assert "With 8 patients and 2 repeats, this study finds a true difference" in part
    assert "of 0.013 to 0.013, depending" in part
    assert "No comparison is undecided." in part
    made = tables()
    made["power"] = made["power"].assign(verdict="undecided")
    part = section(page(made), "What would decide the rest")
    row = next(line for line in part.splitlines() if line.startswith("| flip − none"))
    assert [cell.strip() for cell in row.split("|")[-3:-1]] == ["not with so few repeats", "1,234"]
    made["power"] = made["power"].assign(patients=12.0)
    assert "| fewer than 30 " in page(made)


def test_the_need_of_a_study_of_one_repeat_has_one_column_and_says_what_it_leaves_out():
    made = tables()
    made["power"] = made["power"].assign(verdict="undecided", patients=99.0)
    one = page(made, train=SETTINGS["train"] | {"repeats": 1})
    part = section(one, "What would decide the rest")
    assert "patients, 1 repeat " in part and "10 repeats" not in part
    assert "One repeat cannot tell that noise" in part


@pytest.mark.parametrize(("data", "folder"), [("simulated", "figures"), ("nucls", "tissue")])
def test_pictures_of_real_nuclei_lie_where_git_does_not_look(data, folder):
    text = page(data=data)
    for name in ("nuclei-wrong", "nuclei-disagreed", "contact-flip"):
        assert f"]({folder}/{name}.png)" in text
    assert "nuclei-best-alone" not in text
    assert "](figures/forest.png)" in text


def test_claims_and_settings_come_last():
    titles = [line for line in page().splitlines() if line.startswith("## ")]
    assert titles[-3:] == ["## The 2022 notebook's claims", "## Params", "## What was used"]


def test_the_arm_that_was_asked_for_stands_with_its_difference_and_what_validation_prefers():
    lead = section(page(), "The arm that was asked for")
    assert "`flip` at volume ×1" in lead
    assert "macro AUC 0.850 (0.830 to 0.870)" in lead
    assert "macro AUC +0.050 (+0.010 to +0.090), p 0.012; accuracy +0.050" in lead
    assert "size alone: macro AUC 0.800" in lead
    assert "prefers `flip` at volume ×0.5" in lead


def test_none_is_not_compared_with_itself():
    assert "Against" not in page(aug="none")


def test_a_data_set_without_sizes_has_no_floor():
    assert "size alone" not in page(floor=None)


@pytest.mark.parametrize(("data", "said"), [("simulated", True), ("nucls", False)])
def test_claims_on_simulated_nuclei_are_called_so(data, said):
    text = page(data=data)
    assert ("This is a simulation" in section(text, "The 2022 notebook's claims")) == said


def test_one_repeat_is_said_to_leave_the_seed_out():
    assert "of the 2 repeats" in page(train=SETTINGS["train"] | {"repeats": 2})
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
    for name in [*names, "curves", "ends", "contact-none", "contact-flip"]:
        assert f"](figures/{name}.png)" in text


def test_a_study_without_differences_has_no_forest():
    made = tables()
    made["differences"], made["forest"] = made["differences"].iloc[:0], made["forest"].iloc[:0]
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


def test_the_data_are_counted_by_fold_and_what_was_dropped_is_told():
    data = section(page(), "Data")
    lines = [line.split("|")[1:3] for line in data.splitlines() if line.startswith("|")]
    assert [[word.strip() for word in line] for line in lines[2:]] == [
        [fold, split] for fold in ("1", "2") for split in SPLITS
    ]
    assert "Dropped: 5 point." in data


@pytest.mark.parametrize(
    ("patients", "said", "unsaid"),
    [
        ((8,), "Scores on the nuclei of 8 test patients", "folds"),
        ((5, 3), "Each of 8 patients is tested once, by networks trained", "test patients"),
        ((5, 3), "within each of 2 folds", "test patients"),
    ],
)
def test_the_method_says_whether_folds_take_turns(patients, said, unsaid):
    method = section(page(tested=predictions(patients=patients).tested), "The arms at each volume")
    first = method.split("; means over repeats")[0]
    assert said in first and unsaid not in first


@pytest.mark.parametrize(
    ("order", "more", "half"),
    [
        ("nuclei", "more nuclei of the same patients", "a balanced half of the nuclei."),
        ("patients", "more whole patients", "the nuclei of half of the patients."),
    ],
)
def test_what_a_volume_below_1_halves_is_told_alike_everywhere(order, more, half):
    text = page(prepare=SETTINGS["prepare"] | {"order": order})
    assert f"Up to ×1, more volume is {more};" in section(text, "Training volume")
    assert f"×0.5: {half}" in text.split("## Every arm")[0]


def test_what_was_kept_of_a_training_is_told():
    assert "where its loss there was lowest" in section(page(), "Training\n")
    last = page(train=SETTINGS["train"] | {"checkpoint": "last"})
    assert "as it was after all its updates" in section(last, "Training\n")


@pytest.mark.parametrize(("end", "said"), [("best", True), ("last", False)])
def test_a_budget_can_only_be_too_short_where_the_best_point_is_kept(end, said):
    made = tables()
    made["checkpoints"] = made["checkpoints"].assign(updates=20)
    text = page(made, train=SETTINGS["train"] | {"checkpoint": end})
    assert ("Trainings too short" in text) == said
    assert ("best at the" in text) == said


def test_strengths_have_a_section_where_there_are_any():
    assert "## Strength" not in page()
    made = tables()
    made["dose"] = doses(*scored("none", "rotation", "rotation-90"))
    part = section(page(made), "Strength")
    assert "](figures/dose.png)" in part
    assert "| 90 degrees | rotation-90 " in part


def test_fresh_draws_are_a_volume_like_any_other():
    made = tables()
    for name in ("configurations", "differences", "sites", "classes", "checkpoints"):
        made[name] = made[name].replace({"volume": {0.5: np.inf}})
    made["volumes"] = made["volumes"].assign(larger=np.inf)
    text = page(made, volume="inf")
    assert "`flip` at volume ×∞" in section(text, "The arm that was asked for")
    assert text.index("### Volume ×1") < text.index("### Volume ×∞")
    assert "](figures/accuracy-xinf.png)" in text
    assert "## Hospitals, volume ×∞" in text
    assert "| ×0.5   | ×∞" in section(text, "Training volume")
    assert "×inf" not in text
    assert "×∞" in document.terminal(made["configurations"])


def test_what_crop_measures_stands_where_it_was_measured():
    made = tables()
    assert "What crop measures" not in page(made)
    gaps = {"difference": -0.05, "low": -0.08, "high": -0.02}
    scaled = {"scaled": 0.01, "scaled_low": -0.02, "scaled_high": 0.04}
    made["scale"] = pd.DataFrame([{"aug": "crop", "volume": 1.0} | gaps | scaled])
    part = page(made).split("### What crop measures")[1]
    row = next(line for line in part.splitlines() if line.startswith("| crop"))
    cells = [cell.strip() for cell in row.split("|")[1:-1]]
    assert cells[:2] == ["crop", "×1"]
    assert cells[2:] == ["−0.050 (−0.080 to −0.020)", "+0.010 (−0.020 to +0.040)"]


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
    lines = document.terminal(tables()["configurations"]).splitlines()
    assert [line.split()[0] for line in lines[-2:]] == ["none", "flip"]
    assert lines[-1].split()[1:] == ["0.800", "0.850", "0.800", "0.850"]
    assert max(map(len, lines)) <= 100
