"""The parts of report.md that compare arms: over all volumes, with each other, at each volume."""

from collections.abc import Iterable

import numpy as np
import pandas as pd

from nuclei.augmentation.recipes import generates
from nuclei.report.cautions import FEW_PATIENTS
from nuclei.report.markdown import NONE, change, figure, interval, number, p_value, table, times
from nuclei.report.tables import Tables
from nuclei.statistics.comparisons import UNDECIDED
from nuclei.statistics.power import ARM, MORE_REPEATS


def shared_volumes(augs: Iterable[str]) -> str:
    """Say over which volumes arms are compared with none: `arms.compared_volumes`, in words."""
    shared = "the volumes that all arms have"
    above = " (of an arm that shows made nuclei, over those above ×1, if there are any)"
    return shared + above if any(map(generates, augs)) else shared


def verdicts(arms: pd.DataFrame, margin: float) -> list[str]:
    """Every arm against none, one estimate over all volumes, with its verdict."""
    shown = arms[arms["difference"].notna()]
    if shown.empty:
        return []
    rows = pd.DataFrame(
        {
            "augmentation": _named(row),
            "macro AUC − none": change(row, "difference"),
            "p": p_value(row["p_holm"]),
            "verdict": f"**{row['verdict']}**",
            "log loss − none": _ends(row, "log_loss"),
            "overconfidence − none": _ends(row, "overconfidence"),
        }
        for _, row in shown.iterrows()
    )
    return [
        "## Every arm against no augmentation",
        f"The mean over {shared_volumes(shown['aug'])}, with 95 % intervals. *p*: Holm-adjusted "
        "over the planned arms, or over those added to them. *Equivalent*: within ± "
        f"{margin:g} at 5 %, adjusted alike. *Better*, *worse*: else, p < 0.05. *Undecided*: else; "
        "it is no evidence of no difference. Log loss: lower is better. *Overconfidence* is the "
        "mean probability of the class that a network names, less the share that is right: 0 is "
        "calibrated, and a change of it is neither good nor bad by itself.",
        table(rows),
    ]


def standings(arms: pd.DataFrame) -> list[str]:
    """The arms against each other: which of them may be the best."""
    if arms.empty:
        return []
    rows = pd.DataFrame(
        {
            "augmentation": _named(row),
            "macro AUC − best other": _ends(row, "lead"),
            "may be the best": "yes" if row["may_be_best"] else "no",
            "best in the resamples": f"{100 * row['share']:.0f} %",
        }
        for _, row in arms.sort_values("lead", ascending=False, kind="stable").iterrows()
    )
    return [
        "## The arms against each other",
        "Each arm against the best of the others, over all volumes: multiple comparisons with the "
        "best (Hsu 1981). The arms that *may be the best* are those that cannot be told from it; "
        "among them is the best one in about 95 % of studies (docs/statistics.md says when in "
        "fewer). An interval ends at 0 on the side that is ruled out: its lower end is how far "
        "behind the best the arm lies at most. The arm that looks best is in part the luckiest: "
        "expect less of it in another study. *Best in the resamples* is no probability that an "
        "arm is the best: of two arms that are equal, each is it in half.",
        table(rows),
    ]


