"""Random numbers that are the same on every machine and with every library version.

The bits come from SplitMix64 (Steele, Lea and Flood 2014, OOPSLA), used in counter mode: draw i of a stream is the
mix of ``key + (i + 1) gamma`` modulo 2^64. A stream's key is taken from the SHA-256 of its name, so that streams
are independent and adding one does not move another. Everything else is integer arithmetic on these bits.
"""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray

from splgbench.instance import IntArray

FloatArray = NDArray[np.float64]
GAMMA = 0x9E3779B97F4A7C15
_MASK = 2**64 - 1


def raw_bits(name: str, count: int) -> NDArray[np.uint64]:
    """The first `count` words of the stream `name`, shape (count,), uniform over [0, 2^64)."""
    key = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big")
    first = np.uint64((key + GAMMA) & _MASK)
    with np.errstate(over="ignore"):
        z = first + np.arange(count, dtype=np.uint64) * np.uint64(GAMMA)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        mixed: NDArray[np.uint64] = z ^ (z >> np.uint64(31))
    return mixed


def uniform(name: str, count: int) -> FloatArray:
    """Numbers between 0 and 1, both excluded, from the first words of the stream; shape (count,)."""
    return ((raw_bits(name, count) >> np.uint64(11)).astype(np.float64) + 0.5) / 2**53


def normal(name: str, count: int) -> FloatArray:
    """Standard normal numbers, from the uniform ones by inversion; shape (count,)."""
    from scipy.special import ndtri

    numbers: FloatArray = ndtri(uniform(name, count))
    return numbers


def permutation(name: str, count: int) -> IntArray:
    """A permutation of 0 .. count - 1: the order of the stream's words (ties, which are rare, by position)."""
    return np.argsort(raw_bits(name, count), kind="stable").astype(np.int64)
