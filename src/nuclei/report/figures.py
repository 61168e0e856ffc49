"""The study's charts: tables in, PNG bytes out, the same bytes for the same table."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from nuclei.core.classes import CLASSES
from nuclei.report.markdown import times
from nuclei.report.style import GREY, NAMES, WIDTH, asked, legend, looks, png, stand_out, styled

_COLUMNS = 4  # panels in a row of small multiples
_STRONG = {"linewidth": 2.6, "zorder": 3}  # the line of the arm that was asked for


@styled
def scores_at(cells: pd.DataFrame, scores: pd.DataFrame, metric: str, volume: float) -> bytes:
    """One score of every augmentation at one volume: mean, 95 % interval, a tick per repeat.

    Args:
        cells: ``aug, volume, asked``, the metric's mean, ``_low`` and ``_high``.
        scores: ``aug, volume, repeat`` and the metric.
        metric: which score.
        volume: which volume.
    """
    styles = looks(cells["aug"])
    here = cells[cells["volume"] == volume].reset_index(drop=True)
    repeats = scores[scores["volume"] == volume].groupby("aug")[metric]
    figure = Figure(figsize=(WIDTH, 0.9 + 0.27 * len(here)))
    axis = figure.subplots()
    for none in here.loc[here["aug"] == "none", metric]:
        axis.axvline(none, color=GREY, linewidth=0.9, linestyle="--", zorder=1)
    for height, arm in here.iterrows():
        look = styles[arm["aug"]] | {"linestyle": "", "markersize": 7}
        ends = [arm[f"{metric}_low"], arm[f"{metric}_high"]]
        axis.plot(ends, [height] * 2, color=look["color"], linewidth=1.6)
        axis.plot(arm[metric], height, **look)
        values = repeats.get_group(arm["aug"])
        axis.plot(values, [height + 0.3] * len(values), "|", color=look["color"], markersize=5)
    axis.set_yticks(here.index, here["aug"])
    stand_out(axis.get_yticklabels(), asked(here))
    axis.set_ylim(len(here) - 0.4, -0.6)
    axis.set_xlabel(f"{NAMES[metric]}, volume {times(volume)}")
    axis.grid(axis="y", visible=False)
    return png(figure)


@styled
def volumes(cells: pd.DataFrame, metric: str) -> bytes:
    """One score over the training volume, a panel per augmentation, with 95 % intervals.

    Args:
        cells: as for `scores_at`.
        metric: which score.
    """
    styles, at = looks(cells["aug"]), _volumes(cells)
    figure, panels = _multiples(list(styles), 1.6)
    none = cells[cells["aug"] == "none"].sort_values("volume")
    for aug, axis in panels.items():
        here = cells[cells["aug"] == aug].sort_values("volume")
        around = abs(here[[f"{metric}_low", f"{metric}_high"]].to_numpy().T - here[metric].array)
        axis.plot(_steps(none, at), none[metric], color=GREY, linewidth=0.9, linestyle="--")
        axis.errorbar(_steps(here, at), here[metric], around, **styles[aug], elinewidth=1.2)
        axis.set_xticks(range(len(at)), [times(volume) for volume in at])
        axis.margins(x=0.15)
        stand_out([axis.title], asked(cells))
    figure.supxlabel("training volume (dashed: none)", fontsize=9)
    figure.supylabel(NAMES[metric], fontsize=9)
    return png(figure)


@styled
def reliability(reliability: pd.DataFrame) -> bytes:
    """Reliability curves, a panel per augmentation, a line per volume; area: share of the nuclei.

    Args:
        reliability: of `calibration.reliability`.
    """
    styles = looks(reliability["volume"].sort_values())
    figure, panels = _multiples(list(reliability["aug"].unique()), 1.9)
    for (aug, volume), bins in reliability.groupby(["aug", "volume"]):
        axis, look = panels[aug], styles[volume] | {"linewidth": 1.1}
        marker = look.pop("marker")
        axis.plot(bins["confidence"], bins["accuracy"], **look)
        area = 4 + 120 * bins["share"]
        axis.scatter(bins["confidence"], bins["accuracy"], area, look["color"], marker=marker)
        axis.plot([], [], **look, marker=marker, label=f"volume {times(volume)}")
    for axis in panels.values():
        axis.plot([0, 1], [0, 1], color="#aaaaaa", linewidth=0.8)
        stand_out([axis.title], asked(reliability))
        axis.set(xlim=(0.3, 1.02), ylim=(0, 1.02))
    legend(figure, next(iter(panels.values())))
    figure.supxlabel("top probability, mean of the bin", fontsize=9)
    figure.supylabel("share that is right", fontsize=9)
    return png(figure)


@styled
def roc(roc: pd.DataFrame) -> bytes:
    """One-vs-rest ROC curves, a panel per class and volume.

    Args:
        roc: ``aug, volume, class, fpr, tpr``.
    """
    styles, at = looks(roc["aug"]), _volumes(roc)
    figure = Figure(figsize=(WIDTH, 0.6 + 2.6 * len(at)))
    axes = figure.subplots(len(at), len(CLASSES), sharex=True, sharey=True, squeeze=False)
    panels = roc.groupby(["volume", "class"], sort=False)
    for row, volume in zip(axes, at, strict=True):
        for axis, name in zip(row, CLASSES, strict=True):
            for aug, line in panels.get_group((volume, name)).groupby("aug", sort=False):
                strong = _STRONG if aug == asked(roc) else {}
                look = styles[aug] | {"marker": ""} | strong
                axis.plot(line["fpr"], line["tpr"], label=aug, **look)
            axis.plot([0, 1], [0, 1], color="#aaaaaa", linewidth=0.8)
            axis.set_title(f"{name} against the rest, {times(volume)}")
            axis.set_aspect("equal")
        row[0].set_ylabel("true positive rate")
    for axis in axes[-1]:
        axis.set_xlabel("false positive rate")
    legend(figure, axes[0, 0], asked(roc))
    return png(figure)


@styled
def confusion(confusion: pd.DataFrame) -> bytes:
    """Confusion matrices in percent of the actual class, a panel per augmentation and volume.

    Args:
        confusion: ``aug, volume, actual, predicted, share``.
    """
    augs, at = list(confusion["aug"].unique()), _volumes(confusion)
    figure = Figure(figsize=(WIDTH, 0.9 + 1.15 * len(at)))
    axes = figure.subplots(len(at), len(augs), sharex=True, sharey=True, squeeze=False)
    for row, volume in zip(axes, at, strict=True):
        for axis, aug in zip(row, augs, strict=True):
            here = confusion[(confusion["aug"] == aug) & (confusion["volume"] == volume)]
            share = here.pivot(index="actual", columns="predicted", values="share")
            share = share.loc[list(CLASSES), list(CLASSES)].to_numpy()
            axis.imshow(share, cmap="Blues", vmin=0, vmax=1)
            for (y, x), value in np.ndenumerate(share):
                ink = "white" if value > 0.55 else "black"
                axis.text(x, y, f"{100 * value:.0f}", ha="center", va="center", color=ink)
            axis.set_xticks(range(len(CLASSES)), CLASSES, rotation=90)
            axis.set_yticks(range(len(CLASSES)), CLASSES)
            axis.tick_params(length=0)
            axis.grid(visible=False)
        row[0].set_ylabel(f"actual, {times(volume)}")
    for axis, aug in zip(axes[0], augs, strict=True):
        axis.set_title(aug.replace("+", "\n+"))
        stand_out([axis.title], asked(confusion))
    figure.supxlabel("predicted (percent of the actual class)", fontsize=9)
    return png(figure)


@styled
def curves(curves: pd.DataFrame) -> bytes:
    """Loss and macro AUC over the updates, a column per volume.

    Args:
        curves: ``aug, volume, split, updates, loss, macro_auc``.
    """
    styles, at = looks(curves["aug"]), _volumes(curves)
    panels = [("loss", "train"), ("loss", "validation"), ("macro_auc", "validation")]
    figure = Figure(figsize=(WIDTH, 0.6 + 1.7 * len(panels)))
    axes = figure.subplots(len(panels), len(at), sharex="col", sharey="row", squeeze=False)
    for row, (name, split) in zip(axes, panels, strict=True):
        for axis, volume in zip(row, at, strict=True):
            here = curves[(curves["volume"] == volume) & (curves["split"] == split)]
            for aug, line in here.groupby("aug", sort=False):
                strong = _STRONG if aug == asked(curves) else {}
                axis.plot(line["updates"], line[name], label=aug, **styles[aug] | strong)
        row[0].set_ylabel(f"{NAMES.get(name, name)}, {split}")
    for axis, volume in zip(axes[0], at, strict=True):
        axis.set_title(f"volume {times(volume)}")
    for axis in axes[-1]:
        axis.set_xlabel("updates")
    legend(figure, axes[0, 0], asked(curves))
    return png(figure)


@styled
def ends(ends: pd.DataFrame) -> bytes:
    """After how many updates each network was kept, a panel per volume: a mark per network.

    Args:
        ends: ``aug, volume, updates, of`` (all that were made).
    """
    styles, at = looks(ends["aug"]), _volumes(ends)
    figure = Figure(figsize=(WIDTH, 0.9 + 0.27 * len(styles)))
    axes = figure.subplots(1, len(at), sharex=True, sharey=True, squeeze=False)[0]
    for axis, volume in zip(axes, at, strict=True):
        for height, (aug, look) in enumerate(styles.items()):
            here = ends[(ends["aug"] == aug) & (ends["volume"] == volume)]
            beside = height + np.linspace(-0.25, 0.25, len(here))
            own = {"color": look["color"], "marker": look["marker"], "markersize": 3.5}
            axis.plot(here["updates"], beside, linestyle="", **own)
        axis.set_title(f"volume {times(volume)}")
        axis.set_xlim(0, 1.05 * ends["of"].max())
    axes[0].set_yticks(range(len(styles)), list(styles))
    stand_out(axes[0].get_yticklabels(), asked(ends))
    axes[0].set_ylim(len(styles) - 0.5, -0.5)
    figure.supxlabel("updates after which the weights were kept", fontsize=9)
    return png(figure)


def _volumes(table: pd.DataFrame) -> list[float]:
    return sorted(table["volume"].unique())


def _steps(cells: pd.DataFrame, at: list[float]) -> list[int]:
    """Where volumes lie on an axis of equal steps, which has room for ×∞."""
    return [at.index(volume) for volume in cells["volume"]]


def _multiples(titles: list[str], height: float) -> tuple[Figure, dict[str, Axes]]:
    """A figure with one panel per title, all on the same axes."""
    rows = -(-len(titles) // _COLUMNS)
    figure = Figure(figsize=(WIDTH, 0.6 + height * rows))
    axes = figure.subplots(rows, _COLUMNS, sharex=True, sharey=True, squeeze=False).ravel()
    for axis in axes[len(titles) :]:
        axis.remove()
    for axis, title in zip(axes, titles, strict=False):
        axis.set_title(title)
        axis.tick_params(labelbottom=True)
    return figure, dict(zip(titles, axes, strict=False))
