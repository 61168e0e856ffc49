"""The forest plot: every augmentation minus none, the figure to look at first."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from nuclei.report.markdown import p_value, times
from nuclei.report.style import NAMES, WIDTH, asked, png, stand_out, styled


@styled
def forest(forest: pd.DataFrame, margin: float) -> bytes:
    """Differences of macro AUC with 95 % intervals, a panel per volume, numbers at the right.

    A filled marker is a significant difference: p < 0.05, Holm-adjusted over the panel's planned
    augmentations, or over those added to them. The grey band is ± margin.

    Args:
        forest: of `tables.study`, at least one row.
        margin: a difference below this counts as none.
    """
    single = forest["volume"] != "all"
    if forest.loc[single, "volume"].nunique() == 1:
        forest = forest[single]  # the mean over one volume is that volume
    panels = [
        (volume, rows.reset_index(drop=True))
        for volume, rows in forest.groupby("volume", sort=False)
    ]
    heights = [len(rows) + 1 for _, rows in panels]
    figure = Figure(figsize=(WIDTH, 0.7 + 0.25 * sum(heights)))
    axes = figure.subplots(len(panels), 1, sharex=True, squeeze=False, height_ratios=heights)[:, 0]
    for axis, (volume, rows) in zip(axes, panels, strict=True):
        axis.axvspan(-margin, margin, color="#e4e4e4", linewidth=0, zorder=0)
        axis.axvline(0, color="black", linewidth=0.8, zorder=1)
        for height, row in rows.iterrows():
            _draw_row(axis, height, row)
        axis.set_yticks(rows.index, rows["aug"])
        stand_out(axis.get_yticklabels(), asked(rows))
        axis.set_ylim(len(rows) - 0.4, -0.6)
        axis.grid(axis="y", visible=False)
        axis.set_title(_title(volume), loc="left")
    _write_beside(axes[0], -1.05, f"{'difference [95 %]':<25}Holm p")
    axes[-1].set_xlabel(f"{NAMES['macro_auc']}: augmentation − none (grey: ± {margin:g})")
    return png(figure)


def _title(volume: str) -> str:
    mean = "mean over the volumes that all augmentations have"
    return mean if volume == "all" else f"volume {times(float(volume))}"


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
