"""The long table of predictions that the statistics start from.

It has a row per cell (``aug``, ``volume``), ``repeat`` and test nucleus: its ``id``, ``label``,
``patient``, ``site`` and a float64 probability per class, named as in CLASSES.
"""

import numpy as np
import pandas as pd

from nuclei.classes import CLASSES, codes
from nuclei.errors import InputError
from nuclei.statistics.scores import Totals, totals

Cell = tuple[str, float]  # augmentation and volume
CELL = ["aug", "volume"]

_CLASSES = list(CLASSES)
_TOLERANCE = 1e-3  # probabilities are rounded when written


def check(predictions: pd.DataFrame, test: pd.DataFrame, where: str) -> None:
    """Check that one cell's predictions cover the test nuclei, once per repeat.

    Args:
        predictions: rows of one cell.
        test: the prepared test rows, with ``id, label, patient, site``.
        where: the file that an error names.

    Raises:
        InputError: naming `where`, the column or nucleus, and what would be valid.
    """
    needed = ["repeat", "id", "label", "patient", "site", *_CLASSES]
    if missing := [column for column in needed if column not in predictions]:
        raise InputError(f"{where}: column {missing[0]} is missing; needs {','.join(needed)}")
    if predictions.empty:
        raise InputError(f"{where}: no rows; needs one per repeat and test nucleus")
    truth = test.set_index("id")
    for repeat, rows in predictions.groupby("repeat"):
        if sorted(rows["id"]) != sorted(truth.index):
            raise InputError(
                f"{where}: repeat {repeat}: {rows['id'].nunique()} nuclei in {len(rows)} rows; "
                f"each of the {len(truth)} test nuclei once is valid"
            )
    for column in ("label", "patient", "site"):
        wrong = predictions[column].to_numpy() != truth.loc[predictions["id"], column].to_numpy()
        if wrong.any():
            row = predictions[wrong].iloc[0]
            raise InputError(
                f"{where}: nucleus {row['id']} has {column} {row[column]}, the test rows say "
                f"{truth.loc[row['id'], column]}"
            )
    probability = predictions[_CLASSES].apply(pd.to_numeric, errors="coerce")
    wrong = ~((probability >= 0).all(axis=1) & (abs(probability.sum(axis=1) - 1) < _TOLERANCE))
    if wrong.any():
        row = predictions[wrong].iloc[0]
        raise InputError(
            f"{where}: repeat {row['repeat']}, nucleus {row['id']}: probabilities "
            f"{', '.join(str(p) for p in row[_CLASSES])}; three from 0 to 1 that sum to 1 are valid"
        )


def totals_of_cells(
    predictions: pd.DataFrame, unit: np.ndarray, units: int
) -> dict[Cell, list[Totals]]:
    """Reduce every repeat of every cell to what its scores need, per unit.

    Args:
        predictions: as `check` passes them, with ``aug`` and ``volume``; any row order.
        unit: (N,) int in [0, units), the patient or site of every row.
        units: how many there are.

    Returns:
        The totals of every cell's repeats; cells in order of appearance, repeats by number.
    """
    label = codes(predictions["label"])
    probability = predictions[_CLASSES].to_numpy(np.float64)
    cells = predictions[[*CELL, "repeat"]].reset_index(drop=True).groupby(CELL, sort=False)
    return {
        cell: [
            totals(label[rows], probability[rows], unit[rows], units)
            for _, of_repeat in of_cell.groupby("repeat")
            for rows in [of_repeat.index.to_numpy()]
        ]
        for cell, of_cell in cells
    }
