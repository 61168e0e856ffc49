"""Contact sheets of nuclei that were chosen for what networks predict of them."""

import textwrap

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from nuclei.core.classes import CLASSES
from nuclei.report.contact_sheets import enlarged
from nuclei.report.style import DPI, WIDTH, png, styled
from nuclei.statistics.hard_nuclei import BEST_ALONE, WRONG

_COLUMNS = 8  # nuclei side by side: more leave no room for words
_LEFT, _GAP, _LINE = 80, 10, 18  # px: room for the class, between nuclei, for a line of words
_PITCH = (round(DPI * WIDTH) - _LEFT) // _COLUMNS  # px from nucleus to nucleus
_WIDTH = _LEFT + _COLUMNS * _PITCH  # px
_LETTERS = 18  # so many of 7 points are as wide as _PITCH


@styled
def nuclei_sheet(table: pd.DataFrame, crops: np.ndarray) -> bytes:
    """Nuclei of each class, with words below, pixels enlarged without smoothing.

    Args:
        table: the rows of one sheet of `hard_nuclei.hard_nuclei`; a class without any has a dash.
        crops: the table's nuclei in its order, (n, S, S, 3) uint8, RGB.
    """
    pictures = [enlarged(crop, _PITCH - _GAP) for crop in crops]
    shown = len(pictures[0]) if pictures else 0
    words = [words_below(row) for _, row in table.iterrows()]
    line = _GAP + shown + _LINE * max([1, *(1 + text.count("\n") for text in words)])
    rows_of_class = {name: np.flatnonzero(table["label"] == name) for name in CLASSES}
    lines = {name: max(1, -(-len(rows) // _COLUMNS)) for name, rows in rows_of_class.items()}
    height = top = sum(lines.values()) * line
    figure = Figure(figsize=(_WIDTH / DPI, height / DPI))
    for name, rows in rows_of_class.items():
        middle = (top - _GAP - shown / 2) / height
        figure.text((_LEFT - _GAP) / _WIDTH, middle, name, ha="right", va="center", fontsize=8)
        if not len(rows):
            figure.text(_LEFT / _WIDTH, middle, "–", va="center")
        for position, row in enumerate(rows):
            down, right = divmod(position, _COLUMNS)
            x, y = _LEFT + right * _PITCH, top - down * line - _GAP - shown
            figure.figimage(pictures[row], xo=x, yo=y)
            below = ((x + shown / 2) / _WIDTH, (y - 3) / height)
            figure.text(*below, words[row], ha="center", va="top", fontsize=7)
        top -= lines[name] * line
    return png(figure)


def words_below(row: pd.Series) -> str:
    """Say below a nucleus why it is shown.

    Args:
        row: of `hard_nuclei.hard_nuclei`.
    """
    if row["sheet"] == WRONG:
        return f"said {row['predicted']}\n{100 * row['wrong']:.0f} % wrong"
    if row["sheet"] == BEST_ALONE:
        return f"others: {row['others_predicted']}"
    return "\n".join(
        _probability(row[f"{extreme}_aug"], row[extreme]) for extreme in ("high", "low")
    )


def _probability(aug: str, probability: float) -> str:
    """Write an augmentation's probability and its name, broken before a + where it is long."""
    text = f"{probability:.2f}".removeprefix("0") + f" {aug.replace('+', ' +')}"
    lines = textwrap.wrap(text, _LETTERS, break_long_words=False, break_on_hyphens=False)
    return "\n".join(lines).replace(" +", "+")
