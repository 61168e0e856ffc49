"""The study's tables and metrics files, put together from scores and statistics."""

import numpy as np
import pandas as pd

from nuclei.statistics import (
    best,
    bootstrap,
    claims,
    comparisons,
    curves,
    dose,
    inference,
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
    asked: Configuration,
) -> Tables:
    """Return every table of the study, by the name of its file in plots/, on exact values.

    Rows of augmentations say in ``asked`` whether theirs is the one that was asked for. ROC curves
    are of its volume, and confusion is of it and of none. `rescaled`
    is what configurations that enlarge training nuclei predict of test nuclei that are as large.
    """
    margin, planned, (aug, volume) = knobs.margin, knobs.planned, asked
    at_volume = predictions.only(lambda key: key[1] == volume)
    by_site = sites.scores_of_sites(predictions)
    scores = inference.scores_of_configurations(resampled)
    differences = comparisons.differences(resampled, margin, planned)
    overall = comparisons.against_none(resampled, margin, planned)
    verdicts, standings = claims.judge(resampled, margin), best.standings(resampled, METRIC)
    checkpoints = trainings.rows(training, "checkpoints")
    tables = {
        "forest": comparisons.forest(differences, overall),
        "augmentations": of_augmentations(overall, standings),
        "power": power.needs(resampled, overall, verdicts, margin),
        "configurations": scores.merge(curves.calibration_errors(predictions), on=CONFIGURATION),
        "differences": differences,
        "claims": verdicts,
        "volumes": comparisons.gains_of_volumes(resampled, METRIC, margin),
        "dose": dose.doses(scores, differences),
        "sites": by_site,
        "site_gains": sites.gains(by_site),
        "classes": inference.per_class(scores),
        "calibration": curves.reliability(predictions),
        "roc": curves.roc(at_volume),
        "confusion": curves.confusion(at_volume.only(lambda key: key[0] in ("none", aug))),
        "curves": curves.training_curves(trainings.rows(training, "curves")),
        "nuclei": hard_nuclei(predictions, best.leader(standings), knobs.examples),
        "checkpoints": checkpoints[
            [*CONFIGURATION, "fold", "repeat", "updates", "of", "validation_loss", "late_fall"]
        ],
    }
    against_real = comparisons.synthetic_against_real(resampled, margin)
    if len(against_real):
        tables["synthetic_against_real"] = against_real
    # Of any training: the pools of a study are made with the same knobs, so they are the same.
    if synthetic := [one["synthetic"] for one in training.values() if "synthetic" in one]:
        tables["synthetic_nuclei"] = pd.DataFrame(synthetic[0])
    if rescaled:
        none = predictions.only(lambda key: key[0] == "none").configurations
        enlarged = Predictions(predictions.tested, none | rescaled)
        again = bootstrap.resample(enlarged, knobs.resamples, knobs.seed)
        tables["scale"] = scale(differences, again)
    return {
        name: table.assign(asked=table["aug"] == aug) if "aug" in table else table
        for name, table in tables.items()
    }


def of_augmentations(overall: pd.DataFrame, standings: pd.DataFrame) -> pd.DataFrame:
    """Put together what the study tells of each augmentation over all volumes, none among them.

    Of `comparisons.against_none`: ``difference, low, high, p_holm, p_tost_holm, verdict`` of macro
    AUC, and ``log_loss, log_loss_low``, ... of log loss and overconfidence. Of `best.standings`:
    ``lead, lead_low, lead_high, leads, may_be_best, share``.
    """
    bounds = ["difference", "low", "high"]
    table = standings.rename(columns={"low": "lead_low", "high": "lead_high"})
    judged = [*bounds, "p_holm", "p_tost_holm", "verdict"]
    for metric, columns in (("overconfidence", bounds), ("log_loss", bounds), (METRIC, judged)):
        rows = overall.loc[overall["metric"] == metric, ["aug", *columns]]
        if metric != METRIC:
            names = {"difference": metric, "low": f"{metric}_low", "high": f"{metric}_high"}
            rows = rows.rename(columns=names)
        table = rows.merge(table, on="aug", how="right")
    return table


