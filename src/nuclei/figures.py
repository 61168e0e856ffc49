"""The study's figures: tables in, PNG bytes out, the same bytes for the same table.

Augmentations differ in colour, marker and dash, so the figures survive greyscale; the colours are
those of Okabe & Ito (2008), which the colour-blind tell apart.
"""

import io

import cv2
import numpy as np
import pandas as pd
from matplotlib import style
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from nuclei.classes import CLASSES

_COLOURS = ("#000000", "#e69f00", "#56b4e9", "#009e73", "#d55e00", "#0072b2", "#cc79a7", "#888888")
_MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*", "p")
_DASHES = ((), (5, 1), (1, 1), (5, 1, 1, 1), (3, 3), (8, 2), (4, 1, 1, 1, 1, 1), (1, 3))
_NAMES = {"macro_auc": "macro AUC", "accuracy": "accuracy", "loss": "loss"}
_WIDTH = 8.3  # inches: 830 px at 100 dpi, the width of a README
_DPI = 150
_MARGIN, _GAP = 64, 6  # px of a contact sheet
_styled = style.context(
    [
        "default",  # whatever the user's matplotlibrc says
        {
            "figure.constrained_layout.use": True,
            "figure.dpi": _DPI,
            "font.size": 9,
            "axes.titlesize": 9,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.grid": True,
            "grid.color": "#dddddd",
            "legend.frameon": False,
            "lines.markersize": 4.5,
        },
    ]
)


@_styled
def arms(scores: pd.DataFrame) -> bytes:
    """Macro AUC and accuracy of each augmentation: a hollow point per repeat, a line at the mean.

    Args:
        scores: ``aug, volume, repeat, macro_auc, accuracy``; augmentations in the order to show.
    """
    looks, volumes = _looks(scores), _volumes(scores)
    names = ["macro_auc", "accuracy"]
    figure = Figure(figsize=(_WIDTH, 2 * (0.8 + 0.24 * len(looks))))
    axes = figure.subplots(2, len(volumes), sharex="row", sharey=True, squeeze=False)
    for row, name in zip(axes, names, strict=True):
        for axis, volume in zip(row, volumes, strict=True):
            here = scores[scores["volume"] == volume]
            none = here.loc[here["aug"] == "none", name]
            if len(none):
                axis.axvline(none.mean(), color="#777777", linewidth=0.9, linestyle="--", zorder=1)
            for height, (aug, look) in enumerate(looks.items()):
                values = here.loc[here["aug"] == aug, name]
                points = look | {"linestyle": "", "fillstyle": "none"}
                axis.plot(values, [height] * len(values), **points)
                axis.plot(values.mean(), height, "|", color=look["color"], ms=14, mew=2.2)
            axis.set_xlabel(_NAMES[name])
            axis.set_title(f"volume ×{volume:g}")
            axis.set_yticks(range(len(looks)), list(looks))
            axis.grid(axis="y", visible=False)
    axes[0, 0].invert_yaxis()
    axes[0, 0].margins(y=0.08)
    return _png(figure)


@_styled
def volumes(scores: pd.DataFrame) -> bytes:
    """Macro AUC and accuracy over the training volume: mean and standard deviation of repeats.

    Args:
        scores: as for `arms`.
    """
    looks, at = _looks(scores), _volumes(scores)
    figure = Figure(figsize=(_WIDTH, 3.4))
    for axis, name in zip(figure.subplots(1, 2), ["macro_auc", "accuracy"], strict=True):
        for place, (aug, look) in enumerate(looks.items()):
            values = scores[scores["aug"] == aug].groupby("volume")[name]
            mean, sd = values.mean(), values.std().fillna(0)
            nudge = 2 ** (0.022 * (place - (len(looks) - 1) / 2))  # keeps the bars apart
            axis.errorbar(mean.index * nudge, mean, sd, label=aug, **look, elinewidth=1, capsize=2)
        axis.set_xscale("log", base=2)
        axis.set_xticks(at, [f"×{volume:g}" for volume in at])
        axis.minorticks_off()
        axis.set_xlabel("training volume")
        axis.set_ylabel(_NAMES[name])
    _legend(figure, axis)
    return _png(figure)


@_styled
def roc(roc: pd.DataFrame) -> bytes:
    """One-vs-rest ROC curves, a panel per class and volume.

    Args:
        roc: ``aug, volume, class, fpr, tpr``.
    """
    looks, at = _looks(roc), _volumes(roc)
    figure = Figure(figsize=(_WIDTH, 0.6 + 2.6 * len(at)))
    axes = figure.subplots(len(at), len(CLASSES), sharex=True, sharey=True, squeeze=False)
    panels = roc.groupby(["volume", "class"], sort=False)
    for row, volume in zip(axes, at, strict=True):
        for axis, name in zip(row, CLASSES, strict=True):
            for aug, line in panels.get_group((volume, name)).groupby("aug", sort=False):
                look = looks[aug] | {"marker": ""}
                axis.plot(line["fpr"], line["tpr"], label=aug, **look)
            axis.plot([0, 1], [0, 1], color="#aaaaaa", linewidth=0.8)
            axis.set_title(f"{name} against the rest, ×{volume:g}")
            axis.set_aspect("equal")
        row[0].set_ylabel("true positive rate")
    for axis in axes[-1]:
        axis.set_xlabel("false positive rate")
    _legend(figure, axes[0, 0])
    return _png(figure)


