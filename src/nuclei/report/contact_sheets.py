"""Contact sheets: rows of nuclei, such as the same nuclei as they are and augmented below."""

import cv2
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from nuclei.core.classes import CLASSES
from nuclei.report.style import DPI, WIDTH, png, styled

_MARGIN, _GAP = 64, 6  # px


def balanced_rows(label: np.ndarray, count: int) -> np.ndarray:
    """The numbers of at most `count` rows of (N,) `label`, as even over classes as can be."""
    rank = pd.Series(label).groupby(label).cumcount()  # which of its class a row is
    chosen = rank.sort_values(kind="stable").index[:count]
    return np.concatenate([chosen[label[chosen] == name] for name in CLASSES])


@styled
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
    sheet, shown = _tiled(np.stack([originals, augmented]), len(labels))
    cell = shown + _GAP
    width, height = sheet.shape[1] + _MARGIN, sheet.shape[0] + _MARGIN // 2
    figure = Figure(figsize=(width / DPI, height / DPI))
    figure.figimage(sheet, xo=_MARGIN, yo=0)
    for column, label in enumerate(labels):
        centre = (_MARGIN + column * cell + shown / 2) / width
        figure.text(centre, 1 - _MARGIN / 4 / height, label, ha="center", va="center")
    for middle, name in ((1.5 * cell, "original"), (0.5 * cell, aug.replace("+", "\n+"))):
        left, height_of = _MARGIN / 2 / width, middle / height
        figure.text(left, height_of, name, rotation=90, ha="center", va="center")
    return png(figure)


@styled
def sheet(rows: np.ndarray, left: list[str], above: list[str]) -> bytes:
    """Crops in rows and columns, each with a name, pixels enlarged without smoothing.

    Args:
        rows: (R, C, S, S, 3) uint8, RGB.
        left: R names.
        above: C names.
    """
    margin, line = 2 * _MARGIN, 28  # px
    sheet, shown = _tiled(rows, len(above) + 1)
    cell = shown + _GAP
    width, height = sheet.shape[1] + margin, sheet.shape[0] + line
    figure = Figure(figsize=(width / DPI, height / DPI))
    figure.figimage(sheet, xo=margin, yo=0)
    for column, name in enumerate(above):
        centre = (margin + column * cell + shown / 2) / width
        figure.text(centre, 1 - line / 2 / height, name, ha="center", va="center", fontsize=7)
    for row, name in enumerate(left):
        middle = 1 - (line + row * cell + shown / 2) / height
        figure.text((margin - 8) / width, middle, name, ha="right", va="center", fontsize=8)
    return png(figure)


def _tiled(rows: np.ndarray, columns: int) -> tuple[np.ndarray, int]:
    """One picture of crops (R, C, S, S, 3), and how many pixels wide each is shown.

    Args:
        rows: the crops.
        columns: how many of them a page is to have room for.
    """
    side, room = rows.shape[2], int(DPI * WIDTH - _MARGIN) // columns - _GAP
    shown = room // side * side or room  # whole multiples keep every pixel square
    cell = shown + _GAP
    picture = np.full((len(rows) * cell, rows.shape[1] * cell, 3), 255, np.uint8)
    for (row, column), crop in zip(
        np.ndindex(rows.shape[:2]), rows.reshape(-1, side, side, 3), strict=True
    ):
        y, x = row * cell, column * cell
        larger = cv2.resize(crop, (shown, shown), interpolation=cv2.INTER_NEAREST)
        picture[y : y + shown, x : x + shown] = larger
    return picture, shown
