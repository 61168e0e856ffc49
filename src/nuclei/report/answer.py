"""The study's answer in one paragraph: which augmentation, how much data, and how sure."""

import textwrap

from nuclei.pipeline.params import StudyParams

import pandas as pd

from nuclei.report.markdown import change, number, times
from nuclei.report.tables import Tables
from nuclei.statistics import sites
from nuclei.statistics.best import leader
from nuclei.statistics.comparisons import BETTER, EQUIVALENT, UNDECIDED, WORSE
from nuclei.statistics.predictions import Tested

WIDTH = 100  # characters in a line of the page of charts


def answer(params: StudyParams, tested: Tested, seen: set[str], tables: Tables) -> list[str]:
    """Say what the study found: differences are means over the volumes, with 95 % intervals.

    Args:
        params: the whole of params.yaml.
        tested: the nuclei that are tested.
        seen: tested sites of which networks have seen other patients.
        tables: of `tables.study`.

    Returns:
        Sentences, in markdown.
    """
    arms, margin = tables["augmentations"], params.evaluate.margin
    compared = arms["difference"].notna().any()
    return [
        *(_best(arms, margin) if compared else ["The study has no arm to compare with `none`."]),
        *(_verdicts(arms, margin) if compared else []),
        *(_where(tables) if compared and sites.known(tested) else []),
        *_at_volumes(tables),
        *_volume(tables),
        _who(params, tested, seen),
        *_simulated(params),
    ]


def lines(sentences: list[str]) -> pd.DataFrame:
    """The same for the page of charts, which knows no markdown: ``line, text``."""
    plain = " ".join(sentences).replace("`", "").replace("*", "")
    wrapped = textwrap.wrap(plain, WIDTH)
    return pd.DataFrame({"line": range(len(wrapped)), "text": wrapped})


def _best(arms: pd.DataFrame, margin: float) -> list[str]:
    """Which arm looks best, what that is worth, and which others may be the best."""
    best = arms.set_index("aug").loc[leader(arms)]
    gain = f"macro AUC {change(best, 'difference')} against no augmentation"
    equal = f"`{best.name}` looks best, and is as good as none within ± {margin:g}: {gain}."
    first = {
        BETTER: f"**`{best.name}` helps**: {gain}; it is the arm that looks best.",
        EQUIVALENT: f"**No augmentation is shown to help, over all volumes.** {equal}",
        UNDECIDED: "**Whether an augmentation helps is undecided, over all volumes.** "
        f"`{best.name}` looks best: {gain}.",
    }.get(best["verdict"], "**No augmentation looks better than `none`.**")
    helpful = arms.loc[arms["verdict"] == BETTER, "aug"].tolist()
    if helpful and best["verdict"] in (EQUIVALENT, UNDECIDED):
        first = f"**What helps: {_listed(helpful)}.** `{best.name}` looks best: {gain}."
    rivals = arms.loc[arms["may_be_best"], "aug"].tolist()
    if rivals == [best.name]:
        return [first, f"Of all arms, `{best.name}` alone may be the best (95 %)."]
    return [
        first,
        f"The best of all arms is one of {_listed(rivals)} (95 %); in {100 * best['share']:.0f} % "
        f"of the resamples it is `{best.name}`.",
    ]


def _verdicts(arms: pd.DataFrame, margin: float) -> list[str]:
    """What each arm is against none."""
    of = {verdict: rows["aug"].tolist() for verdict, rows in arms.groupby("verdict")}
    told = []
    if better := of.get(BETTER, []):
        told.append(f"Better than `none`, over all volumes: {_listed(better)}.")
    if worse := of.get(WORSE, []):
        told.append(f"Worse: {_listed(worse)}.")
    if equivalent := of.get(EQUIVALENT, []):
        told.append(f"As good as `none`, within ± {margin:g}: {_listed(equivalent)}.")
    if undecided := of.get(UNDECIDED, []):
        told.append(f"Undecided: {_listed(undecided)}.")
    return told


def _where(tables: Tables) -> list[str]:
    """At how many hospitals the arm that looks best gains: the mean over patients may hide it."""
    best = leader(tables["augmentations"])
    rows = tables["site_gains"].query("aug == @best")
    if len(rows) < 2:
        return []
    gained = rows.set_index("site")["gain"]
    low, high = gained.idxmin(), gained.idxmax()
    return [
        f"`{best}` gains at {(gained > 0).sum()} of {len(gained)} hospitals, "
        f"{number(gained.mean(), '+.3f')} if each counts once: from "
        f"{number(gained[low], '+.3f')} at {low} to {number(gained[high], '+.3f')} at {high}. "
        f"With the patients of {high} left out, the difference is "
        f"{number(rows.loc[rows['gain'].idxmax(), 'without'], '+.3f')}."
    ]


def _at_volumes(tables: Tables) -> list[str]:
    """What is better or worse at a volume, though not over all of them."""
    forest, told = tables["forest"], []
    for verdict in (BETTER, WORSE):
        rows = forest[forest["verdict"] == verdict]
        overall = rows.loc[rows["volume"] == "all", "aug"]
        at = rows[~rows["aug"].isin(overall)].groupby("volume", sort=False)["aug"].agg(list)
        named = [f"{_listed(arms)} at {times(float(volume))}" for volume, arms in at.items()]
        told += [f"{verdict} than `none`: {', '.join(named)}"] if named else []
    return [f"At single volumes, each judged by itself, {'; '.join(told)}."] if told else []


def _volume(tables: Tables) -> list[str]:
    """How much data it takes: what each step of volume gains the arm that looks best."""
    steps = tables["volumes"]
    best = leader(tables["augmentations"])
    own = steps[steps["aug"] == best]
    if own.empty:
        return []
    nuclei, draws = (
        ", ".join(
            f"{times(row['smaller'])} to {times(row['larger'])} {number(row['gain'], '+.3f')} "
            f"({row['verdict']})"
            for _, row in rows.iterrows()
        )
        for rows in (own[own["larger"] <= 1], own[own["larger"] > 1])
    )
    told = [f"More nuclei gain `{best}`, in macro AUC: {nuclei}."] if nuclei else []
    return told + ([f"More draws of the same nuclei: {draws}."] if draws else [])


def _who(params: StudyParams, tested: Tested, seen: set[str]) -> str:
    patients, hospitals = len(set(tested.patient)), len(set(tested.site))
    repeats = f"{_count(params.train.repeats, 'repeat')} of every training."
    if not sites.known(tested):
        return (
            f"{_count(patients, 'patient')} were tested, each by networks that have not seen them; "
            f"of no other hospital, as far as the data tell, so nothing here is about a new one; "
            f"{repeats}"
        )
    unseen = (
        "each by networks that have seen neither them nor their hospital"
        if not seen
        else "each by networks that have not seen them; of "
        f"{len(seen)} of the hospitals the networks have seen other patients"
    )
    return (
        f"{_count(patients, 'patient')} of {_count(hospitals, 'hospital')} were tested, {unseen}; "
        f"{repeats}"
    )


def _simulated(params: StudyParams) -> list[str]:
    if params.data != "simulated":
        return []
    return ["**The nuclei are simulated: nothing here is a finding about tissue.**"]


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" + ("s" if number > 1 else "")


def _listed(arms: list[str]) -> str:
    named = [f"`{aug}`" for aug in arms]
    return named[0] if len(named) == 1 else f"{', '.join(named[:-1])} and {named[-1]}"
