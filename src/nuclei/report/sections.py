"""The parts of report.md below the comparison of arms: claims, volumes, sites, classes."""

import pandas as pd

from nuclei.params.study import StudyParams
from nuclei.report.markdown import NONE, change, interval, number, times
from nuclei.statistics.rules import RULES


def about_claims(params: StudyParams) -> str:
    """What a verdict means on these data."""
    text = (
        "Judged on these data, each by a rule below. *Undecided*: the data allow either. *Not "
        "judged*: the study lacks cells that the claim is about."
    )
    if params.data == "simulated":
        text += " **This is a simulation: the verdicts are about the simulator, not about tissue.**"
    return text


def claims(judged: pd.DataFrame) -> pd.DataFrame:
    """Every claim with its estimate, rule and verdict."""
    return pd.DataFrame(
        {
            "#": row["claim"],
            "the notebook said": row["said"],
            "judged by": row["about"],
            "estimate (95 %)": change(row, "estimate"),
            "rule": row["rule"],
            "margin": f"{row['margin']:g}",
            "verdict": f"**{row['verdict']}**",
        }
        for _, row in judged.iterrows()
    )


def rules(judged: pd.DataFrame) -> str:
    """Each rule that was used, with its text."""
    return "\n".join(f"- *{name}*: {RULES[name].text}" for name in judged["rule"].unique())


def volumes(volumes: pd.DataFrame) -> pd.DataFrame:
    """What more volume buys every augmentation."""
    fitted = volumes["a"].notna().any()
    return pd.DataFrame(
        {
            "augmentation": row["aug"],
            "from": times(row["smaller"]),
            "to": times(row["larger"]),
            "gain (95 %)": change(row, "gain"),
            "verdict": "" if pd.isna(row["verdict"]) else row["verdict"],
        }
        | ({"fit": _fit(row)} if fitted else {})
        for _, row in volumes.iterrows()
    )


def _fit(row: pd.Series) -> str:
    a, b, c = number(row["a"]), number(row["b"], "+.3f"), number(-row["c"], ".2f")
    return NONE if pd.isna(row["a"]) else f"{a} {b} · volume^{c}"


def about_sites(sites: pd.DataFrame) -> str:
    """How to read the table of sites."""
    text = "Macro AUC over the classes that a site has. A site has few patients: no intervals."
    alone = sites.loc[sites["macro_auc"].isna(), "site"].unique()
    return text + (f" Left out, with one class: {', '.join(alone)}." if len(alone) else "")


def sites(sites: pd.DataFrame, volume: float) -> pd.DataFrame:
    """Macro AUC of every augmentation at every site."""
    here = sites[sites["volume"] == volume]
    about = here.groupby("site")[["patients", "nuclei", "classes"]].first()
    scores = here.pivot(index="site", columns="aug", values="macro_auc")[here["aug"].unique()]
    return about.join(scores.map(number)).reset_index()


def classes(classes: pd.DataFrame, volume: float) -> pd.DataFrame:
    """AUC and recall of every class."""
    lines: dict[str, dict] = {}
    for _, row in classes[classes["volume"] == volume].iterrows():
        line = lines.setdefault(row["aug"], {"augmentation": row["aug"]})
        for score, name in (("auc", "AUC"), ("recall", "recall")):
            line[f"{name} {row['class']}"] = interval(row, score)
    return pd.DataFrame(lines.values())
