"""Nuclei as they travel between packages."""

from typing import NamedTuple

import numpy as np


class Nuclei(NamedTuple):
    """Nuclei of one side S, a row each."""

    crops: np.ndarray  # uint8 RGB (N, S, S, 3)
    hashed_ids: np.ndarray  # uint64 (N,), of `draws.hash_ids`
    labels: np.ndarray  # int64 (N,), positions in CLASSES

    def rows(self, rows: np.ndarray | slice) -> "Nuclei":
        """Return the nuclei at `rows`, in that order; as a slice they are not copied."""
        return Nuclei(*(column[rows] for column in self))
