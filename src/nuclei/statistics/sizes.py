"""What size alone tells: the floor that a network has to beat."""

import numpy as np
import pandas as pd

from nuclei.classes import CLASSES
from nuclei.errors import InputError
from nuclei.statistics.scores import score


def size_floor(train: pd.DataFrame, test: pd.DataFrame) -> float:
    """Macro AUC on test of a classifier that knows nothing of a nucleus but its box's longest side.

    A quadratic discriminant on the logarithm: what a network reaches without looking inside.

    Args:
        train: ``label`` and ``longest`` (microns).
        test: the same.

    Raises:
        InputError: where a nucleus has no positive size, or a class too few sizes to fit.
    """
    from sklearn.discriminant_analysis import QuadraticDiscriminantAnalysis  # a second to import

    for rows in (train, test):
        if not (rows["longest"] > 0).all():
            row = rows[~(rows["longest"] > 0)].iloc[0]
            raise InputError(f"nucleus {row['id']}: longest is {row['longest']}; needs microns > 0")
    try:
        model = QuadraticDiscriminantAnalysis().fit(
            np.log(train[["longest"]].to_numpy()), train["label"].to_numpy(str)
        )
    except ValueError as error:
        raise InputError(f"no discriminant fits the sizes: {error}") from None
    probability = model.predict_proba(np.log(test[["longest"]].to_numpy()))
    columns = [list(model.classes_).index(name) for name in CLASSES]
    return score(test["label"].to_numpy(str), probability[:, columns])["macro_auc"]