def scale(differences: pd.DataFrame, enlarged: Bootstrap) -> pd.DataFrame:
    """Compare what enlarging does when test nuclei stay as they are, and when they are as large.

    `enlarged` is of none, and of the configurations that enlarge, on test nuclei as large: their
    differences are ``scaled, scaled_low, scaled_high``.
    """
    names = {"difference": "scaled", "low": "scaled_low", "high": "scaled_high"}
    as_it_is, scaled = (
        rows.loc[rows["metric"] == METRIC, [*CONFIGURATION, *names]]
        for rows in (differences, comparisons.differences(enlarged, margin=1, planned=()))
    )
    return as_it_is.merge(scaled.rename(columns=names), on=CONFIGURATION)


def chosen_by_validation(checkpoints: pd.DataFrame) -> Configuration:
    """Return the configuration of the lowest mean loss on validation: no test patient is in it."""
    return checkpoints.groupby(CONFIGURATION)["validation_loss"].mean().idxmin()


def metrics(
    tables: Tables, records: dict[Configuration, dict], aug: str, volume: float, floor: float | None
) -> dict[str, dict]:
    """Return the content of every file of metrics/, by its name.

    A configuration's file has of each score its ``mean``, ``sd`` over repeats, 95 % interval
    ``low`` and ``high`` and its difference ``minus_none``; numbers that do not exist are left out.
    `records` tell what each was trained with and on; `floor` is the size-only macro AUC, if any.
    """
    scores, gaps = (
        tables[name].set_index(CONFIGURATION).sort_index()
        for name in ("configurations", "differences")
    )
    content = {
        key: _scores(scores.loc[key], gaps.loc[[key]] if key in gaps.index else gaps[:0])
        for key in records
    }
    files = {"experiment": experiment((aug, volume), content[aug, volume], floor)}
    for (aug, volume), record in records.items():
        used = {name: record[name] for name in USED}
        about = {"ece": scores.loc[(aug, volume), "ece"], "used": used}
        files[f"{aug}/x{volume:g}"] = content[aug, volume] | about
    return files


def _scores(row: pd.Series, gaps: pd.DataFrame) -> dict[str, dict]:
    """Return one configuration's scores by name, from its rows of both tables."""
    content: dict[str, dict] = {}
    for name in METRICS:
        values = {"mean": row[name]} | {end: row[f"{name}_{end}"] for end in ("sd", "low", "high")}
        content[name] = _without_nan(values)
        of_metric = gaps.loc[gaps["metric"] == name, ["difference", "low", "high", "p_holm"]]
        for _, gap in of_metric.iterrows():
            content[name]["minus_none"] = _without_nan(gap.to_dict())
    return content


def experiment(configuration: Configuration, scores: dict[str, dict], floor: float | None) -> dict:
    """Return the headline: scores, as in the configuration's own file, and the size floor.

    Of macro AUC and its difference from none it has the 95 % intervals, too.
    """
    aug, volume = configuration
    content: dict[str, object] = {"configuration": f"{aug} x{volume:g}"}
    content |= {name: scores[name]["mean"] for name in HEADLINE}
    if gap := scores[METRIC].get("minus_none"):
        content["minus_none"] = {
            **{name: scores[name]["minus_none"]["difference"] for name in HEADLINE},
            **{f"{METRIC}_{key}": value for key, value in gap.items() if key != "difference"},
        }
    bounds = [key for key in ("low", "high") if key in scores[METRIC]]
    content |= {f"{METRIC}_{key}": scores[METRIC][key] for key in bounds}
    return content if floor is None else content | {"size_only_macro_auc": floor}


def _without_nan(values: dict) -> dict:
    return {name: value for name, value in values.items() if pd.notna(value)}
