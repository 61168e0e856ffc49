"""Random numbers that belong to a nucleus.

A number depends on the seed, the nucleus's id, the copy, the operation and the number's index in
that operation. Other nuclei, their order, chunks, threads and the machine do not change it.
"""

from collections.abc import Iterable
from functools import cache
from hashlib import blake2b
from statistics import NormalDist

import numpy as np

_GOLDEN = 0x9E3779B97F4A7C15


def hash_ids(ids: Iterable[str]) -> np.ndarray:
    """Hash each nucleus's id to 64 bits, uint64 (N,)."""
    return np.array([_hash(nucleus_id) for nucleus_id in ids], dtype=np.uint64)


def keys(hashed_ids: np.ndarray, seed: int, copy: int, operation: str) -> np.ndarray:
    """Return each nucleus's stream of random numbers, uint64 (N,), for an operation and a copy."""
    return _mix(hashed_ids ^ np.uint64(_hash(f"{seed}/{copy}/{operation}")))


def bits(keys: np.ndarray, index: int) -> np.ndarray:
    """Return the `index`-th 64 random bits of each stream, uint64 (N,).

    By SplitMix64, entered at any index (Steele et al., OOPSLA 2014, doi:10.1145/2660193.2660195).
    """
    return _mix(keys + np.uint64((index + 1) * _GOLDEN % 2**64))


def uniform(keys: np.ndarray, index: int, low: float = 0.0, high: float = 1.0) -> np.ndarray:
    """Return the `index`-th number of each stream, float64 (N,), uniform in [low, high)."""
    return low + (high - low) * ((bits(keys, index) >> np.uint64(11)) * 2.0**-53)


def normal(keys: np.ndarray, index: int) -> np.ndarray:
    """Return the `index`-th number of each stream, float64 (N,), from the standard normal.

    It is one of 65,536 quantiles, rounded to 1/4096: processors may differ in the last bit.
    """
    return _normal_quantiles()[bits(keys, index) >> np.uint64(48)]


def of_names(names: Iterable[str], seed: int, purpose: str) -> np.ndarray:
    """Return a random number for each name, such as a site, float64 (N,), uniform in [0, 1)."""
    return uniform(keys(hash_ids(names), seed, 0, purpose), 0)


@cache
def _normal_quantiles() -> np.ndarray:
    standard, count = NormalDist(), 2**16
    exact = np.array([standard.inv_cdf((i + 0.5) / count) for i in range(count)])
    return np.round(exact * 4096) / 4096


def _hash(text: str) -> int:
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "little")


def _mix(z: np.ndarray) -> np.ndarray:
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))
