import numpy as np
import pandas as pd
import pytest
from examples import predictions, scored

from nuclei.core.classes import CLASSES
from nuclei.core.folds import SPLITS
from nuclei.report import document
from nuclei.report.markdown import page_table
from nuclei.statistics import claims, rules
from nuclei.statistics.dose import doses
from nuclei.statistics.params import Experiment

EXPERIMENT = Experiment("simulated", "small", "flip", 1.0, 0.01, 2000, ["none", "flip"])
KNOBS = {"data": "simulated", "network": "small", "prepare.order": "nuclei"}
KNOBS |= {"train.repeats": 2, "train.checkpoint": "best"}
KNOBS |= {"train.evaluations": 5, "train.patience": None, "evaluate.margin": 0.01}
TESTED = predictions(patients=(5, 3)).tested
COUNTED = dict.fromkeys(CLASSES, 3) | {"nuclei": 9, "patients": 2, "sites": 1}
SUMMARY = {"folds": {fold: dict.fromkeys(SPLITS, COUNTED) for fold in ("1", "2")}}
USED = pd.DataFrame({"volume": [0.5, 0.5, 1.0, 1.0], "device": "CPU", "nuclei": [5, 5, 10, 10]})
CONFIGURATIONS = [(aug, volume) for aug in ("none", "flip") for volume in (1.0, 0.5)]


def tables():
    """A study in which flip is better than none by 0.05 at either volume."""
    scores = pd.DataFrame(CONFIGURATIONS, columns=["aug", "volume"])
    scores = scores.assign(log_loss=0.7, ece=0.04, asked=scores["aug"] == "flip")
    for name in ("macro_auc", "accuracy"):
        scores[name] = np.where(scores["aug"] == "flip", 0.75, 0.7) + scores["volume"] / 10
        scores[f"{name}_low"], scores[f"{name}_high"] = scores[name] - 0.02, scores[name] + 0.02
    gaps = pd.DataFrame(
        {"aug": "flip", "volume": volume, "metric": metric, "difference": 0.05}
        | {"low": 0.01, "high": 0.09, "p_holm": 0.012}
        for volume in (1.0, 0.5)
        for metric in ("macro_auc", "accuracy")
    )
    steps = {"aug": "none", "smaller": 0.5, "larger": 1.0, "gain": 0.05, "low": 0.0, "high": 0.1}
    sites = pd.DataFrame(
        {"aug": aug, "volume": volume, "site": site, "fold": fold, "patients": 2, "nuclei": 9}
        | {"classes": "TIL tumor" if site == "A1" else "TIL"}
        | {"macro_auc": 0.81 if site == "A1" else np.nan}
        for aug, volume in CONFIGURATIONS
        for site, fold in (("A1", 1), ("B2", 2), ("A1", 2))
    )
    classes = pd.DataFrame(
        {"aug": aug, "volume": volume, "class": name}
        | {f"{score}{bound}": 0.5 for score in ("auc", "recall") for bound in ("", "_low", "_high")}
        for aug, volume in CONFIGURATIONS
        for name in CLASSES
    )
    claim = {"claim": "1", "statement": "invert wins", "quantity": "macro AUC", "estimate": 0.02}
    claim |= {"low": -0.01, "high": 0.05, "margin": 0.01, "rule": "better", "verdict": "undecided"}
    missing = {
        "claim": "2",
        "statement": "",
        "quantity": "",
        "rule": "worse",
        "margin": 0.01,
        "verdict": claims.NOT_JUDGED,
    }
    kept = [(*key, repeat, 5 + repeat, 20) for key in CONFIGURATIONS for repeat in range(3)]
    kept = pd.DataFrame(kept, columns=["aug", "volume", "repeat", "updates", "of"])
    augs = pd.DataFrame({"aug": ["none", "flip"], "asked": [False, True], "share": [0.1, 0.9]})
    augs = augs.assign(may_be_best=[False, True], verdict=["", "better"], p_holm=[np.nan, 0.012])
    augs["leads"] = augs["may_be_best"]
    for name in ("difference", "log_loss", "overconfidence", "lead"):
        prefix = "" if name == "difference" else f"{name}_"
        augs[name], augs[f"{prefix}low"], augs[f"{prefix}high"] = 0.05, 0.01, 0.09
    augs.loc[0, "difference"] = np.nan
    power = {"of": "augmentation", "comparison": "flip − none", "verdict": "better"}
    power |= {"estimate": 0.05, "target": 0.01}
    power |= {"se_patients": 0.004, "se_repeats": 0.002, "detectable": 0.013}
    power |= {"patients": np.inf, "patients_more": 1234.0}
    nuclei = {"sheet": ["wrong", "disagreed"], "label": "TIL"}
    gains = {"aug": "flip", "site": ["A1", "B2"], "patients": 2, "gain": [0.02, -0.01]}
    overall = gaps[gaps["metric"] == "macro_auc"].assign(volume=["all", "0.5"])
    settled = {"split": "validation", "updates": [8, 10], "loss": [0.5, 0.5]}
    curves = [
        pd.DataFrame({"aug": aug, "volume": volume} | settled) for aug, volume in CONFIGURATIONS
    ]
    return {
        "configurations": scores,
        "checkpoints": kept.assign(
            validation_loss=np.where(kept["aug"] == "flip", 0.4, 0.5), late_fall=0.0
        ),
        "curves": pd.concat(curves),
        "forest": overall,
        "augmentations": augs,
        "power": pd.DataFrame([power]),
        "nuclei": pd.DataFrame(nuclei),
        "differences": gaps,
        "dose": doses(*scored("none", "rotation")),
        "volumes": pd.DataFrame([steps | {"verdict": "undecided"}]),
        "sites": sites,
        "site_gains": pd.DataFrame(gains | {"without": [0.017, 0.03]}),
        "classes": classes,
        "claims": pd.DataFrame([claim, missing]),
    }


