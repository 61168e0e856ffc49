"""The study's page: report.md and the short table on the terminal, text from tables."""

import pandas as pd

from nuclei.params.study import StudyParams
from nuclei.report import provenance, sections
from nuclei.report.markdown import NONE, change, figure, interval, number, p_value, table, times
from nuclei.report.tables import Tables
from nuclei.statistics.predictions import Tested


def report(
    params: StudyParams,
    tested: Tested,
    shared: dict[int, list[str]],
    summary: dict,
    tables: Tables,
    used: pd.DataFrame,
    floor: float | None,
    fingerprint: str,
) -> str:
    """Write report.md.

    Args:
        params: the whole of params.yaml.
        tested: the nuclei that are tested.
        shared: sites that a fold tests and its networks have seen, of `splits.shared_sites`.
        summary: the prepare stage's summary.json.
        tables: of `tables.study`.
        used: one row per cell: ``volume`` and the training record.
        floor: the size-only macro AUC, None where no sizes are known.
        fingerprint: of the predictions evaluated.

    Returns:
        Markdown; figures are embedded by links relative to the page.
    """
    at, margin = params.volume, f"{params.evaluate.margin:g}"
    parts = [
        "# Which augmentation helps tell nuclei apart?",
        _headline(params, tables, floor),
        _forest(tables["differences"], params),
        "## Data",
        table(provenance.counts(summary)),
        *provenance.dropped(summary),
        "## Augmentations",
        _method(params, tested),
        *_arms(tables),
        *_scale(tables),
        *_scores(tables["cells"]),
        "## The 2022 notebook's claims",
        sections.about_claims(params),
        table(sections.claims(tables["claims"])),
        sections.rules(tables["claims"]),
        "## Training volume",
        f"Gains in macro AUC. Up to ×1, more volume is {_more(params)}; beyond, it is more draws "
        "of the same nuclei: ×2 has two stored copies of each, ×∞ draws every pass anew. `none` "
        "draws nothing, so that its ×2 and ×∞ have the pictures of ×1: they enter no verdict. "
        f"*Saturated*: the gain is equivalent to 0 within ± {margin} at 5 %. *Still rising*: else, "
        "its 95 % interval lies above 0. *Declining*: else, it lies below 0. *Undecided*: none of "
        "these.",
        table(sections.volumes(tables["volumes"])),
        figure("accuracy-volume", "Accuracy over the training volume, with 95 % intervals."),
        figure("macro-auc-volume", "Macro AUC over the training volume, with 95 % intervals."),
        *sections.strength(tables["dose"]),
        f"## Hospitals, volume {times(at)}",
        sections.about_sites(tables["sites"], shared),
        table(sections.sites(tables["sites"], at)),
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
        *_ends(params, tables["ends"]),
        table(sections.ends(tables["ends"])),
        figure("ends", "After how many updates each network was kept."),
        figure("curves", "Training curves, averaged over the networks of a cell."),
        "## The augmentations, seen",
        *[f"![{aug}](figures/contact-{aug}.png)" for aug in tables["cells"]["aug"].unique()],
        "## Params",
        table(provenance.knobs(params)),
        "## What was used",
        table(provenance.used(used)),
        f"Predictions: {len(used)} files; the SHA-256 of their contents, in the order of the rows "
        f"of cells.csv, begins with `{fingerprint}`.",
    ]
    return "\n\n".join(parts) + "\n"


def terminal(cells: pd.DataFrame) -> str:
    """Each augmentation's macro AUC and accuracy at each volume, as a plain-text table."""
    names = {"macro_auc": "macro AUC", "accuracy": "accuracy"}
    wide = cells.pivot(index="aug", columns="volume", values=list(names)).loc[cells["aug"].unique()]
    wide.columns = [f"{names[name]}\n{times(volume)}" for name, volume in wide.columns]
    return wide.rename_axis(None).to_markdown(tablefmt="simple", floatfmt=".3f", missingval=NONE)