def needs(power: pd.DataFrame, patients: int, repeats: int) -> list[str]:
    """What would decide the rest: the power table of what is undecided."""
    of_arms = power.loc[power["of"] == ARM, "found"].dropna()
    if of_arms.empty:
        return []
    rows = pd.DataFrame(
        {
            "undecided": row["comparison"],
            "estimate": number(row["estimate"], "+.3f"),
            "standard error: patients": number(row["se_patients"], ".4f"),
            "seeds": number(row["se_repeats"], ".4f") if repeats > 1 else NONE,
            "found by this study": number(row["found"]),
            "to be found": number(row["target"]),
            f"patients, {_repeats(repeats)}": _patients(row["patients"]),
        }
        | (
            {f"patients, {_repeats(MORE_REPEATS)}": _patients(row["patients_more"])}
            if 1 < repeats < MORE_REPEATS
            else {}
        )
        for _, row in power[power["verdict"] == UNDECIDED].iterrows()
    )
    return [
        "## What would decide the rest",
        f"With {patients} patients and {_repeats(repeats)}, this study finds a true difference "
        f"from `none`, the mean over the volumes, of {number(of_arms.min())} to "
        f"{number(of_arms.max())}, depending on the arm. *Found*: p < 0.05, not adjusted for the "
        "number of arms, in three to four of five such studies. For each undecided comparison the "
        "table says how many patients would find a true difference of the margin (for a claim "
        "without a margin, one of the estimate), if hospitals, folds and trainings stay as they "
        "are; to show that an arm is equivalent takes about a tenth more. *Not with so few "
        "repeats*: the noise of the training's seed alone hides such a difference. "
        + ("One repeat cannot tell that noise: it is left out. " if repeats == 1 else "")
        + "power.csv has the decided ones too.",
        table(rows) if len(rows) else "No comparison is undecided.",
    ]


def at_volumes(tables: Tables) -> list[str]:
    """A table of arms for each volume."""
    gaps = tables["differences"].set_index(["aug", "volume", "metric"])
    parts = []
    for volume, rows in tables["configurations"].groupby("volume"):
        lines = []
        for _, row in rows.iterrows():
            line = {"augmentation": _named(row)}
            for metric, name in (("macro_auc", "macro AUC"), ("accuracy", "accuracy")):
                key = (row["aug"], volume, metric)
                gap = gaps.loc[key] if key in gaps.index else None
                line[name] = interval(row, metric)
                line[f"{name} − none"] = NONE if gap is None else change(gap, "difference")
                line[f"p ({name})"] = NONE if gap is None else p_value(gap["p_holm"])
            line |= {"log loss": number(row["log_loss"]), "ECE": number(row["ece"])}
            lines.append(line)
        parts.append(f"### Volume {times(volume)}\n\n{table(pd.DataFrame(lines))}")
    return parts


def scale(tables: Tables) -> list[str]:
    """What enlarging does, test as it is and as large; nothing without such an arm."""
    if "scale" not in tables or tables["scale"].empty:
        return []
    ends = {"scaled": "difference", "scaled_low": "low", "scaled_high": "high"}
    rows = pd.DataFrame(
        {
            "augmentation": row["aug"],
            "volume": times(row["volume"]),
            "− none, test as it is": change(row, "difference"),
            "− none, test at the training scale": change(
                row[list(ends)].rename(ends), "difference"
            ),
        }
        for _, row in tables["scale"].iterrows()
    )
    return [
        "### What crop measures",
        "`crop` mixes two effects: it moves the window, and it enlarges every training nucleus "
        "1.5 times, or as its number says, while test nuclei stay as they are. Tested on the "
        "middle of each test crop, enlarged alike, the same networks differ from `none` by the "
        "second number. Macro AUC:",
        table(rows),
    ]


def scores(cells: pd.DataFrame) -> list[str]:
    """The charts of accuracy and loss at each volume."""
    return [
        figure(
            f"{name}-x{volume:g}",
            f"{score} at volume {times(volume)}: mean, 95 % interval and, as ticks, the repeats.",
        )
        for volume in sorted(cells["volume"].unique())
        for name, score in (("accuracy", "Accuracy"), ("loss", "Binary cross-entropy"))
    ]


def _named(row: pd.Series) -> str:
    """An arm's name; the one that was asked for in bold."""
    return f"**{row['aug']}**" if row.get("asked", False) else row["aug"]


def _ends(row: pd.Series, name: str) -> str:
    ends = {name: "value", f"{name}_low": "low", f"{name}_high": "high"}
    return change(row[list(ends)].rename(ends), "value")


def _patients(count: float) -> str:
    if np.isnan(count):
        return NONE
    if np.isinf(count):
        return "not with so few repeats"
    return f"fewer than {FEW_PATIENTS}" if count < FEW_PATIENTS else f"{count:,.0f}"


def _repeats(count: int) -> str:
    return f"{count} repeat" + ("s" if count > 1 else "")