def page(
    study=None, floor=0.8, shared=None, tested=TESTED, experiment=EXPERIMENT, summary=None, **knobs
):
    answer, study = ["`flip` looks best.", "Two patients."], study or tables()
    summary, shared = summary or SUMMARY | {"dropped": {"point": 5}}, shared or {}
    knobs = KNOBS | {name.replace("__", "."): value for name, value in knobs.items()}
    return document.report(
        experiment, knobs, answer, tested, shared, summary, study, USED, floor, "abc123"
    )


def row(text, start):
    """The cells of the first line of a table that begins so."""
    line = next(line for line in text.splitlines() if line.startswith(f"| {start}"))
    return [cell.strip() for cell in line.split("|")[1:-1]]


def section(text, title):
    return text.split(f"## {title}", 1)[1].split("\n## ")[0]


def test_the_page_leads_with_the_answer_then_cautions_then_the_forest():
    lines = [line for line in page().splitlines() if line]
    assert lines[1] == "`flip` looks best. Two patients."
    assert lines[2] == "Read with care:"
    assert lines[3].startswith("- **Few patients**: 8 were tested.")
    after = next(line for line in lines[3:] if not line.startswith("- "))
    assert after == "![forest](figures/forest.png)"


def test_every_caution_has_words():
    study = tables()
    study["configurations"]["accuracy"] = [0.2, 0.9, 0.9, 0.9]
    study["checkpoints"] = study["checkpoints"].assign(late_fall=0.04)
    tested = TESTED._replace(site=TESTED.patient)
    text = page(study, tested=tested, train__repeats=1).split("![forest]")[0]
    cautions = [line for line in text.splitlines() if line.startswith("- ")]
    assert [caution.split("**")[1] for caution in cautions] == [
        *("No sites", "Few patients", "Few nuclei of a class", "Accuracy below guessing"),
        *("Trainings too short", "One repeat"),
    ]
    assert "8 were tested. Intervals that rest on fewer than about 30 are" in cautions[1]
    for code, name in enumerate(CLASSES):
        assert f"{(TESTED.label == code).sum()} {name}" in cautions[2]
    assert "tested. Below 100 the share" in cautions[2]
    assert "is right in 3" in cautions[3] and "Worse: `none` ×1." in cautions[3]
    assert "in `none` ×1, `none` ×0.5, `flip` ×1, `flip` ×0.5, the loss" in cautions[4]
    assert "`train.repeats` sets" in cautions[5]


