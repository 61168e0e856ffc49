from functools import cache

import examples
import numpy as np
import pytest

from nuclei.report import tables
from nuclei.statistics import bootstrap, comparisons, inference, sites
from nuclei.statistics.params import Evaluate
from nuclei.statistics.scores import METRICS, Metric

KNOBS = Evaluate(seed=1, resamples=200, margin=0.01, examples=1, mixed="refuse")
CONFIGURATIONS = (("none", 1.0), ("flip", 1.0), ("flip", 0.5))


@cache
def scored(configurations=CONFIGURATIONS, **keywords):
    """A study's bootstrap, its scores with intervals, and its differences to none."""
    predictions = examples.predictions(configurations, patients=(4, 3), **keywords)
    resampled = bootstrap.resample(predictions, 200)
    scores = inference.scores_of_configurations(resampled).assign(ece=0.1)
    return resampled, scores, comparisons.differences(resampled, 0.01, KNOBS.planned)


def files(configuration=("flip", 1.0), floor=None, **keywords):
    """The metrics files of a study in which a configuration was asked for."""
    _, scores, differences = scored(**keywords)
    study = {"configurations": scores, "differences": differences}
    record = {name: 1 for name in tables.USED} | {"loss": "left out"}
    records = dict.fromkeys(CONFIGURATIONS, record)
    return tables.metrics(study, records, *configuration, floor)


def test_every_score_lies_in_the_interval_of_its_own_configuration():
    resampled, scores, _ = scored()
    keys = zip(scores["aug"], scores["volume"], strict=True)
    assert list(keys) == list(CONFIGURATIONS)
    for name in resampled.metrics:
        assert (scores[f"{name}_low"] < scores[name]).all()
        assert (scores[name] < scores[f"{name}_high"]).all()
    accuracy = bootstrap.contrast(resampled, "accuracy", {("flip", 0.5): 1})
    assert scores["accuracy_low"][2] == inference.percentile_interval(accuracy)[0]


def test_the_file_of_a_configuration_compares_it_with_none_at_its_volume():
    _, scores, _ = scored()
    content = files()["flip/x1"]
    auc = content["macro_auc"]
    assert auc["low"] < auc["mean"] < auc["high"]
    assert auc["mean"] == scores["macro_auc"][1]
    assert auc["sd"] == scores["macro_auc_sd"][1]
    difference = scores["macro_auc"][1] - scores["macro_auc"][0]
    assert auc["minus_none"]["difference"] == pytest.approx(difference)
    assert list(auc["minus_none"]) == ["difference", "low", "high", "p_holm"]
    assert (content["ece"], content["used"]) == (0.1, {name: 1 for name in tables.USED})


@pytest.mark.parametrize("configuration", [("none", 1), ("flip", 0.5)])
def test_without_a_none_to_compare_with_there_is_no_difference(configuration):
    content = files(configuration)
    aug, volume = configuration
    assert "minus_none" not in content[f"{aug}/x{volume}"]["accuracy"]
    assert "minus_none" not in content["experiment"]


def test_one_repeat_has_no_deviation():
    assert "sd" not in files(repeats=1)["flip/x1"]["accuracy"]


def test_the_experiment_is_short_and_compared():
    _, scores, _ = scored()
    headline = files(floor=0.8)["experiment"]
    assert headline["configuration"] == "flip x1"
    gaps = headline["minus_none"]
    assert list(gaps)[:4] == tables.HEADLINE
    assert gaps["log_loss"] == pytest.approx(scores["log_loss"][1] - scores["log_loss"][0])
    assert gaps["macro_auc_low"] < gaps["macro_auc"] < gaps["macro_auc_high"]
    assert headline["macro_auc_low"] < headline["macro_auc"] < headline["macro_auc_high"]
    assert headline["size_only_macro_auc"] == 0.8
    assert "size_only_macro_auc" not in files()["experiment"]


def whole(rescaled=(), configurations=CONFIGURATIONS, synthetic=None, asked=("flip", 1.0)):
    """All tables of a study; some configurations are tested at their training scale too."""
    predictions = examples.predictions((*configurations, ("spare", 1.0)), patients=(4, 3))
    larger = dict.fromkeys(rescaled, predictions.configurations.pop(("spare", 1.0)))
    point = {"split": "train", "updates": 5, "accuracy": 0.5, "macro_auc": 0.5}
    networks = [{"fold": fold, "repeat": 0} for fold in (1, 2)]
    curves = [network | point | {"loss": float(network["fold"])} for network in networks]
    checkpoint = {"updates": 5, "of": 8, "validation_loss": 0.7, "seed": 1, "late_fall": 0.0}
    checkpoints = [network | checkpoint for network in networks]
    training = {key: {"checkpoints": checkpoints, "curves": curves} for key in configurations}
    if synthetic:
        training[configurations[-1]]["synthetic"] = synthetic
    resampled = bootstrap.resample(predictions, 200)
    return (
        predictions,
        larger,
        tables.study(predictions, larger, training, resampled, KNOBS, asked),
    )


