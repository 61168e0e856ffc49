"""What size alone tells: the floor that a network has to beat."""

import numpy as np

from nuclei.core.classes import CLASSES, codes
from nuclei.core.errors import InputError
from nuclei.core.folds import Fold
from nuclei.statistics.predictions import Tested, share_of_patients
from nuclei.statistics.scores import score


def size_floor(
    longest: np.ndarray, label: np.ndarray, ids: np.ndarray, folds: list[Fold], tested: Tested
) -> float:
    """Macro AUC of a classifier that knows nothing of a nucleus but its box's longest side.

    A quadratic discriminant on the logarithm, fitted per fold: what a network reaches without
    looking inside.

    Args:
        longest: microns, float (N,), of all prepared nuclei.
        label: their classes, str (N,).
        ids: of the nuclei, for messages.
        folds: which of them are train and test.
        tested: of `predictions.tested_nuclei`, for the weights of the folds.

    Raises:
        InputError: where a nucleus has no positive size, or a class too few sizes to fit.
    """
    from sklearn.discriminant_analysis import QuadraticDiscriminantAnalysis  # a second to import

    wrong = np.flatnonzero(~(longest > 0))
    if len(wrong):
        raise InputError(
            f"nucleus {ids[wrong[0]]}: longest is {longest[wrong[0]]}; needs microns > 0"
        )
    size, shares, total = np.log(longest)[:, None], share_of_patients(tested), 0.0
    for fold in folds:
        try:
            model = QuadraticDiscriminantAnalysis().fit(size[fold.train], label[fold.train])
        except ValueError as error:
            raise InputError(
                f"fold {fold.number}: no discriminant fits the sizes: {error}"
            ) from None
        columns = [list(model.classes_).index(name) for name in CLASSES]
        probability = model.predict_proba(size[fold.test])[:, columns]
        of_fold = score(codes(label[fold.test]), probability)["macro_auc"]
        total += shares[fold.number] * of_fold
    return total
