"""The study's answer in one paragraph: which augmentation, how much data, and how sure."""

import textwrap
from typing import Any

import pandas as pd

from nuclei.report.markdown import listed, render, times
from nuclei.report.page_tables import gains
from nuclei.report.tables import Tables
from nuclei.statistics import sites
from nuclei.statistics.best import leader
from nuclei.statistics.comparisons import BETTER, EQUIVALENT, UNDECIDED, WORSE
from nuclei.statistics.params import Experiment
from nuclei.statistics.predictions import Tested

WIDTH = 100  # characters in a line of the page of charts


def answer(
    experiment: Experiment, knobs: dict[str, Any], tested: Tested, seen: set[str], tables: Tables
) -> list[str]:
    """Answer in sentences, in markdown: differences are means over volumes, with 95 % intervals.

    Of the sites `seen`, networks have seen other patients; else as for `document.report`.
    """
    augmentations, steps = tables["augmentations"], tables["volumes"]
    best, sites_named = leader(augmentations), sites.known(tested)
    compared = augmentations["difference"].notna().any()
    steps = steps[steps["aug"] == best]
    by_site = gains(tables["site_gains"]).to_dict("records") if sites_named else []
    text = render(
        "answer.md.j2",
        knobs=knobs,
        margin=f"{experiment.margin:g}",
        compared=compared,
        leader=best,
        best=augmentations[augmentations["aug"] == best].iloc[0] if compared else None,
        rivals=augmentations.loc[augmentations["may_be_best"], "aug"].tolist(),
        by_verdict={
            verdict: augmentations.loc[augmentations["verdict"] == verdict, "aug"].tolist()
            for verdict in (BETTER, WORSE, EQUIVALENT, UNDECIDED)
        },
        gains=next((row for row in by_site if row["aug"] == best), None),
        at_volumes=_at_single_volumes(tables["forest"]),
        more_nuclei=steps[steps["larger"] <= 1].to_dict("records"),
        more_draws=steps[steps["larger"] > 1].to_dict("records"),
        patients=len(set(tested.patient)),
        sites=len(set(tested.site)),
        sites_named=sites_named,
        seen=len(seen),
    )
    return text.splitlines()


def lines(sentences: list[str]) -> pd.DataFrame:
    """Break the answer into lines for the page of charts, without markdown: ``line, text``."""
    plain = " ".join(sentences).replace("`", "").replace("*", "")
    wrapped = textwrap.wrap(plain, WIDTH)
    return pd.DataFrame({"line": range(len(wrapped)), "text": wrapped})


def _at_single_volumes(forest: pd.DataFrame) -> list[str]:
    """Name what is better, or worse, at a volume, though not over all of them."""
    phrases = []
    for verdict in (BETTER, WORSE):
        rows = forest[forest["verdict"] == verdict]
        over_all = rows.loc[rows["volume"] == "all", "aug"]
        augs = rows[~rows["aug"].isin(over_all)].groupby("volume", sort=False)["aug"].agg(list)
        named = [f"{listed(names)} at {times(float(volume))}" for volume, names in augs.items()]
        phrases += [f"{verdict} than `none`: {', '.join(named)}"] if named else []
    return phrases
