"""The study's page: report.md and the short table on the terminal, text from tables."""

from nuclei.pipeline.params import StudyParams

import pandas as pd

from nuclei.report import comparison, provenance, sections
from nuclei.report.cautions import cautions
from nuclei.report.made_nuclei import made_nuclei
from nuclei.report.markdown import NONE, change, figure, interval, p_value, table, times
from nuclei.report.tables import Tables, chosen_by_validation
from nuclei.statistics import sites
from nuclei.statistics.best import leader
from nuclei.statistics.hard_nuclei import BEST_ALONE, DISAGREED, WRONG
from nuclei.statistics.predictions import Tested

CAPTIONS = {  # of the sheets of nuclei to look at
    WRONG: "Nuclei that the networks of all cells get wrong most often: what most of them say, and "
    "how many of them are wrong.",
    BEST_ALONE: "Nuclei that the arm that looks best gets right and every other arm wrong: what "
    "most of the others say.",
    DISAGREED: "Nuclei on which the arms disagree most: the highest and the lowest probability of "
    "the true class.",
}


def report(
    params: StudyParams,
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

    Args:
        params: the whole of params.yaml.
        answer: of `answer.answer`.
        tested: the nuclei that are tested.
        shared: sites that a fold tests and its networks have seen, of `folds.shared_sites`.
        summary: the prepare stage's summary.json.
        tables: of `tables.study`.
        used: one row per cell: ``volume`` and the training record.
        floor: the size-only macro AUC, None where no sizes are known.
        fingerprint: of the predictions evaluated.

    Returns:
        Markdown; figures are embedded by links relative to the page.
    """
    pictures, augs = folder_of_pictures(params.data), tables["configurations"]["aug"].unique()
    return "\n\n".join(
        [
            "# Which augmentation helps tell nuclei apart?",
            " ".join(answer),
            *_cautions(params, tested, tables),
            *_proof(params, tested, tables),
            *_experiment(params, tables, floor),
            "## The arms at each volume",
            _method(params, tested),
            *comparison.at_volumes(tables),
            *comparison.scale(tables),
            *comparison.scores(tables["configurations"]),
            *_nuclei(tables, pictures),
            *_details(params, tested, tables, shared),
            "## The augmentations, seen",
            *[f"![{aug}]({pictures}/contact-{aug}.png)" for aug in augs],
            *made_nuclei(tables),
            "## Data",
            table(provenance.counts(summary)),
            *provenance.dropped(summary),
            "## The 2022 notebook's claims",
            sections.about_claims(params),
            table(sections.claims(tables["claims"])),
            sections.rules(tables["claims"]),
            "## Params",
            table(provenance.knobs(params, generated="synthetic_nuclei" in tables)),
            "## What was used",
            table(provenance.used(used)),
            f"Predictions: {len(used)} files; the SHA-256 of their contents, in the order of the "
            f"rows of configurations.csv, begins with `{fingerprint}`.\n",
        ]
    )


def folder_of_pictures(data: str) -> str:
    """Say where, in plots/, pictures that show nuclei lie: those of real ones git ignores."""
    return "figures" if data == "simulated" else "tissue"


def terminal(cells: pd.DataFrame) -> str:
    """Each augmentation's macro AUC and accuracy at each volume, as a plain-text table."""
    names = {"macro_auc": "macro AUC", "accuracy": "accuracy"}
    wide = cells.pivot(index="aug", columns="volume", values=list(names)).loc[cells["aug"].unique()]
    wide.columns = [f"{names[name]}\n{times(volume)}" for name, volume in wide.columns]
    return wide.rename_axis(None).to_markdown(tablefmt="simple", floatfmt=".3f", missingval=NONE)


def _cautions(params: StudyParams, tested: Tested, tables: Tables) -> list[str]:
    warned = cautions(tested, tables["configurations"], tables["checkpoints"], params.train)
    return ["Read with care:", "\n".join(f"- {caution}" for caution in warned)] if warned else []


def _proof(params: StudyParams, tested: Tested, tables: Tables) -> list[str]:
    margin, patients = params.evaluate.margin, len(set(tested.patient))
    return [
        _forest(tables["forest"], params),
        *comparison.verdicts(tables["augmentations"], margin),
        *comparison.standings(tables["augmentations"]),
        *comparison.needs(tables["power"], patients, params.train.repeats),
        "## Training volume",
        f"Gains in macro AUC. Up to ×1, more volume is {_more(params)}; beyond, it is more draws "
        "of the same nuclei: ×2 has two stored copies of each, ×∞ draws every pass anew. `none` "
        "draws nothing, so that its ×2 and ×∞ have the pictures of ×1: they enter no verdict. "
        f"*Saturated*: the gain is equivalent to 0 within ± {margin:g} at 5 %. *Still rising*: "
        "else, its 95 % interval lies above 0. *Declining*: else, it lies below 0. *Undecided*: "
        "none of these.",
        table(sections.volumes(tables["volumes"])),
        figure("accuracy-volume", "Accuracy over the training volume, with 95 % intervals."),
        figure("macro-auc-volume", "Macro AUC over the training volume, with 95 % intervals."),
        *sections.strength(tables["dose"]),
    ]


def _nuclei(tables: Tables, pictures: str) -> list[str]:
    shown = tables["nuclei"]["sheet"].unique()
    if not len(shown):
        return []
    return [
        "## Nuclei to look at",
        "For each class, and at most two of one patient. nuclei.csv names them. Where a crop "
        "reaches beyond its field of view, the field is mirrored. The arm that looks best is "
        f"`{leader(tables['augmentations'])}`.",
        *[f"![{name}]({pictures}/nuclei-{name}.png)\n\n{CAPTIONS[name]}" for name in shown],
    ]


def _details(
    params: StudyParams, tested: Tested, tables: Tables, shared: dict[int, list[str]]
) -> list[str]:
    at, known = params.volume, sites.known(tested)
    return [
        f"## Hospitals, volume {times(at)}",
        sections.about_sites(tables["sites"], shared) if known else "The data name none.",
        *([table(sections.sites(tables["sites"], at))] if known else []),
        *(sections.gains(tables["site_gains"]) if known else []),
        f"## Classes, volume {times(at)}",
        table(sections.classes(tables["classes"], at)),
        figure(
            "confusion", "Percent of the nuclei of each actual class, over all folds and repeats."
        ),
        figure("roc", "ROC curves, each class against the rest, averaged over folds and repeats."),
        "## Calibration",
        figure(
            "reliability",
            "How often the most probable class is right, over its probability; a marker's area is "
            "the share of the nuclei. Below the diagonal: overconfident.",
        ),
        "## Training",
        sections.about_ends(params, known),
        table(sections.ends(tables["checkpoints"])),
        figure("ends", "After how many updates each network was kept."),
        figure(
            "curves",
            "Training curves, averaged over the networks of a cell that were still trained.",
        ),
    ]


def _experiment(params: StudyParams, tables: Tables, floor: float | None) -> list[str]:
    cells, gaps = tables["configurations"], tables["differences"]
    chosen = cells[(cells["aug"] == params.aug) & (cells["volume"] == params.volume)].iloc[0]
    lines = [
        f"`{params.aug}` at volume {times(params.volume)}, network `{params.network}`, data "
        f"`{params.data}`: macro AUC {interval(chosen, 'macro_auc')}, accuracy "
        f"{interval(chosen, 'accuracy')}; in brackets, 95 % intervals."
    ]
    gaps = gaps[(gaps["aug"] == params.aug) & (gaps["volume"] == params.volume)]
    gaps = gaps.set_index("metric")
    if len(gaps):
        auc, accuracy = (
            f"{change(gaps.loc[name], 'difference')}, p {p_value(gaps.loc[name, 'p_holm'])}"
            for name in ("macro_auc", "accuracy")
        )
        lines.append(
            f"Against no augmentation at this volume: macro AUC {auc}; accuracy {accuracy}."
        )
    if floor is not None:
        lines.append(f"A classifier that knows a nucleus's size alone: macro AUC {floor:.3f}.")
    aug, volume = chosen_by_validation(tables["checkpoints"])
    lines.append(
        f"Validation, which sees no test patient, prefers `{aug}` at volume {times(volume)}: its "
        "networks have the lowest loss there."
    )
    return ["## The arm that was asked for", " ".join(lines)]


def _forest(forest: pd.DataFrame, params: StudyParams) -> str:
    if forest.empty:
        return "The study has no arm to compare with `none` at the same volume."
    return figure(
        "forest",
        "Macro AUC of every arm minus `none`, with 95 % intervals: over all volumes, and at each. "
        "Filled: different from `none` (p < 0.05, Holm-adjusted over the planned arms of a panel, "
        "or over those added to them). Grey band: "
        f"± {params.evaluate.margin:g}, differences that count as none. A hollow marker is not "
        "evidence of no difference; an interval within the band is. Intervals are not adjusted for "
        f"the number of arms, p is. In bold, `{params.aug}`, the arm that was asked for. Volume "
        "×1: every training nucleus in one stored copy; ×2: in two; ×∞: drawn anew in every pass; "
        f"×0.5: {_half(params)}.",
    )


def _method(params: StudyParams, tested: Tested) -> str:
    repeats, folds = params.train.repeats, len(set(tested.fold.tolist()))
    patients = len(set(tested.patient.tolist()))
    drawn = (
        f"and of the {repeats} repeats, which differ in the training's seed"
        if repeats > 1
        else "alone: what another training seed would change is unknown from one repeat"
    )
    by = (
        f"Each of {patients} patients is tested once, by networks trained on patients of other "
        f"folds. A score is computed within each of {folds} folds, whose networks rank their "
        "nuclei each on its own scale, and averaged over them, each fold weighing as its patients"
        if folds > 1
        else f"Scores on the nuclei of {patients} test patients"
    )
    here = "these hospitals" if sites.known(tested) else "this hospital"
    return (
        f"{by}; means over repeats. Intervals, 95 %, come from {params.evaluate.resamples:,} "
        f"resamples of the patients, the same for every arm, {drawn}; they speak of new patients "
        f"of {here} and new trainings on as many. Arms share patients: compare them by "
        "their difference, not by whether their own intervals overlap. *p*: Holm-adjusted over "
        "the planned arms of a volume; arms that were added are adjusted over the added ones, and "
        "change nothing about the planned. *ECE*: expected calibration error. The other scores, "
        "deviations and equivalence tests stand in configurations.csv and differences.csv."
    )


def _half(params: StudyParams) -> str:
    by_nuclei = params.prepare.order == "nuclei"
    return "a balanced half of the nuclei" if by_nuclei else "the nuclei of half of the patients"


def _more(params: StudyParams) -> str:
    return f"more {'nuclei of the same' if params.prepare.order == 'nuclei' else 'whole'} patients"
