"""What size alone tells: the floor that a network has to beat."""

import numpy as np
import pandas as pd

from nuclei.core.classes import CLASSES, codes
from nuclei.core.errors import InputError
from nuclei.core.folds import Fold
from nuclei.statistics.predictions import Tested, share_of_patients
from nuclei.statistics.scores import score


def size_floor(
    nuclei: pd.DataFrame, sizes: pd.DataFrame, folds: list[Fold], tested: Tested
) -> float:
    """Return the macro AUC of a classifier that knows only the longest side of a nucleus's box.

    It is a quadratic discriminant on the logarithm, fitted per fold: what a network reaches without
    looking inside. Columns used: ``id, label`` of `nuclei`, ``id, longest`` (microns) of `sizes`.

    Raises:
        InputError: a nucleus has no positive size, or a class too few sizes to fit.
    """
    from sklearn.discriminant_analysis import QuadraticDiscriminantAnalysis  # a second to import

    longest = nuclei.merge(sizes, on="id", how="left")["longest"].to_numpy()
    label = nuclei["label"].to_numpy(str)
    wrong = np.flatnonzero(~(longest > 0))
    if len(wrong):
        raise InputError(
            f"nucleus {nuclei['id'][wrong[0]]}: longest is {longest[wrong[0]]}; needs microns > 0"
        )
    size, shares, floor = np.log(longest)[:, None], share_of_patients(tested), 0.0
    for fold in folds:
        try:
            model = QuadraticDiscriminantAnalysis().fit(size[fold.train], label[fold.train])
        except ValueError as error:
            raise InputError(
                f"fold {fold.number}: no discriminant fits the sizes: {error}"
            ) from None
        columns = [list(model.classes_).index(name) for name in CLASSES]
        probability = model.predict_proba(size[fold.test])[:, columns]
        score_of_fold = score(codes(label[fold.test]), probability)["macro_auc"]
        floor += shares[fold.number] * score_of_fold
    return floor
