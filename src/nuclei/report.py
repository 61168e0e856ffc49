"""The study's page: report.md and the short table on the terminal, text from tables."""

import pandas as pd

from nuclei.classes import CLASSES
from nuclei.params import Params

_SCORES = {
    "macro_auc": "macro AUC",
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced accuracy",
    "macro_f1": "macro F1",
    "log_loss": "log loss",
    "bce": "BCE",
}
_FIGURES = {
    "arms": "Each augmentation at each volume: a point per repeat, a bar at the mean; "
    "the dashed line is no augmentation.",
    "volumes": "Scores over the training volume: mean and standard deviation over repeats.",
    "roc": "ROC curves, each class against the rest, averaged over repeats.",
    "confusion": "Percent of the nuclei of each actual class, over all repeats.",
    "curves": "Training curves, averaged over repeats.",
}


def page(
    params: Params,
    splits: dict[str, pd.DataFrame],
    summary: dict,
    arms: pd.DataFrame,
    used: pd.DataFrame,
    floor: float | None,
) -> str:
    """Write report.md.

    Args:
        params: the whole of params.yaml.
        splits: name of a split -> its rows, with ``label, patient, site``.
        summary: the prepare stage's summary.json.
        arms: mean and ``_sd`` of every score per ``aug, volume``.
        used: one row per cell: ``volume`` and the training record.
        floor: the size-only macro AUC, None where no sizes are known.

    Returns:
        Markdown; figures are embedded by links relative to the page.
    """
    augs = arms["aug"].unique()
    return (
        "\n\n".join(
            [
                "# Which augmentation helps tell nuclei apart?",
                _headline(params, arms, floor),
                "## Data",
                _markdown(counts(splits)),
                *_dropped(summary),
                "## Settings",
                _markdown(_settings(params)),
                "## Augmentations",
                f"Scores on the test nuclei, mean ± standard deviation over {params.train.repeats} "
                "repeats, which differ in the training's seed alone.",
                *_arms(arms),
                "## Figures",
                *[f"![{name}](figures/{name}.png)\n\n{text}" for name, text in _FIGURES.items()],
                "## The augmentations, seen",
                *[f"![{aug}](figures/contact-{aug}.png)" for aug in augs],
                "## What was used",
                _markdown(_used(used)),
            ]
        )
        + "\n"
    )


def terminal(arms: pd.DataFrame) -> str:
    """Each augmentation's macro AUC and accuracy at each volume, as a plain-text table."""
    names = ["macro_auc", "accuracy"]
    wide = arms.pivot(index="aug", columns="volume", values=names).loc[arms["aug"].unique()]
    wide.columns = [f"{_SCORES[name]}\n×{volume:g}" for name, volume in wide.columns]
    return wide.rename_axis(None).to_markdown(tablefmt="simple", floatfmt=".3f")


def counts(splits: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Nuclei by class, patients and sites of each split."""
    return pd.DataFrame(
        {
            "split": name,
            "nuclei": len(rows),
            **{label: int((rows["label"] == label).sum()) for label in CLASSES},
            "patients": rows["patient"].nunique(),
            "sites": rows["site"].nunique(),
        }
        for name, rows in splits.items()
    )


def _headline(params: Params, arms: pd.DataFrame, floor: float | None) -> str:
    here = arms[arms["volume"] == params.volume].set_index("aug")
    chosen = here.loc[params.aug]
    lines = [
        f"This experiment: `{params.aug}` at volume ×{params.volume:g}, network "
        f"`{params.network}`, data `{params.data}`: macro AUC {_cell(chosen, 'macro_auc')}, "
        f"accuracy {_cell(chosen, 'accuracy')}."
    ]
    if "none" in here.index and params.aug != "none":
        auc, accuracy = (chosen - here.loc["none"])[["macro_auc", "accuracy"]]
        lines.append(
            f"Against no augmentation at this volume: macro AUC {auc:+.3f}, accuracy "
            f"{accuracy:+.3f}."
        )
    if floor is not None:
        lines.append(f"A classifier that knows a nucleus's size alone: macro AUC {floor:.3f}.")
    if params.data == "simulated":
        lines.append("The nuclei are simulated: nothing here is a finding about tissue.")
    return " ".join(lines)


def _dropped(summary: dict) -> list[str]:
    dropped = summary.get("dropped", {})
    listed = ", ".join(f"{count} {reason}" for reason, count in dropped.items())
    return [f"Dropped: {listed}."] if listed else []


def _settings(params: Params) -> pd.DataFrame:
    shown = {
        "data": params.data,
        "network": params.network,
        **{f"prepare.{key}": value for key, value in params.prepare},
        "augment.seed": params.augment.seed,
        "train.seed": params.train.seed,
        "train.repeats": params.train.repeats,
        **{f"{params.network}.{key}": value for key, value in params.networks[params.network]},
    }
    return pd.DataFrame({"setting": shown.keys(), "value": [str(v) for v in shown.values()]})


def _used(used: pd.DataFrame) -> pd.DataFrame:
    used = used.assign(volume=[f"×{volume:g}" for volume in used["volume"]])
    return used.value_counts(sort=False).rename("cells").reset_index()


def _arms(arms: pd.DataFrame) -> list[str]:
    parts = []
    for volume, rows in arms.groupby("volume"):
        table = pd.DataFrame(
            {"augmentation": row["aug"]}
            | {text: _cell(row, name) for name, text in _SCORES.items()}
            for _, row in rows.iterrows()
        )
        parts.append(f"### Volume ×{volume:g}\n\n{_markdown(table)}")
    return parts


def _cell(row: pd.Series, name: str) -> str:
    sd = row[f"{name}_sd"]
    return f"{row[name]:.3f}" if pd.isna(sd) else f"{row[name]:.3f} ± {sd:.3f}"


def _markdown(table: pd.DataFrame) -> str:
    return table.to_markdown(index=False, disable_numparse=True)
