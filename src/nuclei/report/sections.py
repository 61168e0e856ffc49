"""The parts of report.md below the comparison of arms: claims, volumes, sites, classes."""

from nuclei.pipeline.params import StudyParams

import pandas as pd

from nuclei.report.comparison import shared_volumes
from nuclei.report.markdown import NONE, change, figure, interval, number, table, times
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
    return pd.DataFrame(
        {
            "augmentation": row["aug"],
            "from": times(row["smaller"]),
            "to": times(row["larger"]),
            "gain (95 %)": change(row, "gain"),
            "verdict": "" if pd.isna(row["verdict"]) else row["verdict"],
        }
        for _, row in volumes.iterrows()
    )


def strength(dose: pd.DataFrame) -> list[str]:
    """What the strength of an operation does; nothing where no strengths can be compared.

    Args:
        dose: of `dose.doses`.
    """
    if dose.empty:
        return []
    return [
        "## Strength",
        "Macro AUC of each strength of an operation, minus `none` at the same volume. The random "
        "numbers are the same at every strength, and trainings start from the same seeds. Judge "
        "each by its own interval; the best of several is in part the luckiest. Where the best is "
        "the weakest or the strongest that was tried, a further one may be better.",
        figure(
            "dose",
            "Macro AUC minus `none` over the strength, with 95 % intervals; the volumes of a "
            "strength stand beside each other.",
        ),
        table(strengths(dose)),
    ]


def strengths(dose: pd.DataFrame) -> pd.DataFrame:
    """Every strength against none, a column per volume."""
    lines: dict[tuple, dict] = {}
    for _, row in dose.sort_values(["series", "strength"], kind="stable").iterrows():
        strength = f"{row['strength']:g} {row['unit']}".rstrip()
        told = {"series": row["series"], "strength": strength, "augmentation": row["aug"]}
        line = lines.setdefault((row["series"], row["aug"]), told)
        line[f"− none, {times(row['volume'])}"] = change(row, "difference")
    return pd.DataFrame(lines.values()).fillna(NONE)


def about_sites(sites: pd.DataFrame, shared: dict[int, list[str]]) -> str:
    """How to read the table of sites, and whether the networks had seen them.

    Args:
        sites: of `sites.scores_of_sites`.
        shared: of `folds.shared_sites`.
    """
    tested = sites["site"].nunique()
    seen = sorted({site for of_fold in shared.values() for site in of_fold})
    unseen = (
        f"All {tested} hospitals are tested by networks that have seen none of their patients."
        if not seen
        else f"{len(seen)} of the {tested} hospitals have other patients in their networks' "
        f"training or validation: {', '.join(seen)}."
    )
    text = f"{unseen} Macro AUC over a site's own classes, without intervals: it has few patients."
    alone = sites.loc[sites["macro_auc"].isna(), "site"].unique()
    return text + (f" Left out, with one class: {', '.join(alone)}." if len(alone) else "")


def sites(sites: pd.DataFrame, volume: float) -> pd.DataFrame:
    """Macro AUC of every augmentation at every site."""
    here, key = sites[sites["volume"] == volume], ["site", "fold"]
    about = here.groupby(key)[["patients", "nuclei", "classes"]].first()
    scores = here.pivot(index=key, columns="aug", values="macro_auc")[here["aug"].unique()]
    return about.join(scores.map(number)).reset_index()


def gains(gained: pd.DataFrame) -> list[str]:
    """At how many hospitals every arm gains, and how much: each hospital counts once.

    Args:
        gained: of `sites.gains`.
    """
    if gained.empty:
        return []
    lines = []
    for aug, rows in gained.groupby("aug", sort=False):
        gain = rows.set_index("site")["gain"]
        without = rows.loc[rows["gain"].idxmax(), "without"]
        lines.append(
            {
                "augmentation": aug,
                "hospitals that gain": f"{(gain > 0).sum()} of {len(gain)}",
                "mean over hospitals": number(gain.mean(), "+.3f"),
                "least": f"{number(gain.min(), '+.3f')}, {gain.idxmin()}",
                "most": f"{number(gain.max(), '+.3f')}, {gain.idxmax()}",
                "without the one that gains most": number(without, "+.3f"),
            }
        )
    return [
        "What every arm gains on `none` at each hospital, over "
        f"{shared_volumes(gained['aug'].unique())}. Each hospital counts once here; all other "
        "differences are means over patients, in which large hospitals weigh most. *Without the "
        "one that gains most*: the difference over the patients of all other hospitals. Hospitals "
        "of one fold are tested by the same networks.",
        table(pd.DataFrame(lines)),
    ]


def about_ends(params: StudyParams, hospitals: bool) -> str:
    """How the end of each training was chosen, where hospitals are known or not."""
    if params.train.checkpoint == "last":
        return "Every network was kept as it was after all its updates."
    patience = params.train.patience
    often = f"at most {params.train.evaluations}" if patience else str(params.train.evaluations)
    text = (
        f"Every network was measured {often} times on its fold's validation "
        f"{'hospitals' if hospitals else 'patients'}, and kept "
        "as it was where its loss there was lowest: arms differ in how long they should train. "
        "All have the same budget and the same rule."
    )
    given_up = f" {patience} points in a row without a lower loss end a training."
    return text + (given_up if patience else "")


def ends(ends: pd.DataFrame) -> pd.DataFrame:
    """After how many updates the networks of a cell were kept: median and range over them."""
    lines: dict[str, dict] = {}
    for (aug, volume), rows in ends.groupby(["aug", "volume"], sort=False):
        median, low, high = (f"{rows['updates'].agg(how):g}" for how in ("median", "min", "max"))
        late = (rows["updates"] == rows["of"]).sum()
        told = f"{median} ({low} to {high})" + (f", {late} at the end" if late else "")
        lines.setdefault(aug, {"augmentation": aug})[times(volume)] = told
    return pd.DataFrame(lines.values()).fillna(NONE)


def classes(classes: pd.DataFrame, volume: float) -> pd.DataFrame:
    """AUC and recall of every class."""
    lines: dict[str, dict] = {}
    for _, row in classes[classes["volume"] == volume].iterrows():
        line = lines.setdefault(row["aug"], {"augmentation": row["aug"]})
        for score, name in (("auc", "AUC"), ("recall", "recall")):
            line[f"{name} {row['class']}"] = interval(row, score)
    return pd.DataFrame(lines.values())
