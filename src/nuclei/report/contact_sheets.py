"""Contact sheets: nuclei above, the same nuclei augmented below."""

import cv2
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from nuclei.classes import CLASSES
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
    side, room = originals.shape[1], int(DPI * WIDTH - _MARGIN) // len(labels) - _GAP
    shown = room // side * side or room  # whole multiples keep every pixel square
    cell = shown + _GAP
    sheet = np.full((2 * cell, len(labels) * cell, 3), 255, np.uint8)
    for column, pair in enumerate(zip(originals, augmented, strict=True)):
        for row, image in enumerate(pair):
            y, x = row * cell, column * cell
            larger = cv2.resize(image, (shown, shown), interpolation=cv2.INTER_NEAREST)
            sheet[y : y + shown, x : x + shown] = larger
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
