"""The study's tables and metrics files, put together from scores and statistics."""

import numpy as np
import pandas as pd

from nuclei.statistics import (
    best,
    bootstrap,
    calibration,
    claims,
    curves,
    dose,
    inference,
    learning_curve,
    power,
    sites,
)
from nuclei.statistics import comparisons as arms
from nuclei.statistics.bootstrap import Bootstrap
from nuclei.statistics.hard_nuclei import hard_nuclei
from nuclei.statistics.params import Evaluate
from nuclei.statistics.predictions import CONFIGURATION, Configuration, Predictions
from nuclei.statistics.scores import METRICS

HEADLINE = ["macro_auc", "accuracy", "balanced_accuracy", "log_loss"]
USED = ["device", "precision", "replicas", "tensorflow", "nuclei", "updates"]


Tables = dict[str, pd.DataFrame]


def study(
    predictions: Predictions,
    rescaled: dict[Configuration, np.ndarray],
    training: pd.DataFrame,
    ends: pd.DataFrame,
    drawn: Bootstrap,
    knobs: Evaluate,
    asked: str,
) -> Tables:
    """Every table of the study, by the name of its file in plots/.

    Rows of arms say in ``asked`` whether theirs is the one that was asked for.

    Args:
        predictions: of all cells.
        rescaled: of cells that enlarge training nuclei, what they make of test nuclei as large.
        training: rows of training curves, with ``aug`` and ``volume``.
        ends: how each network ended, with ``aug`` and ``volume``.
        drawn: the predictions' bootstrap.
        knobs: of the stage evaluate.
        asked: the experiment's augmentation.
    """
    margin, intervals = knobs.margin, inference.intervals(drawn)
    cells = with_intervals(bootstrap.scores_of_configurations(drawn), intervals)
    differences, overall = (
        compare(drawn, margin, knobs.planned) for compare in (arms.differences, arms.against_none)
    )
    judged = claims.judge(drawn, margin)
    standings, by_site = best.standings(drawn, arms.METRIC), sites.scores_of_sites(predictions)
    found = {
        "forest": arms.forest(differences, overall),
        "augmentations": of_arms(overall, standings),
        "power": power.needs(drawn, overall, judged, margin),
        "configurations": cells.merge(calibration.errors(predictions), on=CONFIGURATION),
        "differences": differences,
        "claims": judged,
        "volumes": learning_curve.gains(drawn, "macro_auc", margin),
        "dose": dose.doses(cells, differences),
        "sites": by_site,
        "site_gains": sites.gains(by_site),
        "classes": inference.per_class(intervals),
        "calibration": calibration.reliability(predictions),
        "roc": curves.roc(predictions),
        "confusion": curves.confusion(predictions),
        "curves": curves.training_curves(training),
        "nuclei": hard_nuclei(predictions, best.leader(standings), knobs.examples),
        "checkpoints": ends[[*CONFIGURATION, "fold", "repeat", "updates", "of", "validation_loss"]],
    }
    if len(made := arms.synthetic_against_real(drawn, margin)):
        found["synthetic_against_real"] = made
    if rescaled:
        none = {cell: of for cell, of in predictions.configurations.items() if cell[0] == "none"}
        enlarged = Predictions(predictions.tested, none | rescaled)
        again = bootstrap.resample(enlarged, knobs.resamples, knobs.seed)
        found["scale"] = scale(differences, again)
    return {
        name: table.assign(asked=table["aug"] == asked) if "aug" in table else table
        for name, table in found.items()
    }


def of_arms(overall: pd.DataFrame, standings: pd.DataFrame) -> pd.DataFrame:
    """What is said of an arm over all volumes, a row per arm, none among them.

    Args:
        overall: of `arms.against_none`.
        standings: of `best.standings`.

    Returns:
        ``aug``; its macro AUC minus none's (``difference, low, high, p_holm, p_tost_holm``) and
        ``verdict``; the differences of log loss and overconfidence (``log_loss, log_loss_low``,
        ...); against the best other arm ``lead, lead_low, lead_high, leads, may_be_best,
        share``.
    """
    ends = ["difference", "low", "high"]
    table = standings.rename(columns={"low": "lead_low", "high": "lead_high"})
    for metric in ("overconfidence", "log_loss"):
        names = dict(zip(ends, (metric, f"{metric}_low", f"{metric}_high"), strict=True))
        rows = overall.loc[overall["metric"] == metric, ["aug", *ends]]
        table = rows.rename(columns=names).merge(table, on="aug", how="right")
    columns = ["aug", *ends, "p_holm", "p_tost_holm", "verdict"]
    rows = overall.loc[overall["metric"] == arms.METRIC, columns]
    return rows.merge(table, on="aug", how="right")


