"""The study's tables and metrics files, put together from scores and statistics."""

import numpy as np
import pandas as pd

from nuclei.statistics import (
    best,
    bootstrap,
    calibration,
    claims,
    comparisons,
    curves,
    dose,
    inference,
    learning_curve,
    power,
    sites,
    trainings,
)
from nuclei.statistics.bootstrap import Bootstrap
from nuclei.statistics.comparisons import METRIC
from nuclei.statistics.hard_nuclei import hard_nuclei
from nuclei.statistics.params import Evaluate
from nuclei.statistics.predictions import CONFIGURATION, Configuration, Predictions
from nuclei.statistics.scores import METRICS
from nuclei.statistics.trainings import Training

DIGITS = 4  # of every number in tables and metrics files, once all is decided
HEADLINE = ["macro_auc", "accuracy", "balanced_accuracy", "log_loss"]
USED = ["device", "precision", "replicas", "tensorflow", "nuclei", "updates"]

Tables = dict[str, pd.DataFrame]


def study(
    predictions: Predictions,
    rescaled: dict[Configuration, np.ndarray],
    training: dict[Configuration, Training],
    resampled: Bootstrap,
    knobs: Evaluate,
    asked: str,
) -> Tables:
    """Return every table of the study, by the name of its file in plots/, on exact values.

    Rows of augmentations say in ``asked`` whether theirs is the one that was asked for.

    Args:
        predictions: of all configurations.
        rescaled: of configurations that enlarge training nuclei, what they predict of test nuclei
            that are as large.
        training: what each configuration's training recorded.
        resampled: the predictions' bootstrap.
        knobs: of the stage evaluate.
        asked: the experiment's augmentation.
    """
    margin, planned = knobs.margin, knobs.planned
    intervals, by_site = inference.intervals(resampled), sites.scores_of_sites(predictions)
    scores = with_intervals(bootstrap.scores_of_configurations(resampled), intervals)
    differences = comparisons.differences(resampled, margin, planned)
    overall = comparisons.against_none(resampled, margin, planned)
    verdicts, standings = claims.judge(resampled, margin), best.standings(resampled, METRIC)
    checkpoints = trainings.rows(training, "checkpoints")
    tables = {
        "forest": comparisons.forest(differences, overall),
        "augmentations": of_augmentations(overall, standings),
        "power": power.needs(resampled, overall, verdicts, margin),
        "configurations": scores.merge(calibration.errors(predictions), on=CONFIGURATION),
        "differences": differences,
        "claims": verdicts,
        "volumes": learning_curve.gains(resampled, METRIC, margin),
        "dose": dose.doses(scores, differences),
        "sites": by_site,
        "site_gains": sites.gains(by_site),
        "classes": inference.per_class(intervals),
        "calibration": calibration.reliability(predictions),
        "roc": curves.roc(predictions),
        "confusion": curves.confusion(predictions),
        "curves": curves.training_curves(trainings.rows(training, "curves")),
        "nuclei": hard_nuclei(predictions, best.leader(standings), knobs.examples),
        "checkpoints": checkpoints[
            [*CONFIGURATION, "fold", "repeat", "updates", "of", "validation_loss"]
        ],
    }
    against_real = comparisons.synthetic_against_real(resampled, margin)
    if len(against_real):
        tables["synthetic_against_real"] = against_real
    # Of any training: the pools of a study are made with the same knobs, so they are the same.
    if synthetic := next((of["synthetic"] for of in training.values() if "synthetic" in of), None):
        tables["synthetic_nuclei"] = pd.DataFrame(synthetic)
    if rescaled:
        none = {key: of for key, of in predictions.configurations.items() if key[0] == "none"}
        enlarged = Predictions(predictions.tested, none | rescaled)
        again = bootstrap.resample(enlarged, knobs.resamples, knobs.seed)
        tables["scale"] = scale(differences, again)
    return {
        name: table.assign(asked=table["aug"] == asked) if "aug" in table else table
        for name, table in tables.items()
    }


def of_augmentations(overall: pd.DataFrame, standings: pd.DataFrame) -> pd.DataFrame:
    """Put together what the study tells of each augmentation over all volumes, none among them.

    Args:
        overall: of `comparisons.against_none`.
        standings: of `best.standings`.

    Returns:
        ``aug``; its macro AUC minus none's (``difference, low, high, p_holm, p_tost_holm``) and
        ``verdict``; the differences of log loss and overconfidence (``log_loss, log_loss_low``,
        ...); against the best other augmentation ``lead, lead_low, lead_high, leads, may_be_best,
        share``.
    """
    bounds = ["difference", "low", "high"]
    table = standings.rename(columns={"low": "lead_low", "high": "lead_high"})
    for metric in ("overconfidence", "log_loss"):
        names = dict(zip(bounds, (metric, f"{metric}_low", f"{metric}_high"), strict=True))
        rows = overall.loc[overall["metric"] == metric, ["aug", *bounds]]
        table = rows.rename(columns=names).merge(table, on="aug", how="right")
    columns = ["aug", *bounds, "p_holm", "p_tost_holm", "verdict"]
    rows = overall.loc[overall["metric"] == METRIC, columns]
    return rows.merge(table, on="aug", how="right")