def test_a_sound_study_has_no_caution():
    tested = predictions(patients=(20, 20), count=900).tested
    assert "Read with care" not in page(tested=tested)


def test_what_is_printed_are_the_recorded_knobs():
    text = page(train__repeats=3, train__evaluations=7, network="wide", networks__wide__batch=32)
    assert "With 8 patients and 3 repeats" in text
    assert "and of the 3 repeats" in text
    assert "was measured 7 times" in text
    assert "network `wide`" in text
    params = section(text, "Params")
    assert row(params, "train.repeats") == ["train.repeats", "3"]
    assert row(params, "networks.wide.batch") == ["networks.wide.batch", "32"]
    assert params.count("\n| ") == len(KNOBS) + 2  # a batch and the header, too


def test_every_augmentation_has_its_verdict_and_they_stand_against_each_other():
    verdicts = section(page(), "Every augmentation against none")
    assert row(verdicts, "**flip**")[1:4] == ["+0.050 (+0.010 to +0.090)", "0.012", "**better**"]
    assert "| none" not in verdicts
    standing = section(page(), "The augmentations against each other")
    assert row(standing, "**flip**")[2:4] == ["yes", "90 %"]
    assert row(standing, "none")[2] == "no"


@pytest.mark.parametrize("leader", ["none", "flip"])
def test_the_leader_is_the_one_of_the_table(leader):
    study = tables()
    study["augmentations"]["leads"] = study["augmentations"]["aug"] == leader
    assert f"The augmentation that looks best is `{leader}`." in page(study)


def test_what_would_decide_the_rest_is_counted_in_patients():
    part = section(page(), "What would decide the rest")
    assert "With 8 patients and 2 repeats, this study detects a true difference" in part
    assert "of 0.013 to 0.013, depending" in part
    assert "No comparison is undecided." in part
    study = tables()
    study["power"] = study["power"].assign(verdict="undecided")
    part = section(page(study), "What would decide the rest")
    assert row(part, "flip − none")[-2:] == ["not with so few repeats", "1,234"]
    study["power"] = study["power"].assign(patients=12.0, patients_more=np.nan)
    assert row(page(study), "flip − none")[-2:] == ["fewer than 30", "–"]


def test_the_need_of_a_study_of_one_repeat_has_one_column_and_says_what_it_leaves_out():
    study = tables()
    study["power"] = study["power"].assign(verdict="undecided", patients=99.0)
    part = section(page(study, train__repeats=1), "What would decide the rest")
    assert row(part, "undecided")[-1] == "patients, 1 repeat"
    assert row(part, "flip − none")[3] == "–"
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


def test_parts_of_the_page_are_one_blank_line_apart():
    study = tables() | {"scale": pd.DataFrame([SCALE]), "synthetic_nuclei": QUALITIES}
    study["dose"] = doses(*scored("none", "rotation", "rotation-90"))
    for text in (page(), page(study), page(summary=SUMMARY, data="nucls", train__patience=2)):
        assert "\n\n\n" not in text
        for title in (line for line in text.splitlines() if line.startswith("#")):
            assert f"{title}\n\n" in text
            assert text.startswith(title) or f"\n\n{title}" in text
        assert text.endswith("`abc123`.\n")


def test_the_configuration_that_was_asked_for_has_its_difference_and_what_validation_prefers():
    lead = section(page(), "The configuration that was asked for")
    assert "`flip` at volume ×1" in lead
    assert "macro AUC 0.850 (0.830 to 0.870)" in lead
    assert "macro AUC +0.050 (+0.010 to +0.090), p 0.012; accuracy +0.050" in lead
    assert "size alone: macro AUC 0.800" in lead
    assert "prefers `flip` at volume ×0.5" in lead


def test_none_is_not_compared_with_itself():
    assert "Against" not in page(experiment=EXPERIMENT._replace(aug="none"))


def test_a_data_set_without_sizes_has_no_floor():
    assert "size alone" not in page(floor=None)


