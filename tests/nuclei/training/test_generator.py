"""A network that makes nuclei, and one that judges them, on nuclei whose class is their colour."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from nuclei.errors import InputError
from nuclei.params.generator import Generator
from nuclei.training import generator, judge

COLOURS = np.array([[40, 90, 200], [200, 60, 80], [120, 220, 60]])
LABELS = np.arange(300) % 3
KNOBS = Generator(seed=1, updates=200, pool=20)


def _crops(side=8, seed=0):
    noise = np.random.default_rng(seed).integers(-20, 21, (len(LABELS), side, side, 3))
    return (COLOURS[LABELS][:, None, None] + noise).astype(np.uint8)


@pytest.fixture(scope="module", autouse=True)
def quick():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(generator, "TOGETHER", 16)
        patch.setattr(judge, "UPDATES", 60)
        yield


@pytest.fixture(scope="module")
def pool(quick):
    return generator.pool(KNOBS, _crops(), LABELS)


def test_what_is_made_looks_like_its_class(pool):
    assert pool.shape == (60, 8, 8, 3) and pool.dtype == np.uint8
    colours = pool.reshape(3, 20, 64, 3).mean(axis=2)
    apart = np.linalg.norm(colours[:, :, None] - COLOURS, axis=-1)  # (class, nucleus, colour)
    likest = apart.argmin(axis=-1)
    assert (likest == np.arange(3)[:, None]).mean() > 0.9
    assert len({nucleus.tobytes() for nucleus in pool}) == len(pool)


def test_the_same_nuclei_and_seed_make_the_same_bytes_in_any_thread(pool):
    knobs = [KNOBS, KNOBS, KNOBS.model_copy(update={"seed": 2})]
    with ThreadPoolExecutor(3) as threads:
        again = list(threads.map(lambda of: generator.pool(of, _crops(), LABELS), knobs))
    np.testing.assert_array_equal(again[0], pool)
    np.testing.assert_array_equal(again[1], pool)
    assert (again[2] != pool).any()


def test_any_side_is_made_and_the_steps_are_counted():
    taken = []
    knobs = Generator(seed=1, updates=2, pool=17)
    made = generator.pool(knobs, _crops(side=13), LABELS, lambda: taken.append(1))
    assert made.shape == (51, 13, 13, 3)
    assert len(taken) == generator.steps(knobs) == 2 + 3 * 2 * generator.STEPS


def test_a_class_needs_enough_nuclei():
    generator.check(np.repeat([0, 1, 2], generator.FEWEST), "fold 2")
    with pytest.raises(InputError, match=r"fold 2: 1 training nuclei of class TIL; .* least 50 of"):
        generator.check(np.array([0] * 60 + [1] + [2] * 60), "fold 2")


def test_the_judge_sees_the_classes_of_real_nuclei(pool):
    look = judge.judge(_crops(), LABELS, 1)
    features, probabilities = look(_crops(seed=5))
    assert features.shape == (300, 64)
    assert (probabilities.argmax(axis=1) == LABELS).mean() > 0.95
    np.testing.assert_array_equal(judge.judge(_crops(), LABELS, 1)(_crops(seed=5))[0], features)
