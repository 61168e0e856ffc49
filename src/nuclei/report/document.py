"""The study's page: report.md, and the short table on the terminal."""

from typing import Any

import pandas as pd

from nuclei.augmentation.recipes import generates
from nuclei.report import page_tables
from nuclei.report.cautions import FEW_NUCLEI, FEW_PATIENTS, STILL_FALLING, cautions
from nuclei.report.markdown import NONE, render, times
from nuclei.report.tables import Tables, chosen_by_validation
from nuclei.statistics import sites
from nuclei.statistics.best import leader
from nuclei.statistics.hard_nuclei import BEST_ALONE, DISAGREED, WRONG
from nuclei.statistics.params import Experiment
from nuclei.statistics.power import MORE_REPEATS
from nuclei.statistics.predictions import Tested
from nuclei.statistics.rules import RULES

CAPTIONS = {  # of the sheets of nuclei to look at
    WRONG: "Nuclei that the networks of all configurations get wrong most often: what most of them "
    "predict, and how many of them are wrong.",
    BEST_ALONE: "Nuclei that the augmentation that looks best gets right and every other "
    "augmentation wrong: what most of the others predict.",
    DISAGREED: "Nuclei on which the augmentations disagree most: the highest and the lowest "
    "probability of the true class.",
}


def report(
    experiment: Experiment,
    knobs: dict[str, Any],
    answer: list[str],
    tested: Tested,
    shared: dict[int, list[str]],
    summary: dict,
    tables: Tables,
    used: pd.DataFrame,
    floor: float | None,
    fingerprint: str,
) -> str:
    """Write report.md: the answer first, then what proves it, claims and settings last.

    `shared` are the sites that a fold tests and its networks have seen, of `folds.shared_sites`;
    `used` has a row per configuration, ``volume`` and the training record; `floor` is the size-only
    macro AUC, None if the data have no sizes; `fingerprint` is that of the predictions.
    """
    configurations, power, by_site = tables["configurations"], tables["power"], tables["sites"]
    asked_for = (configurations["aug"] == experiment.aug) & (
        configurations["volume"] == experiment.volume
    )
    return render(
        "report.md.j2",
        rows=page_tables,
        rules=RULES,
        captions=CAPTIONS,
        few_patients=FEW_PATIENTS,
        few_nuclei=FEW_NUCLEI,
        still_falling=STILL_FALLING,
        more_repeats=MORE_REPEATS,
        experiment=experiment,
        margin=f"{experiment.margin:g}",
        knobs=knobs,
        answer=answer,
        cautions=cautions(tested, configurations, tables["checkpoints"], knobs),
        summary={"dropped": {}} | summary,
        tables=tables,
        used=used,
        floor=floor,
        fingerprint=fingerprint,
        pictures=folder_of_pictures(knobs["data"]),
        leader=leader(tables["augmentations"]),
        synthetic=any(map(generates, configurations["aug"].unique())),
        volumes=sorted(configurations["volume"].unique()),
        patients=len(set(tested.patient)),
        folds=len(set(tested.fold.tolist())),
        sites_named=sites.known(tested),
        seen=sorted({site for sites_of_fold in shared.values() for site in sites_of_fold}),
        of_one_class=by_site.loc[by_site["macro_auc"].isna(), "site"].unique().tolist(),
        detectable=power.loc[power["of"] == "augmentation", "detectable"].dropna(),
        scores=configurations[asked_for].iloc[0],
        preferred=chosen_by_validation(tables["checkpoints"]),
    )


def folder_of_pictures(data: str) -> str:
    """Name the folder of plots/ for pictures that show nuclei: git ignores that of real ones."""
    return "figures" if data == "simulated" else "tissue"


def terminal(configurations: pd.DataFrame) -> str:
    """Write each augmentation's macro AUC and accuracy at each volume as a plain-text table."""
    names = {"macro_auc": "macro AUC", "accuracy": "accuracy"}
    wide = configurations.pivot(index="aug", columns="volume", values=list(names))
    wide = wide.loc[configurations["aug"].unique()]
    wide.columns = [f"{names[name]}\n{times(volume)}" for name, volume in wide.columns]
    return wide.rename_axis(None).to_markdown(tablefmt="simple", floatfmt=".3f", missingval=NONE)