@pytest.mark.parametrize(("data", "warning"), [("simulated", True), ("nucls", False)])
def test_claims_on_simulated_nuclei_are_called_so(data, warning):
    text = page(data=data)
    assert ("This is a simulation" in section(text, "The 2022 notebook's claims")) == warning


def test_one_repeat_leaves_the_seed_out_of_the_intervals():
    assert "of the 2 repeats" in page()
    one = page(train__repeats=1)
    assert "unknown from one repeat" in one
    assert "of the 1 repeats" not in one


def test_augmentations_stand_by_volume_in_the_order_of_the_matrix():
    text = page()
    assert text.index("### Volume ×0.5") < text.index("### Volume ×1")
    table = text[text.index("### Volume ×0.5") : text.index("### Volume ×1")]
    assert table.index("| none ") < table.index("| **flip** ")
    assert row(table, "none")[1:4] == ["0.750 (0.730 to 0.770)", "–", "–"]
    flip = ["0.800 (0.780 to 0.820)", "+0.050 (+0.010 to +0.090)", "0.012"]
    assert row(table, "**flip**")[1:] == [*flip, *flip, "0.700", "0.040"]


def test_figures_are_embedded_by_relative_links():
    text = page()
    names = ["forest", "volumes", "reliability", "roc", "confusion"]
    for name in [*names, "curves", "checkpoints", "contact-none", "contact-flip"]:
        assert f"](figures/{name}.png)" in text


def test_a_study_without_differences_has_no_forest():
    study = tables()
    for name in ("differences", "forest"):
        study[name] = study[name].iloc[:0]
    text = page(study, experiment=EXPERIMENT._replace(aug="none"))
    assert "forest.png" not in text
    assert "no augmentation to compare" in text


def test_claims_stand_with_their_verdict_and_the_rule_in_words():
    claim = section(page(), "The 2022 notebook's claims")
    assert row(claim, "1")[1:] == [
        *("invert wins", "macro AUC", "+0.020 (−0.010 to +0.050)", "better", "0.01"),
        "**undecided**",
    ]
    assert row(claim, "2")[-1] == "**not judged**"
    assert f"- *better*: {rules.BETTER.text}" in claim


def test_every_rule_of_a_claim_has_words():
    for claim in claims.CLAIMS:
        assert rules.RULES[claim.rule.name] is claim.rule
        assert claim.rule.text


def test_the_data_are_counted_by_fold_and_what_was_dropped_by_reason():
    data = section(page(summary=SUMMARY | {"dropped": {"point": 5, "unlabeled": 2}}), "Data")
    lines = [line.split("|")[1:3] for line in data.splitlines() if line.startswith("|")]
    assert [[word.strip() for word in line] for line in lines[2:]] == [
        [fold, split] for fold in ("1", "2") for split in SPLITS
    ]
    assert "\nDropped: 5 point, 2 unlabeled.\n" in data
    assert "Dropped" not in page(summary=SUMMARY)
    assert "Dropped" not in page(summary=SUMMARY | {"dropped": {}})


@pytest.mark.parametrize(
    ("patients", "words", "others"),
    [
        ((8,), "Scores on the nuclei of 8 test patients", "folds"),
        ((5, 3), "Each of 8 patients is tested once, by networks trained", "test patients"),
        ((5, 3), "within each of 2 folds", "test patients"),
    ],
)
def test_the_method_says_whether_folds_take_turns(patients, words, others):
    text = page(tested=predictions(patients=patients).tested)
    method = section(text, "The augmentations at each volume").split("; means over repeats")[0]
    assert words in method and others not in method


@pytest.mark.parametrize(
    ("order", "more", "half"),
    [
        ("nuclei", "more nuclei of the same patients", "a balanced half of the nuclei."),
        ("patients", "more whole patients", "the nuclei of half of the patients."),
    ],
)
def test_what_a_volume_below_1_halves_is_the_same_everywhere(order, more, half):
    text = page(prepare__order=order)
    assert f"Up to ×1, more volume is {more};" in section(text, "Training volume")
    assert f"×0.5: {half}" in text.split("## Every augmentation")[0]


