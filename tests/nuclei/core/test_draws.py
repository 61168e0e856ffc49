import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from nuclei.core import draws

IDS = [f"field/{row}" for row in range(20_000)]


def _keys(ids=IDS, seed=1, copy=0, operation="flip"):
    return draws.keys(draws.hash_ids(ids), seed, copy, operation)


def test_a_draw_depends_on_its_own_nucleus_alone():
    alone = draws.uniform(_keys(IDS[7:8]), 3)
    assert draws.uniform(_keys(), 3)[7] == alone[0]
    np.testing.assert_array_equal(_keys(IDS[::-1]), _keys()[::-1])


def test_seed_copy_operation_and_place_each_give_other_numbers():
    first = draws.uniform(_keys(), 0)
    for other in (_keys(seed=2), _keys(copy=1), _keys(operation="crop")):
        assert abs(np.corrcoef(first, draws.uniform(other, 0))[0, 1]) < 0.03
    assert abs(np.corrcoef(first, draws.uniform(_keys(), 1))[0, 1]) < 0.03


def test_uniform_fills_its_range_evenly():
    numbers = draws.uniform(_keys(), 0, -36.0, 36.0)
    counts, _ = np.histogram(numbers, bins=20, range=(-36, 36))
    assert counts.sum() == len(IDS)
    chi_square = ((counts - 1000) ** 2 / 1000).sum()
    assert chi_square < 43.8  # 99.9 % of a chi-square with 19 degrees of freedom


def test_bits_follow_the_published_generator():
    # The first outputs of SplitMix64 from the state 1234567, as its reference prints them.
    state = np.array([1234567], dtype=np.uint64)
    expected = [6457827717110365317, 3203168211198807973, 9817491932198370423]
    assert [int(draws.bits(state, place)[0]) for place in range(3)] == expected


def test_a_names_number_is_its_own_and_another_for_another_purpose():
    numbers = draws.of_names(["A1", "A2", "BH"], 1, "folds")
    assert draws.of_names(["BH"], 1, "folds")[0] == numbers[2]
    assert ((numbers >= 0) & (numbers < 1)).all() and len(set(numbers)) == 3
    for other in (draws.of_names(["BH"], 2, "folds"), draws.of_names(["BH"], 1, "validation/1")):
        assert other[0] != numbers[2]


@settings(max_examples=100, deadline=None)
@given(
    ids=st.lists(st.text(), min_size=1),
    key=st.tuples(st.integers(0, 2**32 - 1), st.integers(0, 99), st.text()),
    place=st.integers(0, 999),
    low=st.floats(-1e6, 1e6),
    width=st.floats(0.1, 1e6),
)
def test_any_ids_draw_within_the_range_and_alone(ids, key, place, low, width):
    numbers = draws.uniform(_keys(ids, *key), place, low, low + width)
    assert numbers.shape == (len(ids),)
    assert ((low <= numbers) & (numbers <= low + width)).all()
    np.testing.assert_array_equal(
        draws.uniform(_keys(ids[:1], *key), place, low, low + width), numbers[:1]
    )
