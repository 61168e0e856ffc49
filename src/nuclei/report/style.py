"""The look that every figure shares, and how a figure becomes PNG bytes.

Augmentations differ in colour, marker and dash, so the figures survive greyscale; the colours are
those of Okabe and Ito (2008), which the colour-blind tell apart.
"""

import io

import pandas as pd
from matplotlib import style
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text

WIDTH = 8.3  # inches: 830 px at 100 dpi, the width of a README
DPI = 150
NAMES = {"macro_auc": "macro AUC", "accuracy": "accuracy"}

styled = style.context(
    [
        "default",  # whatever the user's matplotlibrc says
        {
            "figure.constrained_layout.use": True,
            "figure.dpi": DPI,
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

_COLOURS = ("#000000", "#e69f00", "#56b4e9", "#009e73", "#d55e00", "#0072b2", "#cc79a7", "#888888")
_MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*", "p")
# Seven, against eight colours: of fifty-six names no two have both alike.
_DASHES = ((), (5, 1), (1, 1), (5, 1, 1, 1), (3, 3), (8, 2), (4, 1, 1, 1, 1, 1))


def looks(names: pd.Series) -> dict:
    """Choose colour, marker and dash of every name, by its first position in the column."""
    return {
        name: {
            "color": _COLOURS[position % len(_COLOURS)],
            "marker": _MARKERS[position % len(_MARKERS)],
            "linestyle": (0, _DASHES[position % len(_DASHES)]),
        }
        for position, name in enumerate(names.unique())
    }


def asked(table: pd.DataFrame) -> str | None:
    """Return the augmentation that was asked for, which charts set in bold, if `table` has it."""
    rows = table.loc[table["asked"], "aug"]
    return rows.iloc[0] if len(rows) else None


def stand_out(labels: list[Text], name: str | None) -> None:
    """Set the labels of that name in bold."""
    for label in labels:
        if name is not None and label.get_text().replace("\n", "") == name:
            label.set_fontweight("bold")


def multiples(
    titles: list[str], height: float, columns: int = 4, bold: str | None = None, sharex: bool = True
) -> tuple[Figure, dict[str, Axes]]:
    """A figure with one panel per title, all on one y axis, one title in bold."""
    rows = -(-len(titles) // columns)
    figure = Figure(figsize=(WIDTH, 0.6 + height * rows))
    axes = figure.subplots(rows, columns, sharex=sharex, sharey=True, squeeze=False).ravel()
    for axis in axes[len(titles) :]:
        axis.remove()
    for title, axis in zip(titles, axes, strict=False):
        axis.set_title(title)
        axis.tick_params(labelbottom=True)
        stand_out([axis.title], bold)
    return figure, dict(zip(titles, axes, strict=False))


def legend(figure: Figure, axis: Axes, bold: str | None = None) -> None:
    """Name the lines of one panel above all panels, one name in bold."""
    lines = axis.get_legend_handles_labels()
    names = figure.legend(*lines, loc="outside upper center", ncols=4, handlelength=3.2)
    stand_out(names.get_texts(), bold)


def png(figure: Figure) -> bytes:
    """Write the figure as a PNG file, the same bytes for the same figure."""
    data = io.BytesIO()
    figure.savefig(data, format="png", metadata={"Software": None})
    return data.getvalue()
