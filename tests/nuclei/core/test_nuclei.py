import numpy as np
import pytest

from nuclei.core.nuclei import Nuclei

CROPS = np.random.default_rng(1).integers(0, 256, (5, 8, 8, 3), dtype=np.uint8)
NUCLEI = Nuclei(CROPS, np.arange(5, dtype=np.uint64) + 10, np.array([0, 1, 2, 0, 1]))


@pytest.mark.parametrize("rows", [np.array([4, 0, 4]), slice(1, 3), np.array([], int)])
def test_rows_keep_what_belongs_to_a_nucleus_together(rows):
    chosen = NUCLEI.rows(rows)
    np.testing.assert_array_equal(chosen.crops, CROPS[rows])
    assert chosen.hashed_ids.tolist() == (np.arange(5)[rows] + 10).tolist()
    assert chosen.labels.tolist() == NUCLEI.labels[rows].tolist()


def test_a_slice_copies_no_pixel():
    assert np.shares_memory(NUCLEI.rows(slice(1, 3)).crops, CROPS)
