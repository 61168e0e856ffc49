"""How near synthetic nuclei come to real ones that their generator has not seen.

All distances are between features: what a network that tells the classes apart sees in a nucleus.
"""

from typing import NamedTuple

import numpy as np
import pandas as pd

from nuclei.core.classes import CLASSES

NEIGHBOURS = 3  # the k of the paper on precision and recall
MOST = 2048  # nuclei of a set, at most, that are compared
NEAR = 0.05  # the share of validation nuclei that lie "near" training nuclei, by definition


class Features(NamedTuple):
    """What a feature extractor returns for some nuclei, and their classes."""

    vectors: np.ndarray  # float (N, D)
    probabilities: np.ndarray  # float (N, classes)
    labels: np.ndarray  # int (N,)


def sets(
    like: np.ndarray, crops: np.ndarray, labels: np.ndarray, pool: np.ndarray, seed: int
) -> dict[str, np.ndarray]:
    """Choose synthetic nuclei to compare with validation, and two sets to put them in proportion.

    Each is uint8 (n, S, S, 3), with the labels `like` of validation, int (n,), in that order. Crops
    and labels are of training nuclei.
    """
    random = np.random.default_rng(seed)
    per_class = len(pool) // len(CLASSES)
    synthetic = like * per_class + random.integers(per_class, size=len(like))
    rows_of = [np.flatnonzero(labels == code) for code in range(len(CLASSES))]
    again = np.array([random.choice(rows_of[code]) for code in like])
    noise = random.integers(256, size=(len(like), *crops.shape[1:]), dtype=np.uint8)
    return {"synthetic": pool[synthetic], "training nuclei again": crops[again], "noise": noise}


def compare(validation: Features, training: Features, sets: dict[str, Features]) -> pd.DataFrame:
    """Compare sets of nuclei with a fold's validation nuclei, at least NEIGHBOURS + 2.

    A row per set, and a last one of validation itself, has ``kid``, times 1000 (Bińkowski et al.,
    ICLR 2018, arXiv:1801.01401); ``precision`` and ``recall`` (Kynkäänniemi et al., NeurIPS 2019,
    arXiv:1904.06991); ``near``, the share that lies nearer to a training nucleus than all but NEAR
    of validation do: of copies it is 1; ``accuracy_CLASS``, how often the feature extractor
    predicts it. For validation itself the first four are what the words mean: 0, 1, 1 and NEAR.
    """
    near = np.quantile(_nearest(training.vectors, validation.vectors), NEAR)
    rows = []
    for name, features in sets.items():
        precision, recall = precision_recall(validation.vectors, features.vectors)
        row = {
            "nuclei": name,
            "kid": 1000 * kid(validation.vectors, features.vectors),
            "precision": precision,
            "recall": recall,
            "near": (_nearest(training.vectors, features.vectors) < near).mean(),
        }
        rows.append(row | _accuracies(features))
    itself = {"nuclei": "validation nuclei", "kid": 0.0, "precision": 1.0, "recall": 1.0}
    rows.append(itself | {"near": NEAR} | _accuracies(validation))
    return pd.DataFrame(rows)


def _accuracies(features: Features) -> dict[str, float]:
    right = features.probabilities.argmax(axis=1) == features.labels
    return {
        f"accuracy_{label}": right[features.labels == code].mean()
        for code, label in enumerate(CLASSES)
    }


def kid(real: np.ndarray, synthetic: np.ndarray) -> float:
    """Return the squared maximum mean discrepancy of two sets of features, (N, D) and (M, D).

    It has the cubic kernel of the paper and is unbiased: 0 on average if both sets are of one
    distribution, and then as often below 0 as above it.
    """

    def kernel(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return (a @ b.T / a.shape[1] + 1) ** 3

    def mean_off_diagonal(similarity: np.ndarray) -> float:
        count = len(similarity)
        return (similarity.sum() - np.trace(similarity)) / (count * (count - 1))

    real, synthetic = real.astype(float), synthetic.astype(float)
    within = mean_off_diagonal(kernel(real, real)) + mean_off_diagonal(kernel(synthetic, synthetic))
    return float(within - 2 * kernel(real, synthetic).mean())


def precision_recall(real: np.ndarray, synthetic: np.ndarray) -> tuple[float, float]:
    """Return the share of synthetic nuclei that are like real ones, and the reverse.

    A nucleus is like those of a set if it lies within the reach of one of them: the distance of
    that one to its NEIGHBOURS-th nearest of the same set.
    """
    from sklearn.metrics import pairwise_distances  # a second to import

    distances = pairwise_distances(real, synthetic)
    reach_of_real, reach_of_synthetic = (
        np.sort(pairwise_distances(vectors), axis=1)[:, NEIGHBOURS] for vectors in (real, synthetic)
    )
    like_real = (distances < reach_of_real[:, None]).any(axis=0)
    like_synthetic = (distances < reach_of_synthetic).any(axis=1)
    return float(like_real.mean()), float(like_synthetic.mean())


def _nearest(training: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    from sklearn.metrics import pairwise_distances_argmin_min

    return pairwise_distances_argmin_min(vectors, training)[1]
