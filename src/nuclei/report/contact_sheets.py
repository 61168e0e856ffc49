"""Contact sheets: rows of nuclei, such as the same nuclei as they are and augmented below."""

import cv2
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from nuclei.core.classes import CLASSES
from nuclei.report.style import DPI, WIDTH, png, styled

_MARGIN, _GAP = 64, 6  # px


def balanced_rows(label: np.ndarray, count: int) -> np.ndarray:
    """Choose at most `count` rows of (N,) `label`, as even over classes as can be."""
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
        aug: the recipe.
    """
    rows = np.stack([originals, augmented])
    figure, shown = _page(rows, len(labels), labels, _MARGIN, line=_MARGIN // 2, size=9)
    width, height = figure.get_size_inches() * DPI
    for row, name in enumerate([aug.replace("+", "\n+"), "original"]):
        middle = (row + 0.5) * (shown + _GAP) / height
        figure.text(_MARGIN / 2 / width, middle, name, rotation=90, ha="center", va="center")
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
    figure, shown = _page(rows, len(above) + 1, above, margin, line, size=7)
    width, height = figure.get_size_inches() * DPI
    for row, name in enumerate(left):
        middle = 1 - (line + row * (shown + _GAP) + shown / 2) / height
        figure.text((margin - 8) / width, middle, name, ha="right", va="center", fontsize=8)
    return png(figure)


def enlarged(crop: np.ndarray, room: int) -> np.ndarray:
    """Enlarge a crop, uint8 (S, S, 3), to at most `room` px; a larger one shrinks.

    Whole multiples keep every pixel square.
    """
    shown = room // len(crop) * len(crop) or room
    return cv2.resize(crop, (shown, shown), interpolation=cv2.INTER_NEAREST)


def _page(
    rows: np.ndarray, columns: int, above: list[str], margin: int, line: int, size: int
) -> tuple[Figure, int]:
    """Show crops, (R, C, S, S, 3), a name above each column; return also the px a crop takes.

    `columns` crops fit beside each other; left of them is a margin, above them a line, in px.
    """
    room = int(DPI * WIDTH - _MARGIN) // columns - _GAP
    tiles = np.array([[enlarged(crop, room) for crop in row] for row in rows])
    gaps = ((0, 0), (0, 0), (0, _GAP), (0, _GAP), (0, 0))
    shown = tiles.shape[2]
    spaced = np.pad(tiles, gaps, constant_values=255).swapaxes(1, 2)
    picture = spaced.reshape(len(rows) * (shown + _GAP), -1, 3)
    width, height = picture.shape[1] + margin, picture.shape[0] + line
    figure = Figure(figsize=(width / DPI, height / DPI))
    figure.figimage(picture, xo=margin, yo=0)
    for column, name in enumerate(above):
        centre = (margin + column * (shown + _GAP) + shown / 2) / width
        figure.text(centre, 1 - line / 2 / height, name, ha="center", va="center", size=size)
    return figure, shown
