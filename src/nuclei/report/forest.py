"""Differences from none: the forest plot, to look at first, and the plot over strengths."""

from textwrap import fill

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from nuclei.report import style
from nuclei.report.markdown import p_value, times
from nuclei.report.operations import number

_BAND = "#e4e4e4"  # of differences that count as none
_ASIDE = 0.012  # of the range of strengths: volumes lie beside each other, or intervals hide others


@style.styled
def forest(forest: pd.DataFrame, margin: float) -> bytes:
    """Differences of macro AUC with 95 % intervals, a panel per volume, numbers at the right.

    A filled marker is a significant difference: p < 0.05, Holm-adjusted over the panel's planned
    augmentations, or over those added to them. The grey band is ± margin. It needs one row or more.
    """
    single = forest["volume"] != "all"
    if forest.loc[single, "volume"].nunique() == 1:
        forest = forest[single]  # the mean over one volume is that volume
    panels = forest.groupby("volume", sort=False)
    heights = panels.size() + 1
    figure = Figure(figsize=(style.WIDTH, 0.7 + 0.25 * heights.sum()))
    axes = figure.subplots(len(panels), 1, sharex=True, squeeze=False, height_ratios=heights)[:, 0]
    for axis, (volume, rows) in zip(axes, panels, strict=True):
        axis.axvspan(-margin, margin, color=_BAND, linewidth=0, zorder=0)
        axis.axvline(0, color="black", linewidth=0.8, zorder=1)
        rows = rows.reset_index(drop=True)
        for height, row in rows.iterrows():
            _draw_row(axis, height, row)
        axis.set_yticks(rows.index, rows["aug"])
        style.stand_out(axis.get_yticklabels(), style.asked(rows))
        axis.set_ylim(len(rows) - 0.4, -0.6)
        axis.grid(axis="y", visible=False)
        mean = "mean over the volumes that all augmentations have"
        title = mean if volume == "all" else f"volume {times(float(volume))}"
        axis.set_title(title, loc="left")
    _write_beside(axes[0], -1.05, f"{'difference [95 %]':<25}Holm p")
    axes[-1].set_xlabel(f"{style.NAMES['macro_auc']}: augmentation − none (grey: ± {margin:g})")
    return style.png(figure)


@style.styled
def dose(dose: pd.DataFrame, margin: float) -> bytes:
    """Macro AUC minus none over strength, with 95 % intervals.

    A panel per series, a line per volume, of one row or more. The grey band is ± margin.
    """
    styles = style.looks(dose["volume"].sort_values())
    series = list(dose["series"].unique())
    # Two panels in a row: the text below an axis is long.
    figure, panels = style.multiples(series, 2.7, columns=min(2, len(series)), sharex=False)
    for name, axis in panels.items():
        points = dose[dose["series"] == name]
        axis.axhspan(-margin, margin, color=_BAND, linewidth=0, zorder=0)
        axis.axhline(0, color="black", linewidth=0.8, zorder=2)
        aside = _ASIDE * np.ptp(points["strength"])
        for place, (volume, look) in enumerate(styles.items()):
            line = points[points["volume"] == volume]
            around = abs(line[["low", "high"]].to_numpy().T - line["difference"].array)
            strength = line["strength"] + (place - (len(styles) - 1) / 2) * aside
            axis.errorbar(strength, line["difference"], around, **look, elinewidth=1.2)
        axis.set_xticks(sorted(points["strength"].unique()))
        axis.set_xlabel(fill(number(points["operation"].iloc[0]), 55))
    for volume, look in styles.items():
        panels[series[0]].plot([], [], **look, label=f"volume {times(volume)}")
    style.legend(figure, panels[series[0]])
    figure.supylabel(f"{style.NAMES['macro_auc']} − none (grey: ± {margin:g})", fontsize=9)
    return style.png(figure)


def _draw_row(axis: Axes, height: int, row: pd.Series) -> None:
    face = "black" if row["significant"] else "white"
    axis.plot([row["low"], row["high"]], [height] * 2, color="black", linewidth=1.6, zorder=2)
    axis.plot(row["difference"], height, "o", color="black", markerfacecolor=face, markersize=6)
    bounds = f"[{row['low']:+.3f}, {row['high']:+.3f}]"
    text = f"{row['difference']:+.3f} {bounds}  {p_value(row['p_holm'])}"
    _write_beside(axis, height, text.replace("-", "−"))


def _write_beside(axis: Axes, height: float, text: str) -> None:
    right = axis.get_yaxis_transform()
    axis.text(1.02, height, text, transform=right, va="center", fontsize=8, family="monospace")