def test_which_checkpoint_was_kept_is_written():
    best = section(page(), "Training\n")
    assert "was measured 5 times on its fold's validation sites" in best
    assert "where its loss there was lowest" in best and "end a training" not in best
    patient = section(page(train__patience=2), "Training\n")
    assert "measured at most 5 times" in patient
    assert "2 evaluations in a row without a lower loss end a training." in patient
    unnamed = page(tested=TESTED._replace(site=TESTED.patient))
    assert "validation patients, and kept" in section(unnamed, "Training\n")
    assert "as it was after all its updates" in page(train__checkpoint="last")


@pytest.mark.parametrize(("checkpoint", "warning"), [("best", True), ("last", False)])
def test_a_budget_can_only_be_too_short_where_the_best_checkpoint_is_kept(checkpoint, warning):
    study = tables()
    study["checkpoints"] = study["checkpoints"].assign(late_fall=0.04)
    text = page(study, train__checkpoint=checkpoint)
    assert ("Trainings too short" in text) == warning
    assert ("more than 3 % over the last fifth" in text) == warning


def test_strengths_have_a_section_where_there_are_any():
    assert "## Strength" not in page()
    study = tables()
    study["dose"] = doses(*scored("none", "rotation", "rotation-90"))
    part = section(page(study), "Strength")
    assert "](figures/dose.png)" in part
    assert "| 90 degrees | rotation-90 " in part


def test_steps_of_volume_have_a_verdict_each_but_those_of_none():
    study = tables()
    steps = {"aug": ["flip", "none"], "smaller": [0.5, 1.0], "larger": [1.0, np.inf]}
    steps |= {"gain": 0.01, "low": -0.01, "high": 0.03, "verdict": ["saturated", None]}
    study["volumes"] = pd.DataFrame(steps)
    part, gain = section(page(study), "Training volume"), "+0.010 (−0.010 to +0.030)"
    assert row(part, "flip") == ["flip", "×0.5", "×1", gain, "saturated"]
    assert row(part, "none") == ["none", "×1", "×∞", gain, ""]


def test_fresh_draws_are_a_volume_like_any_other():
    study = tables()
    for name in ("configurations", "differences", "sites", "classes", "checkpoints"):
        study[name] = study[name].replace({"volume": {0.5: np.inf}})
    study["volumes"] = study["volumes"].assign(larger=np.inf)
    text = page(study, experiment=EXPERIMENT._replace(volume=np.inf))
    assert "`flip` at volume ×∞" in section(text, "The configuration that was asked for")
    assert text.index("### Volume ×1") < text.index("### Volume ×∞")
    assert "## Sites, volume ×∞" in text
    assert row(section(text, "Training volume"), "none")[1:3] == ["×0.5", "×∞"]
    assert "×inf" not in text
    assert "×∞" in document.terminal(study["configurations"])


SCALE = {"aug": "crop", "volume": 1.0, "difference": -0.05, "low": -0.08, "high": -0.02}
SCALE |= {"scaled": 0.01, "scaled_low": -0.02, "scaled_high": 0.04}


def test_what_crop_measures_stands_where_it_was_measured():
    study = tables()
    assert "What crop measures" not in page(study)
    assert "What crop measures" not in page(study | {"scale": pd.DataFrame([SCALE])[:0]})
    part = page(study | {"scale": pd.DataFrame([SCALE])}).split("### What crop measures")[1]
    assert row(part, "crop") == [
        *("crop", "×1", "−0.050 (−0.080 to −0.020)", "+0.010 (−0.020 to +0.040)"),
    ]


def test_a_site_with_one_class_is_named_as_left_out():
    text = section(page(), "Sites, volume ×1")
    assert "Left out, with one class: B2." in text
    assert row(text, "B2")[-2:] == ["–", "–"]


def test_sites_that_no_network_has_seen_are_called_so():
    text = section(page(), "Sites, volume ×1")
    assert "All 2 sites are tested by networks that have seen none of their patients." in text
    assert "other patients" not in text


def test_sites_that_networks_have_seen_are_named_once():
    text = section(page(shared={1: ["A1"], 2: ["A1"]}), "Sites, volume ×1")
    assert (
        "1 of the 2 sites have other patients in their networks' training or validation: A1."
    ) in text
    assert "none of their patients" not in text


