"""Contact sheets: rows of nuclei, such as the same nuclei as they are and augmented below."""

import textwrap
from collections.abc import Sequence

import cv2
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from nuclei.core.classes import CLASSES
from nuclei.report.style import DPI, WIDTH, png, styled
from nuclei.statistics.hard_nuclei import BEST_ALONE, WRONG

_WIDTH = int(DPI * WIDTH)  # px
_MARGIN, _GAP, _LINE = 128, 6, 18  # px: room for a row's name, after a nucleus, for a line of words
_COLUMNS = 8  # of chosen nuclei: more leave no room for words
_PITCH = (_WIDTH - _MARGIN) // _COLUMNS  # px from one of them to the next
_LETTERS = 17  # so many of 7 points are as wide as _PITCH


def balanced_rows(label: np.ndarray, count: int) -> np.ndarray:
    """Choose at most `count` rows of (N,) `label`, as even over classes as can be."""
    rank = pd.Series(label).groupby(label).cumcount()  # which of its class a row is
    chosen = rank.sort_values(kind="stable").index[:count]
    return np.concatenate([chosen[label[chosen] == name] for name in CLASSES])


@styled
def sheet(
    rows: Sequence[np.ndarray] | np.ndarray, left: list[str], above: list[list[str]], pitch: int = 0
) -> bytes:
    """Draw nuclei in rows, each row with a name, pixels enlarged without smoothing.

    A row is uint8 RGB (n, S, S, 3). Only the first rows have words `above` their nuclei. `pitch` is
    from nucleus to nucleus, px, at least.
    """
    columns, side = max(map(len, above)), rows[0].shape[1]
    room = (_WIDTH - _MARGIN) // columns - _GAP
    shown = room // side * side or room  # a whole multiple keeps every pixel square
    pitch = max(pitch, shown + _GAP)
    above = [*above, *[[] for _ in rows[len(above) :]]]
    lines = [max((1 + text.count("\n") for text in words), default=0) for words in above]
    heads = [10 + _LINE * count if count else 0 for count in lines]
    picture = np.full(
        (sum(heads) + len(rows) * (shown + _GAP), _MARGIN + columns * pitch, 3), 255, np.uint8
    )
    height, width, _ = picture.shape
    figure, top = Figure(figsize=(width / DPI, height / DPI)), 0
    for crops, name, words, head in zip(rows, left, above, heads, strict=True):
        for column, text in enumerate(words):
            x, y = _MARGIN + column * pitch + shown / 2, top + head / 2
            figure.text(x / width, 1 - y / height, text, ha="center", va="center", fontsize=7)
        top += head
        for x, crop in zip(range(_MARGIN, width, pitch), crops, strict=False):
            larger = cv2.resize(crop, (shown, shown), interpolation=cv2.INTER_NEAREST)
            picture[top : top + shown, x : x + shown] = larger
        x, y = _MARGIN - 8, top + shown / 2
        figure.text(x / width, 1 - y / height, name, ha="right", va="center", fontsize=8)
        top += shown + _GAP
    figure.figimage(picture)
    return png(figure)


def nuclei_sheet(table: pd.DataFrame, crops: np.ndarray) -> bytes:
    """Draw nuclei that were chosen for what networks predict, a row or more for each class.

    `table` is one sheet of `hard_nuclei.hard_nuclei`, `crops` are its nuclei, uint8 RGB (n, S, S,
    3). A class without any has a dash.
    """
    rows, left, above = [], [], []
    for name in CLASSES:
        of_class = np.flatnonzero(table["label"] == name)
        for start in range(0, max(1, len(of_class)), _COLUMNS):
            chosen = of_class[start : start + _COLUMNS]
            words = [words_above(row) for _, row in table.iloc[chosen].iterrows()] or ["–"]
            rows.append(crops[chosen])
            left.append(name)
            above.append(words + [""] * (_COLUMNS - len(words)))
    return sheet(rows, left, above, _PITCH)


def words_above(row: pd.Series) -> str:
    """Say why a nucleus, a row of `hard_nuclei.hard_nuclei`, is shown."""
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