def scale(differences: pd.DataFrame, enlarged: Bootstrap) -> pd.DataFrame:
    """What enlarging does when test nuclei stay as they are, and when they are as large.

    Args:
        differences: of `arms.differences`.
        enlarged: of none, and of the cells that enlarge, on test nuclei as large.

    Returns:
        ``aug, volume`` and the difference of macro AUC against none, test as it is (``difference,
        low, high``) and at the training scale (``scaled, scaled_low, scaled_high``).
    """
    names = {"difference": "scaled", "low": "scaled_low", "high": "scaled_high"}
    as_it_is, scaled = (
        rows.loc[rows["metric"] == "macro_auc", [*CONFIGURATION, *names]]
        for rows in (differences, arms.differences(enlarged, margin=1, planned=()))
    )
    return as_it_is.merge(scaled.rename(columns=names), on=CONFIGURATION)


def with_intervals(cells: pd.DataFrame, intervals: pd.DataFrame) -> pd.DataFrame:
    """Add every score's 95 % interval to its row, as ``_low`` and ``_high``.

    Args:
        cells: ``aug, volume`` and a column per score.
        intervals: of `inference.intervals`.
    """
    ends = intervals.pivot(index=CONFIGURATION, columns="metric", values=["low", "high"])
    names = [f"{metric}_{end}" for end in ("low", "high") for metric in METRICS]
    ends.columns = [f"{metric}_{end}" for end, metric in ends.columns]
    return cells.merge(ends[names].reset_index(), on=CONFIGURATION)


def chosen_by_validation(ends: pd.DataFrame) -> Configuration:
    """The cell whose networks have the lowest mean loss on validation, which no test patient is in.

    Args:
        ends: how each network ended: ``aug, volume, validation_loss``.
    """
    return ends.groupby(CONFIGURATION)["validation_loss"].mean().idxmin()


def cell(table: pd.DataFrame, aug: str, volume: float) -> pd.DataFrame:
    """The rows of one cell."""
    return table[(table["aug"] == aug) & (table["volume"] == volume)]


def metrics(
    tables: Tables, records: dict[Configuration, dict], aug: str, volume: float, floor: float | None
) -> dict[str, dict]:
    """The content of every file of metrics/, by its name.

    Args:
        tables: of `study`.
        records: what each cell was trained with and on.
        aug: the experiment's augmentation.
        volume: the experiment's volume.
        floor: the size-only macro AUC, None where no sizes are known.
    """
    cells, differences = tables["configurations"], tables["differences"]
    content = {"experiment": experiment(cells, differences, aug, volume, floor)}
    for (aug, volume), record in records.items():
        used = {name: record[name] for name in USED}
        content[f"{aug}/x{volume:g}"] = cell_metrics(cells, differences, aug, volume, used)
    return content


def cell_metrics(
    cells: pd.DataFrame, differences: pd.DataFrame, aug: str, volume: float, used: dict
) -> dict:
    """The content of a cell's metrics file.

    Each score has its ``mean``, ``sd`` over repeats, 95 % interval ``low`` and ``high`` and its
    difference ``minus_none``; numbers that do not exist are left out.

    Args:
        cells: with intervals and ``ece``.
        differences: of `arms.differences`.
        aug: the cell's augmentation.
        volume: the cell's volume.
        used: what the cell was made with.
    """
    row = cell(cells, aug, volume).iloc[0]
    content = {}
    for name in METRICS:
        found = {"mean": row[name]} | {end: row[f"{name}_{end}"] for end in ("sd", "low", "high")}
        content[name] = _known(found)
        if against := _against(differences, aug, volume, name):
            content[name]["minus_none"] = against
    return content | {"ece": row["ece"], "used": used}


def experiment(
    cells: pd.DataFrame,
    differences: pd.DataFrame,
    aug: str,
    volume: float,
    floor: float | None,
) -> dict:
    """The experiment's headline: its scores, their differences against ``none``, the size floor.

    Macro AUC, and its difference, come with their 95 % intervals; args as for `cell_metrics`.
    """
    row = cell(cells, aug, volume).iloc[0]
    headline = {"arm": f"{aug} x{volume:g}", **{name: row[name] for name in HEADLINE}}
    against = {name: _against(differences, aug, volume, name) for name in HEADLINE}
    if auc := against["macro_auc"]:
        headline["minus_none"] = {name: found["difference"] for name, found in against.items()} | {
            f"macro_auc_{name}": auc[name] for name in ("low", "high", "p_holm") if name in auc
        }
    headline |= _known({f"macro_auc_{end}": row[f"macro_auc_{end}"] for end in ("low", "high")})
    return headline if floor is None else headline | {"size_only_macro_auc": floor}


def _against(differences: pd.DataFrame, aug: str, volume: float, metric: str) -> dict:
    """The difference against ``none``; empty for ``none`` itself, and where there is no none."""
    rows = cell(differences, aug, volume)
    rows = rows.loc[rows["metric"] == metric, ["difference", "low", "high", "p_holm"]]
    return _known(rows.iloc[0].to_dict()) if len(rows) else {}


def _known(values: dict) -> dict:
    return {name: value for name, value in values.items() if pd.notna(value)}
