"""How near nuclei that a network made come to real ones that it has not seen.

All distances are between features, of a network that tells the classes apart.
"""

from typing import NamedTuple

import numpy as np
import pandas as pd

from nuclei.core.classes import CLASSES

NEIGHBOURS = 3  # of a nucleus, that say how far what is like it reaches, as in the paper
MOST = 2048  # nuclei of a set, at most, that are judged
NEAR = 0.05  # the share of validation nuclei that lie as near to a training nucleus


class Seen(NamedTuple):
    """Nuclei as a network sees them."""

    features: np.ndarray  # float (N, D)
    probabilities: np.ndarray  # float (N, classes)
    labels: np.ndarray  # int (N,)


def sets(
    like: np.ndarray, crops: np.ndarray, labels: np.ndarray, pool: np.ndarray, seed: int
) -> dict[str, np.ndarray]:
    """Choose nuclei to judge, of the classes `like`: made ones, and two sets to compare with.

    Args:
        like: positions in CLASSES, int (n,): of validation nuclei, so that shares are the same.
        crops: training nuclei, uint8 (N, S, S, 3).
        labels: theirs, int (N,).
        pool: made nuclei, uint8 (M, S, S, 3), as many of each class, in the order of CLASSES.
        seed: of the choice.

    Returns:
        By name, uint8 (n, S, S, 3).
    """
    random = np.random.default_rng(seed)
    of_class = len(pool) // len(CLASSES)
    made = like * of_class + random.integers(of_class, size=len(like))
    rows_of = [np.flatnonzero(labels == code) for code in range(len(CLASSES))]
    again = np.array([random.choice(rows_of[code]) for code in like])
    noise = random.integers(256, size=(len(like), *crops.shape[1:]), dtype=np.uint8)
    return {"made": pool[made], "training nuclei again": crops[again], "noise": noise}


def qualities(validation: Seen, training: Seen, judged: dict[str, Seen]) -> pd.DataFrame:
    """Compare sets of nuclei with a fold's validation nuclei, which none was made after.

    Args:
        validation: at least NEIGHBOURS + 2 nuclei.
        training: all nuclei that the networks have learned from.
        judged: by name, nuclei of classes in the shares that validation has.

    Returns:
        A row per set, and a last one of validation itself: ``nuclei`` (the name); ``kid``, times
        1000 (Bińkowski et al., ICLR 2018, arXiv:1801.01401); ``precision`` and ``recall``
        (Kynkäänniemi et al., NeurIPS 2019, arXiv:1904.06991); ``near``, the share that lies nearer
        to a training nucleus than all but NEAR of validation do: of copies it is 1;
        ``accuracy_CLASS``, how often the network says the class that they were made as. For
        validation itself the first four are what the words mean: 0, 1, 1 and NEAR.
    """
    usual = np.quantile(_nearest(training.features, validation.features), NEAR)
    rows = []
    for name, made in judged.items():
        precise, recalled = precision_recall(validation.features, made.features)
        row = {
            "nuclei": name,
            "kid": 1000 * kid(validation.features, made.features),
            "precision": precise,
            "recall": recalled,
            "near": (_nearest(training.features, made.features) < usual).mean(),
        }
        rows.append(row | _accuracies(made))
    itself = {"nuclei": "validation nuclei", "kid": 0.0, "precision": 1.0, "recall": 1.0}
    rows.append(itself | {"near": NEAR} | _accuracies(validation))
    return pd.DataFrame(rows)


def _accuracies(seen: Seen) -> dict[str, float]:
    """How often the network says each class of the nuclei of that class."""
    right = seen.probabilities.argmax(axis=1) == seen.labels
    return {f"accuracy_{label}": right[seen.labels == k].mean() for k, label in enumerate(CLASSES)}


def kid(real: np.ndarray, made: np.ndarray) -> float:
    """The squared maximum mean discrepancy of two sets of features, float (N, D) and (M, D).

    With the cubic kernel of the paper, without bias: 0 on average where both are of one
    distribution, and then as often below as above it.
    """

    def kernel(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return (a @ b.T / a.shape[1] + 1) ** 3

    def among(own: np.ndarray) -> float:
        return (own.sum() - np.trace(own)) / (len(own) * (len(own) - 1))

    real, made = real.astype(float), made.astype(float)
    between = kernel(real, made).mean()
    return float(among(kernel(real, real)) + among(kernel(made, made)) - 2 * between)


def precision_recall(real: np.ndarray, made: np.ndarray) -> tuple[float, float]:
    """How much of what was made is like real nuclei, and how much of what is real was made.

    A nucleus is like those of a set if it lies within the reach of one of them: as far as its
    NEIGHBOURS-th nearest of the same set.
    """
    from sklearn.metrics import pairwise_distances  # a second to import

    apart = pairwise_distances(real, made)
    reach = [np.sort(pairwise_distances(own), axis=1)[:, NEIGHBOURS] for own in (real, made)]
    like_real = (apart < reach[0][:, None]).any(axis=0)
    like_made = (apart < reach[1]).any(axis=1)
    return float(like_real.mean()), float(like_made.mean())


def _nearest(training: np.ndarray, features: np.ndarray) -> np.ndarray:
    """How far each of the features is from the nearest training nucleus."""
    from sklearn.metrics import pairwise_distances_argmin_min

    return pairwise_distances_argmin_min(features, training)[1]