def scale(differences: pd.DataFrame, enlarged: Bootstrap) -> pd.DataFrame:
    """Compare what enlarging does when test nuclei stay as they are, and when they are as large.

    Args:
        differences: of `comparisons.differences`.
        enlarged: of none, and of the configurations that enlarge, on test nuclei as large.

    Returns:
        ``aug, volume`` and the difference of macro AUC against none, test as it is (``difference,
        low, high``) and at the training scale (``scaled, scaled_low, scaled_high``).
    """
    names = {"difference": "scaled", "low": "scaled_low", "high": "scaled_high"}
    as_it_is, scaled = (
        rows.loc[rows["metric"] == METRIC, [*CONFIGURATION, *names]]
        for rows in (differences, comparisons.differences(enlarged, margin=1, planned=()))
    )
    return as_it_is.merge(scaled.rename(columns=names), on=CONFIGURATION)


def with_intervals(scores: pd.DataFrame, intervals: pd.DataFrame) -> pd.DataFrame:
    """Add every score's 95 % interval to its row, as ``_low`` and ``_high``.

    Args:
        scores: ``aug, volume`` and a column per metric.
        intervals: of `inference.intervals`.
    """
    bounds = intervals.pivot(index=CONFIGURATION, columns="metric", values=["low", "high"])
    bounds.columns = [f"{metric}_{bound}" for bound, metric in bounds.columns]
    names = [f"{metric}_{bound}" for bound in ("low", "high") for metric in METRICS]
    return scores.merge(bounds[names].reset_index(), on=CONFIGURATION)


def chosen_by_validation(checkpoints: pd.DataFrame) -> Configuration:
    """Return the configuration of the lowest mean loss on validation, which holds no test patient.

    Args:
        checkpoints: of every network, ``aug, volume, validation_loss``.
    """
    return checkpoints.groupby(CONFIGURATION)["validation_loss"].mean().idxmin()


def metrics(
    tables: Tables, records: dict[Configuration, dict], aug: str, volume: float, floor: float | None
) -> dict[str, dict]:
    """Return the content of every file of metrics/, by its name.

    Args:
        tables: of `study`.
        records: what each configuration was trained with and on.
        aug: the experiment's augmentation.
        volume: the experiment's volume.
        floor: the size-only macro AUC; None if the data have no sizes.
    """
    scores, differences = tables["configurations"], tables["differences"]
    content = {"experiment": experiment(scores, differences, (aug, volume), floor)}
    for (aug, volume), record in records.items():
        used = {name: record[name] for name in USED}
        content[f"{aug}/x{volume:g}"] = of_configuration(scores, differences, (aug, volume), used)
    return content


def of_configuration(
    scores: pd.DataFrame, differences: pd.DataFrame, configuration: Configuration, used: dict
) -> dict:
    """Return the content of a configuration's metrics file.

    Each score has its ``mean``, ``sd`` over repeats, 95 % interval ``low`` and ``high`` and its
    difference ``minus_none``; numbers that do not exist are left out.

    Args:
        scores: of every configuration, with intervals and ``ece``.
        differences: of `comparisons.differences`.
        configuration: which one.
        used: what it was trained with.
    """
    row = _rows(scores, configuration).iloc[0]
    content = {}
    for name in METRICS:
        values = {key: row[f"{name}_{key}"] for key in ("sd", "low", "high")}
        content[name] = _without_nan({"mean": row[name]} | values)
        if difference := _minus_none(differences, configuration, name):
            content[name]["minus_none"] = difference
    return content | {"ece": row["ece"], "used": used}


def experiment(
    scores: pd.DataFrame,
    differences: pd.DataFrame,
    configuration: Configuration,
    floor: float | None,
) -> dict:
    """Return the experiment's headline: its scores, their differences to none, the size floor.

    Macro AUC, and its difference, come with their 95 % intervals; args as for `of_configuration`.
    """
    row, (aug, volume) = _rows(scores, configuration).iloc[0], configuration
    content = {"configuration": f"{aug} x{volume:g}", **{name: row[name] for name in HEADLINE}}
    gaps = {name: _minus_none(differences, configuration, name) for name in HEADLINE}
    if auc := gaps[METRIC]:
        content["minus_none"] = {name: gap["difference"] for name, gap in gaps.items()} | {
            f"{METRIC}_{name}": auc[name] for name in ("low", "high", "p_holm") if name in auc
        }
    bounds = [f"{METRIC}_{bound}" for bound in ("low", "high")]
    content |= _without_nan({name: row[name] for name in bounds})
    return content if floor is None else content | {"size_only_macro_auc": floor}


def _rows(table: pd.DataFrame, configuration: Configuration) -> pd.DataFrame:
    aug, volume = configuration
    return table[(table["aug"] == aug) & (table["volume"] == volume)]


def _minus_none(differences: pd.DataFrame, configuration: Configuration, metric: str) -> dict:
    """Return the difference to none; empty for none itself, and if there is no none."""
    rows = _rows(differences, configuration)
    rows = rows.loc[rows["metric"] == metric, ["difference", "low", "high", "p_holm"]]
    return _without_nan(rows.iloc[0].to_dict()) if len(rows) else {}


def _without_nan(values: dict) -> dict:
    return {name: value for name, value in values.items() if pd.notna(value)}