@_styled
def confusion(confusion: pd.DataFrame) -> bytes:
    """Confusion matrices in percent of the actual class, a panel per augmentation and volume.

    Args:
        confusion: ``aug, volume, actual, predicted, share``.
    """
    augs, at = list(_looks(confusion)), _volumes(confusion)
    figure = Figure(figsize=(_WIDTH, 0.9 + 1.15 * len(at)))
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
        row[0].set_ylabel(f"actual, ×{volume:g}")
    for axis, aug in zip(axes[0], augs, strict=True):
        axis.set_title(aug.replace("+", "\n+"))
    figure.supxlabel("predicted (percent of the actual class)", fontsize=9)
    return _png(figure)


@_styled
def curves(curves: pd.DataFrame) -> bytes:
    """Loss and macro AUC over the updates, on train and validation, a column per volume.

    Args:
        curves: ``aug, volume, split, updates, loss, macro_auc``.
    """
    looks, at = _looks(curves), _volumes(curves)
    panels = [(name, split) for name in ("loss", "macro_auc") for split in ("train", "validation")]
    figure = Figure(figsize=(_WIDTH, 0.6 + 1.7 * len(panels)))
    axes = figure.subplots(len(panels), len(at), sharex="col", squeeze=False)
    for row, (name, split) in zip(axes, panels, strict=True):
        for axis, volume in zip(row, at, strict=True):
            axis.sharey(axes[0 if name == "loss" else 2, 0])
            here = curves[(curves["volume"] == volume) & (curves["split"] == split)]
            for aug, line in here.groupby("aug", sort=False):
                axis.plot(line["updates"], line[name], label=aug, **looks[aug])
            axis.label_outer()
        row[0].set_ylabel(f"{_NAMES[name]}, {split}")
    for axis, volume in zip(axes[0], at, strict=True):
        axis.set_title(f"volume ×{volume:g}")
    for axis in axes[-1]:
        axis.set_xlabel("updates")
    _legend(figure, axes[0, 0])
    return _png(figure)


def balanced_rows(label: np.ndarray, count: int) -> np.ndarray:
    """The numbers of at most `count` rows of (N,) `label`, as even over classes as can be."""
    rank = pd.Series(label).groupby(label).cumcount()  # which of its class a row is
    chosen = rank.sort_values(kind="stable").index[:count]
    return np.concatenate([chosen[label[chosen] == name] for name in CLASSES])


@_styled
def contact_sheet(
    originals: np.ndarray, augmented: np.ndarray, labels: list[str], aug: str
) -> bytes:
    """Nuclei above, the same nuclei augmented below, pixels enlarged without smoothing.

    Args:
        originals: (N, S, S, 3) uint8, RGB.
        augmented: the same nuclei, the same shape.
        labels: N classes.
        aug: the recipe's name.
    """
    side, room = originals.shape[1], int(_DPI * _WIDTH - _MARGIN) // len(labels) - _GAP
    shown = room // side * side or room  # whole multiples keep every pixel square
    cell = shown + _GAP
    sheet = np.full((2 * cell, len(labels) * cell, 3), 255, np.uint8)
    for column, pair in enumerate(zip(originals, augmented, strict=True)):
        for row, image in enumerate(pair):
            y, x = row * cell, column * cell
            larger = cv2.resize(image, (shown, shown), interpolation=cv2.INTER_NEAREST)
            sheet[y : y + shown, x : x + shown] = larger
    width, height = sheet.shape[1] + _MARGIN, sheet.shape[0] + _MARGIN // 2
    figure = Figure(figsize=(width / _DPI, height / _DPI))
    figure.figimage(sheet, xo=_MARGIN, yo=0)
    middle = {"ha": "center", "va": "center"}
    for column, label in enumerate(labels):
        x = (_MARGIN + column * cell + shown / 2) / width
        figure.text(x, 1 - _MARGIN / 4 / height, label, **middle)
    for y, name in ((1.5 * cell, "original"), (0.5 * cell, aug.replace("+", "\n+"))):
        figure.text(_MARGIN / 2 / width, y / height, name, rotation=90, **middle)
    return _png(figure)


def _looks(table: pd.DataFrame) -> dict[str, dict]:
    """Colour, marker and dash of each augmentation, by its place in the table."""
    return {
        aug: {
            "color": _COLOURS[place % len(_COLOURS)],
            "marker": _MARKERS[place % len(_MARKERS)],
            "linestyle": (0, _DASHES[place % len(_DASHES)]),
        }
        for place, aug in enumerate(table["aug"].unique())
    }


def _volumes(table: pd.DataFrame) -> list[float]:
    return sorted(table["volume"].unique())


def _legend(figure: Figure, axis: Axes) -> None:
    lines, names = axis.get_legend_handles_labels()
    figure.legend(lines, names, loc="outside upper center", ncols=4, handlelength=3.2)


def _png(figure: Figure) -> bytes:
    data = io.BytesIO()
    figure.savefig(data, format="png", metadata={"Software": None})
    return data.getvalue()
