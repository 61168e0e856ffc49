"""The forest plot: every arm minus no augmentation, the figure to look at first."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from nuclei.report.markdown import p_value, times
from nuclei.report.style import NAMES, WIDTH, png, styled

_METRIC = "macro_auc"


@styled
def forest(differences: pd.DataFrame, margin: float) -> bytes:
    """Differences of macro AUC with 95 % intervals, a panel per volume, numbers at the right.

    A filled marker is a difference from 0 at p < 0.05, Holm-adjusted over the panel's planned arms,
    or over those added to them; the grey band is ± margin.

    Args:
        differences: of `inference.differences`, at least one row of macro AUC.
        margin: a difference below this counts as none.
    """
    rows = differences[differences["metric"] == _METRIC]
    panels = [(volume, arms.reset_index(drop=True)) for volume, arms in rows.groupby("volume")]
    heights = [len(arms) + 1 for _, arms in panels]
    figure = Figure(figsize=(WIDTH, 0.7 + 0.25 * sum(heights)))
    axes = figure.subplots(len(panels), 1, sharex=True, squeeze=False, height_ratios=heights)[:, 0]
    for axis, (volume, arms) in zip(axes, panels, strict=True):
        axis.axvspan(-margin, margin, color="#e4e4e4", linewidth=0, zorder=0)
        axis.axvline(0, color="black", linewidth=0.8, zorder=1)
        for height, arm in arms.iterrows():
            _row(axis, height, arm)
        axis.set_yticks(arms.index, arms["aug"])
        axis.set_ylim(len(arms) - 0.4, -0.6)
        axis.grid(axis="y", visible=False)
        axis.set_title(f"volume {times(volume)}", loc="left")
    _beside(axes[0], -1.05, f"{'difference [95 %]':<25}Holm p")
    axes[-1].set_xlabel(f"{NAMES[_METRIC]}: arm − none at the same volume (grey: ± {margin:g})")
    return png(figure)


def _row(axis: Axes, height: int, arm: pd.Series) -> None:
    face = "black" if arm["p_holm"] < 0.05 else "white"
    axis.plot([arm["low"], arm["high"]], [height] * 2, color="black", linewidth=1.6, zorder=2)
    axis.plot(arm["difference"], height, "o", color="black", markerfacecolor=face, markersize=6)
    p = p_value(arm["p_holm"])
    text = f"{arm['difference']:+.3f} [{arm['low']:+.3f}, {arm['high']:+.3f}]  {p}"
    _beside(axis, height, text.replace("-", "−"))


def _beside(axis: Axes, height: float, text: str) -> None:
    at_the_edge = axis.get_yaxis_transform()
    axis.text(
        1.02, height, text, transform=at_the_edge, va="center", fontsize=8, family="monospace"
    )
