from pathlib import Path

from nuclei.pipeline.params import StudyParams

import numpy as np
import pandas as pd
import pytest
import yaml
from examples import predictions

from nuclei.core.params import parse
from nuclei.report.answer import WIDTH, answer, lines

SETTINGS = yaml.safe_load((Path(__file__).parents[3] / "params.yaml").read_text(encoding="utf-8"))
TESTED = predictions(patients=(5, 3)).tested
VERDICTS = {"flip": "better", "crop": "worse", "rotation": "equivalent", "invert": "undecided"}
STEPS = pd.DataFrame(
    {"aug": aug, "smaller": 0.5, "larger": 1.0, "gain": gain, "verdict": "still rising"}
    for aug, gain in {"flip": 0.044, "none": 0.031}.items()
)

FOREST = pd.DataFrame(
    [
        *(("flip", "all", "better"), ("invert", "0.5", "worse"), ("flip", "2", "better")),
        *(("rotation", "2", "better"), ("crop", "inf", "better")),
    ],
    columns=["aug", "volume", "verdict"],
)

SITES = pd.DataFrame(
    [("none", 0.8, 0.7, 0.9), ("flip", 0.85, 0.69, 0.9), ("invert", 0.7, 0.7, 0.95)],
    columns=["aug", "A1", "B2", "C3"],
).melt("aug", var_name="site", value_name="macro_auc")
SITES = SITES.assign(volume=1.0, fold=1, patients=2)


def arms(verdicts=VERDICTS, best="flip", rivals=("flip", "none")):
    """Arms of which one looks best, and some may be."""
    rows = [{"aug": "none", "difference": np.nan}]
    rows += [
        {"aug": aug, "difference": 0.032, "low": 0.001, "high": 0.064, "verdict": verdict}
        for aug, verdict in verdicts.items()
    ]
    table = pd.DataFrame(rows)
    lead = np.where(table["aug"] == best, 0.01, -0.01)
    return table.assign(lead=lead, may_be_best=table["aug"].isin(rivals), share=0.725)


def said(of=None, seen=(), **changed):
    params = parse(StudyParams, SETTINGS | changed)
    tables = {"augmentations": arms() if of is None else of, "volumes": STEPS, "forest": FOREST}
    tables["sites"] = SITES
    return " ".join(answer(params, TESTED, set(seen), tables))


def test_it_opens_with_the_arm_that_looks_best_and_by_how_much():
    text = said()
    assert text.startswith("**`flip` helps**: macro AUC +0.032 (+0.001 to +0.064) against no aug")
    assert "one of `none` and `flip` (95 %); in 72 % of the resamples it is `flip`." in text


@pytest.mark.parametrize(
    ("best", "opening"),
    [
        (
            "rotation",
            "**No augmentation is shown to help, over all volumes.** `rotation` looks best, and",
        ),
        (
            "invert",
            "**Whether an augmentation helps is undecided, over all volumes.** `invert` looks",
        ),
        ("none", "**No augmentation looks better than `none`.** The best"),
    ],
)
def test_it_claims_no_more_than_the_verdict_on_the_arm_that_looks_best(best, opening):
    assert said(arms(VERDICTS | {"flip": "undecided"}, best)).startswith(opening)


def test_what_helps_leads_though_another_arm_looks_better_still():
    text = said(arms({"flip": "undecided", "crop": "better"}))
    assert text.startswith("**What helps: `crop`.** `flip` looks best: macro AUC +0.032")


def test_what_helps_at_a_volume_alone_is_told():
    text = said()
    assert (
        "each judged by itself, better than `none`: `rotation` at ×2, `crop` at ×∞; worse" in text
    )
    assert "worse than `none`: `invert` at ×0.5." in text


def test_an_arm_that_is_shown_to_be_best_is_said_to_be():
    assert "Of all arms, `flip` alone may be the best (95 %)." in said(arms(rivals=("flip",)))


def test_every_arm_stands_under_its_verdict():
    text = said()
    assert "Better than `none`, over all volumes: `flip`." in text
    assert "Worse: `crop`." in text
    assert "As good as `none`, within ± 0.01: `rotation`." in text
    assert "Undecided: `invert`." in text


def test_where_none_is_better_that_is_said():
    text = said(arms({"flip": "undecided", "crop": "undecided"}))
    assert text.startswith("**Whether an augmentation helps is undecided, over all volumes.**")
    assert "Undecided: `flip` and `crop`." in text
    assert "Worse" not in text


@pytest.mark.parametrize(("best", "gain"), [("flip", "+0.044"), ("none", "+0.031")])
def test_what_more_data_gains_is_told_of_the_arm_that_looks_best(best, gain):
    assert f"More nuclei gain `{best}`, in macro AUC: ×0.5 to ×1 {gain} (still rising)." in said(
        arms(best=best)
    )


def test_at_how_many_hospitals_the_arm_that_looks_best_gains():
    assert (
        "`flip` gains at 1 of 3 hospitals, +0.013 if each counts once: from −0.010 at B2 to +0.050 "
        "at A1. Weighed by their patients, the hospitals but A1 gain −0.005 on average."
    ) in said()
    assert "hospitals, " not in said(arms(best="none"))


def test_who_was_tested_and_by_whom():
    assert "8 patients of 1 hospital were tested, each by networks that have seen neither" in said()
    assert "of 1 of the hospitals the networks have seen other patients" in said(seen={"A1"})
    one = said(train=SETTINGS["train"] | {"repeats": 1})
    assert "1 repeat of every training" in one


def test_where_no_hospital_is_known_none_is_claimed_to_be_new(monkeypatch):
    monkeypatch.setitem(globals(), "TESTED", TESTED._replace(site=TESTED.patient))
    text = said()
    assert "8 patients were tested, each by networks that have not seen them; of no other" in text
    assert "neither them nor their hospital" not in text
    assert "gains at" not in text


def test_simulated_nuclei_are_called_so():
    assert "nothing here is a finding about tissue" in said()
    assert "simulated" not in said(data="brca-m2c")


def test_a_study_without_arms_says_so():
    text = said(arms().iloc[:0])
    assert text.startswith("The study has no arm to compare with `none`.")


def test_the_page_of_charts_gets_plain_lines_that_fit():
    table = lines(
        answer(
            parse(StudyParams, SETTINGS),
            TESTED,
            set(),
            {"augmentations": arms(), "volumes": STEPS, "forest": FOREST, "sites": SITES},
        )
    )
    assert table["line"].tolist() == list(range(len(table)))
    assert table["text"].str.len().max() <= WIDTH
    assert not table["text"].str.contains("[`*]").any()
    assert table["text"][0].startswith("flip helps")
