"""The report's part about nuclei that networks made, for studies with such an arm."""

import pandas as pd

from nuclei.core.classes import CLASSES
from nuclei.report.markdown import change, number, table, times
from nuclei.report.tables import Tables


def made_nuclei(tables: Tables) -> list[str]:
    """Whether made nuclei help, and how near they come to real ones; nothing without them.

    Args:
        tables: of the study; ``made_nuclei`` has a row per fold and set of nuclei,
            ``made_against_real`` a row per such arm and volume, where its other arm is there too.
    """
    if "synthetic_nuclei" not in tables:
        return []
    return ["## Made nuclei", *_gains(tables), *_qualities(tables)]


def _gains(tables: Tables) -> list[str]:
    if "synthetic_against_real" not in tables:
        return []
    rows = pd.DataFrame(
        {
            "augmentation": row["aug"],
            "minus": row["other"],
            "volume": times(row["volume"]),
            "macro AUC": change(row, "difference"),
            "verdict": f"**{row['verdict']}**",
        }
        for _, row in tables["synthetic_against_real"].iterrows()
    )
    return [
        "Each augmentation that shows made nuclei, minus the same one without them, with 95 % "
        "intervals; the verdict is adjusted over the rows of a volume. Up to ×1 both show the "
        "same, real nuclei alone.",
        table(rows),
    ]


def _qualities(tables: Tables) -> list[str]:
    found = tables["synthetic_nuclei"].drop(columns="fold")
    means = found.groupby("nuclei", sort=False).mean().reset_index()
    rows = pd.DataFrame(
        {
            "nuclei": row["nuclei"],
            "KID × 1000": number(row["kid"], ".1f"),
            "precision": number(row["precision"], ".2f"),
            "recall": number(row["recall"], ".2f"),
            "near": number(row["near"], ".2f"),
        }
        | {f"{label} right": number(row[f"accuracy_{label}"], ".2f") for label in CLASSES}
        for _, row in means.iterrows()
    )
    return [
        "For every fold a network has learned from the fold's training nuclei, and has made nuclei "
        "of each class. Here they are compared with the fold's validation nuclei, which no network "
        "has learned from, beside training nuclei shown again and noise; means over folds. In the "
        "row of validation nuclei the first four numbers are what the words mean. All is "
        "measured in the features of a small network of this project that was trained to tell the "
        "fold's training nuclei apart: the numbers compare rows here, not with other publications. "
        "*KID*: a distance between distributions, 0 where both are one. *Precision*: the share "
        "that lies among validation nuclei. *Recall*: the share of validation nuclei that lie "
        "among these. *Near*: the share that is nearer to a training nucleus than all but 5 % of "
        "validation nuclei are; of copies it is 1. *Right*: how often that network says the class "
        "they were made as; of validation nuclei, their own.",
        table(rows),
    ]
