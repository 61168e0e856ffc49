import numpy as np
import pandas as pd
import pytest
from examples import predictions

from nuclei.report.answer import WIDTH, answer, lines
from nuclei.statistics.params import Experiment

EXPERIMENT = Experiment("simulated", "small", "flip", 2.0, 0.01, 2000, ["none", "flip"])
KNOBS = {"data": "simulated", "train.repeats": 2}
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

GAINS = pd.DataFrame(
    [
        *(("flip", "A1", 0.05, -0.004), ("flip", "B2", -0.01, 0.02), ("flip", "C3", 0.0, 0.01)),
        *(("invert", "A1", -0.1, 0.01), ("invert", "C3", 0.05, 0.0)),
    ],
    columns=["aug", "site", "gain", "without"],
).assign(patients=2)


def augmentations(verdicts=VERDICTS, best="flip", rivals=("flip", "none")):
    """Augmentations of which one leads, and some may be the best."""
    rows = [{"aug": "none", "difference": np.nan}]
    rows += [
        {"aug": aug, "difference": 0.032, "low": 0.001, "high": 0.064, "verdict": verdict}
        for aug, verdict in verdicts.items()
    ]
    table = pd.DataFrame(rows)
    leads = table["aug"] == best
    return table.assign(leads=leads, may_be_best=table["aug"].isin(rivals), share=0.725)


def sentences(table=None, seen=(), tested=TESTED, **knobs):
    table = augmentations() if table is None else table
    tables = {"augmentations": table, "volumes": STEPS, "forest": FOREST, "site_gains": GAINS}
    return answer(EXPERIMENT, KNOBS | knobs, tested, set(seen), tables)


def text_of(*arguments, **changed):
    return " ".join(sentences(*arguments, **changed))


def test_it_opens_with_the_augmentation_that_looks_best_and_by_how_much():
    text = text_of()
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
def test_it_claims_no_more_than_the_verdict_on_the_augmentation_that_looks_best(best, opening):
    assert text_of(augmentations(VERDICTS | {"flip": "undecided"}, best)).startswith(opening)


def test_what_helps_leads_though_another_augmentation_looks_better_still():
    text = text_of(augmentations({"flip": "undecided", "crop": "better"}))
    assert text.startswith("**What helps: `crop`.** `flip` looks best: macro AUC +0.032")


def test_what_helps_at_a_volume_alone_is_named():
    text = text_of()
    assert (
        "each judged by itself, better than `none`: `rotation` at ×2, `crop` at ×∞; worse" in text
    )
    assert "worse than `none`: `invert` at ×0.5." in text


def test_an_augmentation_that_is_shown_to_be_best_is_called_so():
    assert "Of all augmentations, `flip` alone may be the best (95 %)." in text_of(
        augmentations(rivals=("flip",))
    )


def test_every_augmentation_stands_under_its_verdict():
    text = text_of()
    assert "Better than `none`, over all volumes: `flip`." in text
    assert "Worse: `crop`." in text
    assert "As good as `none`, within ± 0.01: `rotation`." in text
    assert "Undecided: `invert`." in text


def test_where_none_is_better_that_is_written():
    text = text_of(augmentations({"flip": "undecided", "crop": "undecided"}))
    assert text.startswith("**Whether an augmentation helps is undecided, over all volumes.**")
    assert "Undecided: `flip` and `crop`." in text
    assert "Worse" not in text


@pytest.mark.parametrize(("best", "gain"), [("flip", "+0.044"), ("none", "+0.031")])
def test_what_more_data_gains_is_that_of_the_augmentation_that_looks_best(best, gain):
    assert f"More nuclei gain `{best}`, in macro AUC: ×0.5 to ×1 {gain} (still rising)." in text_of(
        augmentations(best=best)
    )


def test_at_how_many_sites_the_augmentation_that_looks_best_gains():
    assert (
        "`flip` gains at 1 of 3 sites, +0.013 if each counts once: from −0.010 at B2 to +0.050 "
        "at A1. Without A1, the one that gains most: −0.004."
    ) in text_of()
    assert "sites, " not in text_of(augmentations(best="none"))


def test_who_was_tested_and_by_whom():
    assert "8 patients of 1 site were tested, each by networks that have seen neither" in text_of()
    assert "of 1 of the sites the networks have seen other patients" in text_of(seen={"A1"})


@pytest.mark.parametrize(("repeats", "words"), [(1, "1 repeat of"), (3, "3 repeats of")])
def test_repeats_are_those_that_were_recorded(repeats, words):
    assert f"; {words} every training." in text_of(**{"train.repeats": repeats})


def test_where_no_site_is_named_none_is_claimed_to_be_new():
    text = text_of(tested=TESTED._replace(site=TESTED.patient))
    assert "8 patients were tested, each by networks that have not seen them; of no other" in text
    assert "neither them nor their site" not in text
    assert "gains at" not in text


def test_simulated_nuclei_are_called_so():
    assert "nothing here is a finding about tissue" in text_of()
    assert "simulated" not in text_of(data="brca-m2c")


def test_a_study_without_augmentations_says_so():
    text = text_of(augmentations().iloc[:0])
    assert text.startswith("The study has no augmentation to compare with `none`.")


def test_the_page_of_charts_gets_plain_lines_that_fit():
    table = lines(sentences())
    assert table["line"].tolist() == list(range(len(table)))
    assert table["text"].str.len().max() <= WIDTH
    assert not table["text"].str.contains("[`*]").any()
    assert table["text"][0].startswith("flip helps")


def test_an_entry_is_a_sentence_or_two_and_never_empty():
    assert all(entry.strip() == entry != "" for entry in sentences())
    assert all(entry.endswith((".", ".**")) for entry in sentences())
