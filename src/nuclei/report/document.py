"""The study's page: report.md and the short table on the terminal, text from tables."""

import pandas as pd

from nuclei.params.study import StudyParams
from nuclei.report import provenance, sections
from nuclei.report.markdown import NONE, change, figure, interval, number, p_value, table
from nuclei.report.tables import Tables


def report(
    params: StudyParams,
    splits: dict[str, pd.DataFrame],
    summary: dict,
    tables: Tables,
    used: pd.DataFrame,
    floor: float | None,
    fingerprint: str,
) -> str:
    """Write report.md.

    Args:
        params: the whole of params.yaml.
        splits: name of a split -> its rows, with ``label, patient, site``.
        summary: the prepare stage's summary.json.
        tables: ``cells, differences, volumes, claims, sites, classes``, as in plots/.
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
        _forest(tables["differences"], margin),
        "## Data",
        table(provenance.counts(splits)),
        *provenance.dropped(summary),
        "## Augmentations",
        _method(params, splits["test"]),
        *_arms(tables),
        *_scores(tables["cells"]),
        "## The 2022 notebook's claims",
        sections.about_claims(params),
        table(sections.claims(tables["claims"])),
        sections.rules(tables["claims"]),
        "## Training volume",
        f"Gains in macro AUC. *Saturated*: the gain is equivalent to 0 within ± {margin} at 5 %. "
        "*Still rising*: else, its 95 % interval lies above 0. *Declining*: else, it lies below 0. "
        "*Undecided*: none of these.",
        table(sections.volumes(tables["volumes"])),
        figure("accuracy-volume", "Accuracy over the training volume, with 95 % intervals."),
        figure("macro-auc-volume", "Macro AUC over the training volume, with 95 % intervals."),
        f"## Hospitals, volume ×{at:g}",
        sections.about_sites(tables["sites"]),
        table(sections.sites(tables["sites"], at)),
        f"## Classes, volume ×{at:g}",
        table(sections.classes(tables["classes"], at)),
        figure("confusion", "Percent of the nuclei of each actual class, over all repeats."),
        figure("roc", "ROC curves, each class against the rest, averaged over repeats."),
        "## Calibration",
        figure(
            "reliability",
            "How often the most probable class is right, over its probability; a marker's area is "
            "the share of the nuclei. Below the diagonal: overconfident.",
        ),
        "## Training",
        figure("curves", "Training curves, averaged over repeats."),
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
    wide.columns = [f"{names[name]}\n×{volume:g}" for name, volume in wide.columns]
    return wide.rename_axis(None).to_markdown(tablefmt="simple", floatfmt=".3f")


def _headline(params: StudyParams, tables: Tables, floor: float | None) -> str:
    cells, gaps = tables["cells"], tables["differences"]
    chosen = cells[(cells["aug"] == params.aug) & (cells["volume"] == params.volume)].iloc[0]
    lines = [
        f"This experiment: `{params.aug}` at volume ×{params.volume:g}, network "
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


def _forest(differences: pd.DataFrame, margin: str) -> str:
    if differences.empty:
        return "The study has no arm to compare with `none` at the same volume."
    return figure(
        "forest",
        "Macro AUC of every arm minus `none` at the same volume, with 95 % intervals. Filled: "
        "different from `none` (p < 0.05, Holm-adjusted over the arms of a volume). Grey band: "
        f"± {margin}, differences that count as none. A hollow marker is not evidence of no "
        "difference; an interval within the band is. Intervals are not adjusted for the number "
        "of arms, p is. Volume ×1: every training nucleus once; ×2: in two differently augmented "
        "copies; ×0.5: a balanced half of the nuclei.",
    )


def _method(params: StudyParams, test: pd.DataFrame) -> str:
    repeats = params.train.repeats
    drawn = (
        f"and of the {repeats} repeats, which differ in the training's seed"
        if repeats > 1
        else "alone: what another training seed would change is unknown from one repeat"
    )
    return (
        f"Scores on the test nuclei, means over repeats. Intervals, 95 %, come from "
        f"{params.evaluate.resamples:,} resamples of the {test['patient'].nunique()} test "
        f"patients, the same for every arm, {drawn}. Arms share patients: compare them by their "
        "difference, not by whether their own intervals overlap. *p*: Holm-adjusted over the arms "
        "of a volume. *ECE*: expected calibration error. cells.csv and differences.csv hold the "
        "other scores, deviations over repeats and tests of equivalence."
    )


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
        parts.append(f"### Volume ×{volume:g}\n\n{table(pd.DataFrame(lines))}")
    return parts


def _scores(cells: pd.DataFrame) -> list[str]:
    return [
        figure(
            f"{name}-x{volume:g}",
            f"{score} at volume ×{volume:g}: mean, 95 % interval and, as ticks, the repeats.",
        )
        for volume in sorted(cells["volume"].unique())
        for name, score in (("accuracy", "Accuracy"), ("loss", "Binary cross-entropy"))
    ]
