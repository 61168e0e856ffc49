"""The dose plot: a score over the strength of an operation."""

from textwrap import fill

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from nuclei.report.markdown import times
from nuclei.report.operations import number
from nuclei.report.style import NAMES, WIDTH, legend, looks, png, styled

_COLUMNS = 2  # panels in a row: the text below an axis is long
_ASIDE = 0.012  # of the range of strengths: volumes lie beside each other, or intervals hide others


@styled
def dose(dose: pd.DataFrame, margin: float) -> bytes:
    """Macro AUC minus none over strength, with 95 % intervals.

    A panel per series, a line per volume.

    Args:
        dose: of `dose.doses`, at least one row.
        margin: a difference below this counts as none; the grey band.
    """
    styles = looks(dose["volume"].sort_values())
    panels = dose.groupby("series", sort=False)
    rows = -(-len(panels) // _COLUMNS)
    figure = Figure(figsize=(WIDTH, 0.6 + 2.7 * rows))
    axes = figure.subplots(rows, min(_COLUMNS, len(panels)), sharey=True, squeeze=False).ravel()
    for axis in axes[len(panels) :]:
        axis.remove()
    for axis, (series, points) in zip(axes, panels, strict=False):
        axis.axhspan(-margin, margin, color="#e4e4e4", linewidth=0, zorder=0)
        axis.axhline(0, color="black", linewidth=0.8, zorder=2)
        _draw_lines(axis, points, styles)
        axis.set_title(series)
        axis.set_xticks(sorted(points["strength"].unique()))
        axis.set_xlabel(fill(number(points["operation"].iloc[0]), 55))
    for volume, look in styles.items():
        axes[0].plot([], [], **look, label=f"volume {times(volume)}")
    legend(figure, axes[0])
    figure.supylabel(f"{NAMES['macro_auc']} − none (grey: ± {margin:g})", fontsize=9)
    return png(figure)


def _draw_lines(axis: Axes, points: pd.DataFrame, styles: dict) -> None:
    aside = _ASIDE * np.ptp(points["strength"])
    middle = (len(styles) - 1) / 2
    for place, (volume, look) in enumerate(styles.items()):
        line = points[points["volume"] == volume]
        around = abs(line[["low", "high"]].to_numpy().T - line["difference"].array)
        strength = line["strength"] + (place - middle) * aside
        axis.errorbar(strength, line["difference"], around, **look, elinewidth=1.2)