def _headline(params: StudyParams, tables: Tables, floor: float | None) -> str:
    cells, gaps = tables["cells"], tables["differences"]
    chosen = cells[(cells["aug"] == params.aug) & (cells["volume"] == params.volume)].iloc[0]
    lines = [
        f"This experiment: `{params.aug}` at volume {times(params.volume)}, network "
        f"`{params.network}`, data `{params.data}`: macro AUC {interval(chosen, 'macro_auc')}, "
        f"accuracy {interval(chosen, 'accuracy')}; in brackets, 95 % intervals."
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
    if params.data == "simulated":
        lines.append("**The nuclei are simulated: nothing here is a finding about tissue.**")
    return " ".join(lines)


def _forest(differences: pd.DataFrame, params: StudyParams) -> str:
    if differences.empty:
        return "The study has no arm to compare with `none` at the same volume."
    return figure(
        "forest",
        "Macro AUC of every arm minus `none` at the same volume, with 95 % intervals. Filled: "
        "different from `none` (p < 0.05, Holm-adjusted over the planned arms of a volume, or over "
        "those added to them). The claims below are judged one by one, so a claim may be supported "
        "where a marker is hollow. Grey band: "
        f"± {params.evaluate.margin:g}, differences that count as none. A hollow marker is not "
        "evidence of no difference; an interval within the band is. Intervals are not adjusted for "
        "the number of arms, p is. Volume ×1: every training nucleus in one stored copy; ×2: in "
        f"two; ×∞: drawn anew in every pass; ×0.5: {_half(params)}.",
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
    return (
        f"{by}; means over repeats. Intervals, 95 %, come from {params.evaluate.resamples:,} "
        f"resamples of the patients, the same for every arm, {drawn}; they speak of new patients "
        "of these hospitals and new trainings on as many. Arms share patients: compare them by "
        "their difference, not by whether their own intervals overlap. *p*: Holm-adjusted over "
        "the planned arms of a volume; arms that were added are adjusted over the added ones, and "
        "change nothing about the planned. *ECE*: expected calibration error. cells.csv and "
        "differences.csv hold the other scores, deviations over repeats and tests of equivalence."
    )


def _half(params: StudyParams) -> str:
    by_nuclei = params.prepare.order == "nuclei"
    return "a balanced half of the nuclei" if by_nuclei else "the nuclei of half of the patients"


def _more(params: StudyParams) -> str:
    return f"more {'nuclei of the same' if params.prepare.order == 'nuclei' else 'whole'} patients"


def _ends(params: StudyParams, ends: pd.DataFrame) -> list[str]:
    if params.train.end == "last":
        return ["Every network was kept as it was after all its updates."]
    return [
        f"Every network was measured {params.train.points} times on its fold's validation "
        "hospitals, and kept as it was where its loss there was lowest: arms differ in how "
        "long they should train. All have the same budget and the same rule.",
        sections.too_short(ends),
    ]


def _scale(tables: Tables) -> list[str]:
    if "scale" not in tables or tables["scale"].empty:
        return []
    return [
        "### What crop measures",
        "`crop` mixes two effects: it moves the window, and it enlarges every training nucleus "
        "1.5 times, or as its number says, while test nuclei stay as they are. Tested on the "
        "middle of each test crop, enlarged alike, the same networks differ from `none` by the "
        "second number. Macro AUC:",
        table(sections.scale(tables["scale"])),
    ]


def _arms(tables: Tables) -> list[str]:
    gaps = tables["differences"].set_index(["aug", "volume", "metric"])
    parts = []
    for volume, rows in tables["cells"].groupby("volume"):
        lines = []
        for _, row in rows.iterrows():
            line = {"augmentation": row["aug"]}
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


def _scores(cells: pd.DataFrame) -> list[str]:
    return [
        figure(
            f"{name}-x{volume:g}",
            f"{score} at volume {times(volume)}: mean, 95 % interval and, as ticks, the repeats.",
        )
        for volume in sorted(cells["volume"].unique())
        for name, score in (("accuracy", "Accuracy"), ("loss", "Binary cross-entropy"))
    ]