def test_each_site_counts_once_in_what_an_augmentation_gains():
    part = section(page(), "Sites, volume ×1")
    assert "Each site counts once" in part
    assert row(part, "augmentation")[-1] == "without the one that gains most"
    assert row(part, "flip") == ["flip", "1 of 2", "+0.005", "−0.010, B2", "+0.020, A1", "+0.017"]
    assert "of an augmentation that shows synthetic nuclei" not in part
    study = tables()
    assert "Each site" not in page(study | {"site_gains": study["site_gains"][:0]})
    study["configurations"] = study["configurations"].replace({"aug": {"none": "generated"}})
    assert (
        "(of an augmentation that shows synthetic nuclei, over those above ×1, if there are any)."
    ) in section(page(study), "Sites, volume ×1")


def test_without_named_sites_there_is_no_table_of_them():
    part = section(page(tested=TESTED._replace(site=TESTED.patient)), "Sites, volume ×1")
    assert "The data name none." in part
    assert "|" not in part


def test_classes_have_auc_and_recall():
    part = section(page(), "Classes, volume ×1")
    names = [f"{score} {name}" for name in CLASSES for score in ("AUC", "recall")]
    assert row(part, "augmentation") == ["augmentation", *names]
    assert row(part, "flip") == ["flip"] + ["0.500 (0.500 to 0.500)"] * 6


QUALITIES = pd.DataFrame(
    {"fold": fold, "nuclei": nuclei, "kid": kid, "precision": 0.75}
    | {"recall": 0.25, "near": 0.125 * fold}
    | {f"accuracy_{label}": 0.5 for label in CLASSES}
    for fold in (1, 2)
    for nuclei, kid in (
        *(("synthetic", 10.0 * fold), ("training nuclei again", 0.0)),
        *(("noise", 500), ("validation nuclei", 0.0)),
    )
)


def test_qualities_of_synthetic_nuclei_are_means_over_folds_in_the_order_of_the_table():
    assert "Synthetic nuclei" not in page()
    part = section(page(tables() | {"synthetic_nuclei": QUALITIES}), "Synthetic nuclei")
    lines = [line.split("|")[1].strip() for line in part.splitlines() if line.startswith("|")]
    names = ["synthetic", "training nuclei again", "noise", "validation nuclei"]
    assert lines[0] == "nuclei" and lines[2:] == names
    assert row(part, "synthetic") == [
        *("synthetic", "15.0", "0.75", "0.25", "0.19", "0.50", "0.50", "0.50")
    ]
    assert "minus the same one without them" not in part


def test_what_synthetic_nuclei_add_stands_where_the_augmentation_without_them_is_there():
    gap = {"difference": -0.012, "low": -0.02, "high": -0.004, "verdict": "worse"}
    rows = [{"aug": "generated+flip", "other": "flip", "volume": float("inf")} | gap]
    study = {"synthetic_nuclei": QUALITIES, "synthetic_against_real": pd.DataFrame(rows)}
    part = section(page(tables() | study), "Synthetic nuclei")
    change = "−0.012 (−0.020 to −0.004)"
    assert row(part, "generated") == ["generated+flip", "flip", "×∞", change, "**worse**"]


def test_a_table_of_the_page_can_be_written_alone():
    study = tables()
    alone = page_table("volumes", study["volumes"])
    assert alone.startswith("| augmentation ") and f"\n\n{alone}\n\n" in page(study)
    unasked = page_table("verdicts", study["augmentations"].drop(columns="asked"))
    assert row(unasked, "flip")[3] == "**better**"


def test_the_page_names_the_predictions_it_is_about():
    assert "4 files" in page()
    assert "`abc123`" in page()


def test_the_terminal_table_has_a_line_per_augmentation_and_fits():
    lines = document.terminal(tables()["configurations"]).splitlines()
    assert [line.split()[0] for line in lines[-2:]] == ["none", "flip"]
    assert lines[-1].split()[1:] == ["0.800", "0.850", "0.800", "0.850"]
    assert max(map(len, lines)) <= 100
