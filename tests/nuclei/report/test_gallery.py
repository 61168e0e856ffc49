import numpy as np

from nuclei.augmentation import recipes
from nuclei.core.draws import hash_ids
from nuclei.core.nuclei import Nuclei
from nuclei.report import gallery

RANDOM = np.random.default_rng(0)
LABELS = np.arange(12) % 3
CROPS = RANDOM.integers(0, 256, (12, 16, 16, 3), np.uint8)
NUCLEI = Nuclei(CROPS, hash_ids(map(str, range(12))), LABELS)


def test_an_example_is_the_nucleus_of_the_first_stored_copy():
    draws = {"seed": 7, "learned": {}}
    expected = recipes.augment(NUCLEI, "flip", 7, 0)
    assert (gallery.augmented(NUCLEI, "flip", draws, None) == expected).all()


def test_a_recipe_that_learns_uses_what_the_first_fold_has_learned():
    learned = {
        str(fold): recipes.learn("randstainna", CROPS, np.arange(fold, 12)) for fold in (1, 5)
    }
    draws = {"seed": 7, "learned": learned}
    first, other = (recipes.augment(NUCLEI, "randstainna", 7, 0, learned[fold]) for fold in "15")
    assert (gallery.augmented(NUCLEI, "randstainna", draws, None) == first).all()
    assert (first != other).any()


def test_examples_of_synthetic_nuclei_are_of_the_pool_and_of_their_class():
    pool = np.repeat(np.arange(3, dtype=np.uint8), 4)[:, None, None, None] * np.ones_like(CROPS)
    shown = gallery.augmented(NUCLEI, "generated", {"seed": 7, "learned": {}}, pool)
    assert (shown[:, 0, 0, 0] == LABELS).all()
