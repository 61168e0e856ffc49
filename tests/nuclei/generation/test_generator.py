"""The generator and the feature extractor, on nuclei whose class is their colour."""

from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import coloured
import examples
import numpy as np
import pytest
from coloured import COLOURS, KNOBS, LABELS, crops

from nuclei.core.errors import InputError
from nuclei.generation import feature_extractor, generator
from nuclei.generation.params import Generator
from nuclei.training import loop

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", autouse=True)
def quick():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(generator, "TOGETHER", 16)
        patch.setattr(feature_extractor, "UPDATES", 60)
        yield


@pytest.fixture(scope="module")
def pool(quick):
    return generator.pool(KNOBS, crops(), LABELS)


def test_what_is_made_looks_like_its_class(pool):
    assert pool.shape == (60, 8, 8, 3) and pool.dtype == np.uint8
    colours = pool.reshape(3, 20, 64, 3).mean(axis=2)
    apart = np.linalg.norm(colours[:, :, None] - COLOURS, axis=-1)  # (class, nucleus, colour)
    likest = apart.argmin(axis=-1)
    assert (likest == np.arange(3)[:, None]).mean() > 0.9
    assert len({nucleus.tobytes() for nucleus in pool}) == len(pool)


def test_bytes_depend_on_nuclei_and_seed_and_not_on_what_a_process_has_trained_before(monkeypatch):
    with ProcessPoolExecutor(1, get_context("spawn")) as process:
        (alone,) = process.submit(coloured.of_seeds_in_a_new_process, 1).result()
    nuclei = examples.nuclei(60, 1)  # a study's workers have trained before
    training = loop.Training(lambda positions, number: nuclei.crops[positions], nuclei.labels)
    loop.train(examples.SMALL, examples.KNOBS, 1, training, examples.nuclei(30, 2))
    coloured.in_few_updates(monkeypatch.setattr)
    other, *again = coloured.of_seeds(2, 1, 1)
    for later in again:
        for name, array, expected in zip(
            ("pool", "features", "probabilities"), later, alone, strict=True
        ):
            np.testing.assert_array_equal(array, expected, err_msg=name)
    assert (other[0] != alone[0]).any()


def test_any_side_is_made_and_the_steps_are_counted():
    calls = []
    knobs = Generator(seed=1, updates=2, pool=17)
    synthetic = generator.pool(knobs, crops(side=13), LABELS, lambda: calls.append(1))
    assert synthetic.shape == (51, 13, 13, 3)
    assert len(calls) == generator.steps(knobs) == 2 + 3 * 2 * generator.STEPS


def test_a_class_needs_enough_nuclei():
    generator.check(np.repeat([0, 1, 2], generator.FEWEST), "fold 2")
    with pytest.raises(InputError, match=r"fold 2: 1 training nuclei of class TIL; .* least 50 of"):
        generator.check(np.array([0] * 60 + [1] + [2] * 60), "fold 2")


def test_the_feature_extractor_tells_the_classes_of_real_nuclei_apart(pool):
    extract = feature_extractor.train(crops(), LABELS, 1)
    features, probabilities = extract(crops(seed=5))
    assert features.shape == (300, 64)
    assert (probabilities.argmax(axis=1) == LABELS).mean() > 0.95
    np.testing.assert_array_equal(
        feature_extractor.train(crops(), LABELS, 1)(crops(seed=5))[0], features
    )
