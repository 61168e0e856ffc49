"""The contract of every operation, whichever they are: what each does is tested by its family."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from inspect import signature
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nuclei.augmentation.recipes import OPERATIONS
from nuclei.core import draws

WITH_STRENGTH = [name for name, operation in OPERATIONS.items() if operation.strength]
DRAWING = [
    name
    for name, operation in OPERATIONS.items()
    if operation.strength or operation.draw(draws.hash_ids("a"))
]
BOUNDS = [
    (name, bound)
    for name in WITH_STRENGTH
    for bound in (OPERATIONS[name].strength.low, OPERATIONS[name].strength.high)
]


def _crops(count=40, side=32, seed=1):
    """Half of the crops are noise; of the others, every other one has two colours."""
    random = np.random.default_rng(seed)
    crops = random.integers(0, 256, (count, side, side, 3), dtype=np.uint8)
    stain = np.array([70, 20, 80], np.uint8)
    crops[3::4] = np.where(crops[3::4, :, :, :1] > 127, [[90, 60, 140]], [[150, 50, 120]])
    for i in range(1, count, 4):
        crops[i] = cv2.GaussianBlur(crops[i], (0, 0), 2) // 2 + stain
    return crops


def _learned(name, side=32, hashed=()):
    operation = OPERATIONS[name]
    if operation.generates:
        labels = (np.asarray(hashed, np.uint64) % np.uint64(3)).astype(int)
        return {"pool": _crops(30, side, seed=5), "labels": labels}
    return operation.learn(_crops(30, seed=5), np.arange(30)) if operation.learn else {}


def _apply(name, crops, ids=None, copy=0, strength=None):
    hashed = draws.hash_ids(ids or map(str, range(len(crops))))
    operation, keys = OPERATIONS[name], draws.keys(hashed, 1, copy, name)
    strength = strength or (operation.strength and operation.strength.default)
    parameters = operation.draw(keys, *([strength] if strength else []))
    return operation.apply(crops, **parameters, **_learned(name, crops.shape[1], hashed))


def _holds(name, count, side, seed, strength=None):
    """Same shape and type, the input untouched, the same bytes each time and for each row alone."""
    crops = _crops(count, side, seed)
    before = crops.copy()
    ids = [f"{seed}/{i}" for i in range(count)]
    out = _apply(name, crops, ids, strength=strength)
    assert out.shape == crops.shape and out.dtype == np.uint8
    np.testing.assert_array_equal(crops, before)
    np.testing.assert_array_equal(_apply(name, crops, ids, strength=strength), out)
    back = _apply(name, crops[::-1], ids[::-1], strength=strength)
    np.testing.assert_array_equal(back, out[::-1])
    if count:
        alone = _apply(name, crops[-1:], ids[-1:], strength=strength)
        np.testing.assert_array_equal(alone, out[-1:])


@pytest.mark.parametrize("name", OPERATIONS)
@settings(max_examples=10, deadline=None)
@given(count=st.integers(0, 5), side=st.integers(8, 70), seed=st.integers(0, 99))
def test_contract(name, count, side, seed):
    _holds(name, count, side, seed)


@pytest.mark.parametrize(("name", "strength"), BOUNDS)
def test_contract_at_the_bounds_of_the_strength(name, strength):
    _holds(name, 9, 33, 2, strength)


@pytest.mark.parametrize("name", OPERATIONS)
@settings(max_examples=4, deadline=None)
@given(count=st.integers(1, 20), chunk=st.integers(1, 20), threads=st.integers(1, 4))
def test_chunks_neighbours_and_threads_change_no_byte(name, count, chunk, threads):
    crops, ids = _crops(count), [f"f/{i}" for i in range(count)]
    out = _apply(name, crops, ids)
    parts = [slice(first, first + chunk) for first in range(0, count, chunk)]
    with ThreadPoolExecutor(threads) as pool:
        chunks = list(pool.map(lambda part: _apply(name, crops[part], ids[part]), parts))
    np.testing.assert_array_equal(np.concatenate(chunks), out)
    others = np.concatenate([_crops(3, seed=9), crops])
    np.testing.assert_array_equal(_apply(name, others, ["a", "b", "c", *ids])[3:], out)
    cv2.setNumThreads(threads)
    try:
        np.testing.assert_array_equal(_apply(name, crops, ids), out)
    finally:
        cv2.setNumThreads(-1)


@pytest.mark.parametrize("name", DRAWING)
def test_another_copy_is_another_draw(name):
    assert (_apply(name, _crops(), copy=0) != _apply(name, _crops(), copy=1)).any()


@pytest.mark.parametrize("name", [name for name in OPERATIONS if name not in DRAWING])
def test_what_draws_nothing_is_the_same_in_every_copy(name):
    np.testing.assert_array_equal(_apply(name, _crops(), copy=0), _apply(name, _crops(), copy=1))


@pytest.mark.parametrize("name", WITH_STRENGTH)
def test_more_strength_changes_more(name):
    valid = OPERATIONS[name].strength
    crops = _crops(200, side=32)
    weakest, strongest = (
        np.abs(_apply(name, crops, strength=strength).astype(int) - crops).mean()
        for strength in (valid.low, valid.high)
    )
    assert (weakest > strongest) == valid.weakens
    assert weakest > 0


def test_bytes_do_not_depend_on_the_vector_units_of_the_processor():
    """In a process of its own each: NumPy, OpenCV, OpenBLAS and libjpeg choose as they start."""
    hashes = [
        subprocess.run(
            [sys.executable, "-c", "import test_operations as t; t.print_hashes()"],
            cwd=Path(__file__).parent,
            env={**os.environ, **without},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for without in ({}, WITHOUT_VECTOR_UNITS)
    ]
    assert len(hashes[0].splitlines()) == len(OPERATIONS)
    assert hashes[0] == hashes[1]


WITHOUT_VECTOR_UNITS = {
    "NPY_DISABLE_CPU_FEATURES": "X86_V3,X86_V4,AVX512_ICL,AVX512_SPR",
    "OPENCV_CPU_DISABLE": "SSE4.1,SSE4.2,AVX,FP16,AVX2,AVX512-SKX",
    "OPENBLAS_CORETYPE": "Prescott",
    "OPENCV_IPP": "disabled",
    "JSIMD_FORCENONE": "1",
}


def print_hashes():
    """Print a line for every operation; run by the test above in processes of its own."""
    from hashlib import sha256

    for name in OPERATIONS:
        crops = _apply(name, _crops(200, side=48))
        print(name, sha256(np.ascontiguousarray(crops).data).hexdigest())


@pytest.mark.parametrize("name", OPERATIONS)
def test_a_draw_names_what_its_application_takes(name):
    operation = OPERATIONS[name]
    strength = [operation.strength.default] if operation.strength else []
    parameters = operation.draw(draws.hash_ids("ab"), *strength)
    # Raises if a name is unknown to apply, or one that it needs is missing.
    signature(operation.apply).bind(_crops(2), **parameters, **_learned(name))
    assert all(len(numbers) == 2 for numbers in parameters.values())


@pytest.mark.parametrize("name", OPERATIONS)
def test_an_operation_says_in_one_sentence_what_it_does_and_where_it_comes_from(name):
    operation = OPERATIONS[name]
    assert 10 < len(operation.does) < 90 and operation.does.endswith(".")
    assert "\n" not in operation.does and operation.source