def test_a_study_has_every_table():
    predictions, _, study = whole()
    assert list(study["configurations"]["volume"]) == [volume for _, volume in CONFIGURATIONS]
    assert study["configurations"]["ece"].notna().all()
    assert study["checkpoints"].columns.tolist()[-3:] == ["validation_loss", "late_fall", "asked"]
    assert study["dose"].empty
    assert len(study["checkpoints"]) == 2 * len(CONFIGURATIONS)
    assert study["curves"]["loss"].tolist() == [1.5] * 3
    assert study["sites"].drop(columns="asked").equals(sites.scores_of_sites(predictions))
    of_augmentations = {"configurations", "differences", "forest", "augmentations", "roc"}
    of_augmentations |= {"confusion", "curves", "checkpoints"}
    others = {"claims", "volumes", "sites", "site_gains", "classes", "calibration", "dose"}
    assert set(study) == of_augmentations | others | {"power", "nuclei"}
    for name in of_augmentations:
        rows = study[name]
        assert rows.loc[rows["asked"], "aug"].unique().tolist() in (["flip"], [])
        assert not rows.loc[~rows["asked"], "aug"].eq("flip").any()


def test_rates_and_confusion_are_of_the_volume_that_was_asked_for():
    keys = (("none", 0.5), ("none", 1.0), ("flip", 0.5), ("flip", 1.0), ("crop", 1.0))
    study = whole(configurations=keys)[2]
    for name, augs in (("roc", ["none", "flip", "crop"]), ("confusion", ["none", "flip"])):
        assert study[name]["aug"].unique().tolist() == augs
        assert study[name]["volume"].unique().tolist() == [1.0]


def test_synthetic_nuclei_have_the_table_that_a_training_recorded():
    study = whole(synthetic=[{"fold": 1, "nuclei": "synthetic nuclei", "kid": 3.5}])[2]
    assert study["synthetic_nuclei"].to_dict("records") == [
        {"fold": 1, "nuclei": "synthetic nuclei", "kid": 3.5}
    ]


def test_one_augmentation_leads_and_hard_nuclei_are_those_of_the_leader():
    study = whole(configurations=(("none", 1.0), ("flip", 1.0), ("crop", 1.0)))[2]
    augmentations = study["augmentations"]
    assert augmentations["leads"].sum() == 1
    leader = augmentations.loc[augmentations["leads"], "aug"].item()
    assert leader == augmentations.loc[augmentations["lead"].idxmax(), "aug"]
    assert (study["forest"]["significant"] == (study["forest"]["p_holm"] < 0.05)).all()


def test_scale_tells_the_difference_before_and_after_test_nuclei_are_enlarged_alike():
    predictions, larger, study = whole(rescaled=[("flip", 1.0)])
    [row] = study["scale"].to_dict("records")
    assert (row["aug"], row["volume"]) == ("flip", 1)
    gaps = study["differences"].set_index(["aug", "volume", "metric"])
    as_it_is = gaps.loc["flip", 1.0, "macro_auc"]
    assert all(row[name] == as_it_is[name] for name in ("difference", "low", "high"))
    enlarged = predictions._replace(configurations=predictions.configurations | larger)
    scaled = bootstrap.resample(enlarged, 200)
    gap = bootstrap.contrast(scaled, "macro_auc", {("flip", 1.0): 1, ("none", 1.0): -1})
    assert row["scaled"] == pytest.approx(gap.estimate)
    assert abs(row["scaled"] - row["difference"]) > 1e-3
    assert row["scaled_low"] < row["scaled"] < row["scaled_high"]


def test_scale_has_no_row_without_a_none_to_compare_with():
    assert whole(rescaled=[("flip", 0.5)])[2]["scale"].empty


def test_every_configuration_has_a_metrics_file_and_the_experiment_leads():
    configurations = (*CONFIGURATIONS, ("none", np.inf), ("flip", np.inf))
    study = whole(configurations=configurations)[2]
    record = {name: 1 for name in tables.USED} | {"nuclei": 7, "loss": "left out"}
    metrics = tables.metrics(study, dict.fromkeys(configurations, record), "flip", np.inf, None)
    assert list(metrics) == [
        *("experiment", "none/x1", "flip/x1", "flip/x0.5", "none/xinf", "flip/xinf")
    ]
    assert metrics["experiment"]["configuration"] == "flip xinf"
    assert metrics["experiment"]["minus_none"]["accuracy"]
    assert metrics["flip/xinf"]["used"] == {name: record[name] for name in tables.USED}


def test_strengths_have_the_scores_and_differences_of_their_configurations():
    keys = [(aug, volume) for aug in ("none", "stain-5", "stain") for volume in (0.5, np.inf)]
    study = whole(configurations=tuple(keys), asked=("stain", 0.5))[2]
    assert study["dose"]["aug"].tolist() == ["stain-5", "stain"] * 2
    gaps = study["differences"].set_index(["aug", "volume", "metric"])
    for _, row in study["dose"].iterrows():
        assert row["difference"] == gaps.loc[(row["aug"], row["volume"], "macro_auc"), "difference"]


def test_a_metric_is_one_entry_that_every_table_and_file_picks_up(monkeypatch):
    def compute(weighted):
        return 1 - weighted.accuracy

    monkeypatch.setitem(METRICS, "error", Metric(compute, more_is_better=False, has_margin=False))
    study = whole()[2]
    scores = study["configurations"]
    assert (scores["error"] + scores["accuracy"]).to_numpy() == pytest.approx(1)
    assert scores["error_low"].notna().all()
    rows = study["differences"].query("metric == 'error'")
    assert len(rows) == 1 and rows["p_tost"].isna().all()
    record = dict.fromkeys(tables.USED, 1)
    metrics = tables.metrics(study, dict.fromkeys(CONFIGURATIONS, record), "flip", 1.0, None)
    assert metrics["flip/x1"]["error"]["minus_none"]["difference"] == rows["difference"].item()
