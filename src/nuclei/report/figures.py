"""The study's charts: tables in, PNG bytes out, the same bytes for the same table."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from nuclei.core.classes import CLASSES
from nuclei.report import style
from nuclei.report.markdown import times

_STRONG = {"linewidth": 2.6, "zorder": 3}  # the line of the augmentation that was asked for


@style.styled
def volumes(configurations: pd.DataFrame) -> bytes:
    """Macro AUC over the training volume, a panel per augmentation, with 95 % intervals."""
    styles, volumes = style.looks(configurations["aug"]), _volumes(configurations)
    figure, panels = style.multiples(list(styles), 1.6, bold=style.asked(configurations))
    # Axes of equal steps have room for ×∞.
    table = configurations.assign(step=list(map(volumes.index, configurations["volume"])))
    table = table.sort_values("volume")
    none = table[table["aug"] == "none"]
    for aug, axis in panels.items():
        line = table[table["aug"] == aug]
        axis.plot(none["step"], none["macro_auc"], color="#777777", linewidth=0.9, linestyle="--")
        bounds = line[["macro_auc_low", "macro_auc_high"]].to_numpy().T
        around = abs(bounds - line["macro_auc"].array)
        axis.errorbar(line["step"], line["macro_auc"], around, **styles[aug], elinewidth=1.2)
        axis.set_xticks(range(len(volumes)), [times(volume) for volume in volumes])
        axis.margins(x=0.15)
    figure.supxlabel("training volume (dashed: none)", fontsize=9)
    figure.supylabel(style.NAMES["macro_auc"], fontsize=9)
    return style.png(figure)


@style.styled
def reliability(reliability: pd.DataFrame) -> bytes:
    """The curves of `curves.reliability`, a panel per augmentation, a line per volume.

    The area of a mark is the share of the nuclei.
    """
    styles = style.looks(reliability["volume"].sort_values())
    augs = list(reliability["aug"].unique())
    figure, panels = style.multiples(augs, 1.9, bold=style.asked(reliability))
    for (aug, volume), bins in reliability.groupby(["aug", "volume"]):
        axis, look = panels[aug], styles[volume] | {"linewidth": 1.1}
        marker = look.pop("marker")
        axis.plot(bins["confidence"], bins["accuracy"], **look)
        area = 4 + 120 * bins["share"]
        axis.scatter(bins["confidence"], bins["accuracy"], area, look["color"], marker=marker)
        axis.plot([], [], **look, marker=marker, label=f"volume {times(volume)}")
    for axis in panels.values():
        axis.plot([0, 1], [0, 1], color="#aaaaaa", linewidth=0.8)
        axis.set(xlim=(0.3, 1.02), ylim=(0, 1.02))
    style.legend(figure, next(iter(panels.values())))
    figure.supxlabel("top probability, mean of the bin", fontsize=9)
    figure.supylabel("share that is right", fontsize=9)
    return style.png(figure)


@style.styled
def roc(roc: pd.DataFrame) -> bytes:
    """The one-vs-rest ROC curves of `curves.roc`, all of one volume, a panel per class."""
    figure = Figure(figsize=(style.WIDTH, 3.2))
    axes = figure.subplots(1, len(CLASSES), sharey=True)
    axes[0].set_ylabel("true positive rate")
    for axis, name in zip(axes, CLASSES, strict=True):
        _draw_lines(axis, roc, roc[roc["class"] == name], "fpr", "tpr", marker="")
        axis.plot([0, 1], [0, 1], color="#aaaaaa", linewidth=0.8)
        axis.set(title=f"{name} against the rest", xlabel="false positive rate", aspect="equal")
    style.legend(figure, axes[0], style.asked(roc))
    return style.png(figure)


@style.styled
def confusion(confusion: pd.DataFrame) -> bytes:
    """The matrices of `curves.confusion`, all of one volume, in percent: one per augmentation."""
    augs = list(confusion["aug"].unique())
    figure = Figure(figsize=(style.WIDTH, 2.8))
    axes = figure.subplots(1, len(augs), sharey=True, squeeze=False)[0]
    axes[0].set_ylabel("actual")
    for axis, aug in zip(axes, augs, strict=True):
        rows = confusion[confusion["aug"] == aug]
        share = rows.pivot(index="actual", columns="predicted", values="share")
        share = share.loc[list(CLASSES), list(CLASSES)].to_numpy()
        axis.imshow(share, cmap="Blues", vmin=0, vmax=1)
        for (y, x), value in np.ndenumerate(share):
            ink = "white" if value > 0.55 else "black"
            axis.text(x, y, f"{100 * value:.0f}", ha="center", va="center", color=ink)
        axis.set_xticks(range(len(CLASSES)), CLASSES)
        axis.set_yticks(range(len(CLASSES)), CLASSES)
        axis.tick_params(length=0)
        axis.grid(visible=False)
        axis.set_title(aug)
        style.stand_out([axis.title], style.asked(confusion))
    figure.supxlabel("predicted (percent of the actual class)", fontsize=9)
    return style.png(figure)


@style.styled
def curves(curves: pd.DataFrame) -> bytes:
    """Loss and macro AUC of `curves.training_curves` over updates, a column per volume."""
    volumes = _volumes(curves)
    panels = [("loss", "train"), ("loss", "validation"), ("macro_auc", "validation")]
    figure = Figure(figsize=(style.WIDTH, 0.6 + 1.7 * len(panels)))
    axes = figure.subplots(len(panels), len(volumes), sharex="col", sharey="row", squeeze=False)
    for column, volume in zip(axes.T, volumes, strict=True):
        column[0].set_title(f"volume {times(volume)}")
        column[-1].set_xlabel("updates")
        for axis, row, (name, split) in zip(column, axes, panels, strict=True):
            row[0].set_ylabel(f"{style.NAMES.get(name, name)}, {split}")
            lines = curves[(curves["volume"] == volume) & (curves["split"] == split)]
            _draw_lines(axis, curves, lines, "updates", name)
    style.legend(figure, axes[0, 0], style.asked(curves))
    return style.png(figure)


@style.styled
def checkpoints(checkpoints: pd.DataFrame) -> bytes:
    """After how many updates each network was kept, a panel per volume: a mark per network."""
    styles, volumes = style.looks(checkpoints["aug"]), _volumes(checkpoints)
    figure = Figure(figsize=(style.WIDTH, 0.9 + 0.27 * len(styles)))
    [axes] = figure.subplots(1, len(volumes), sharex=True, sharey=True, squeeze=False)
    for axis, volume in zip(axes, volumes, strict=True):
        for height, (aug, look) in enumerate(styles.items()):
            rows = checkpoints[(checkpoints["aug"] == aug) & (checkpoints["volume"] == volume)]
            heights = height + np.linspace(-0.25, 0.25, len(rows))
            mark = {"color": look["color"], "marker": look["marker"], "markersize": 3.5}
            axis.plot(rows["updates"], heights, linestyle="", **mark)
        axis.set_title(f"volume {times(volume)}")
        axis.set_xlim(0, 1.05 * checkpoints["of"].max())
    axes[0].set_yticks(range(len(styles)), list(styles))
    style.stand_out(axes[0].get_yticklabels(), style.asked(checkpoints))
    axes[0].set_ylim(len(styles) - 0.5, -0.5)
    figure.supxlabel("updates after which the weights were kept", fontsize=9)
    return style.png(figure)


def _volumes(table: pd.DataFrame) -> list[float]:
    return sorted(table["volume"].unique())


def _draw_lines(
    axis: Axes, table: pd.DataFrame, rows: pd.DataFrame, x: str, y: str, **look: str
) -> None:
    """Draw a line per augmentation, that of the one that was asked for in bold."""
    styles, strong = style.looks(table["aug"]), style.asked(table)
    for aug, line in rows.groupby("aug", sort=False):
        bold = _STRONG if aug == strong else {}
        axis.plot(line[x], line[y], label=aug, **styles[aug] | look | bold)
