"""Real-valued draws without floating point: fixed-point arithmetic on int64 arrays.

A number is held as a whole number of units of 2^-32 (`ONE` units make 1). Normal quantiles and powers of two come from
two committed tables of whole numbers (`splgbench.generator.make_tables`), read between their nodes by a parabola in
the same arithmetic. No float, no libm and no numpy.random takes part, so that equal bits give equal numbers on every
machine and with every library version.
"""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from functools import cache
from importlib import resources

import numpy as np
from numpy.typing import NDArray

from splgbench.instance import IntArray

FRACTION_BITS = 32
ONE = 1 << FRACTION_BITS
"""Units that make 1."""

TAIL_BITS = 32
"""Bits that place a normal draw in its tail."""
NODES_PER_OCTAVE = 64
"""Quantile nodes per halving of the tail probability."""
NODES_PER_DOUBLING = 256
"""Nodes of the table of powers 2^f, 0 <= f <= 1."""
QUANTILES_FILE = "normal_quantiles.csv"
POWERS_FILE = "powers_of_two.csv"

_LOW = ONE - 1
_HALF = ONE >> 1
_LOG2_E = 6196328019
"""1 / ln 2 in units of 2^-32."""


def fixed(value: Decimal | int) -> int:
    """The nearest fixed-point number (halves upwards)."""
    return int((Fraction(value) * ONE + Fraction(1, 2)) // 1)


def times(a: IntArray | int, b: IntArray | int) -> IntArray:
    """The product a b / 2^32, rounded to the nearest whole number (halves upwards).

    Two fixed-point numbers give a fixed-point number; a fixed-point and a whole number give a whole number. The result
    must stay below 2^62 in size.
    """
    a, b = np.asarray(a, dtype=np.int64), np.asarray(b, dtype=np.int64)
    a_high, a_low = a >> FRACTION_BITS, a & _LOW
    b_high, b_low = b >> FRACTION_BITS, b & _LOW
    low = (a_low.astype(np.uint64) * b_low.astype(np.uint64) + np.uint64(_HALF)) >> np.uint64(FRACTION_BITS)
    product: IntArray = a * b_high + a_high * b_low + low.astype(np.int64)
    return product


def ratio(a: IntArray | int, b: IntArray | int) -> IntArray:
    """The quotient a / b as a fixed-point number, rounded down, for 0 <= a, 0 < b < 2^55 and a / b < 2^30."""
    b = np.asarray(b, dtype=np.int64)
    quotient, rest = np.divmod(np.asarray(a, dtype=np.int64), b)
    for _ in range(FRACTION_BITS // 8):
        digit, rest = np.divmod(rest << 8, b)
        quotient = (quotient << 8) + digit
    return np.asarray(quotient, dtype=np.int64)


def fraction(bits: NDArray[np.uint64]) -> IntArray:
    """Uniform over [0, 1) in fixed point, from the upper half of each word."""
    return (bits >> np.uint64(64 - FRACTION_BITS)).astype(np.int64)


def uniform(bits: NDArray[np.uint64], low: int, high: int) -> IntArray:
    """Uniform over [low, high], all in fixed point."""
    return low + times(fraction(bits), high - low)


def below(bits: NDArray[np.uint64], bound: IntArray | int) -> IntArray:
    """Uniform over the whole numbers 0 .. bound - 1, for 0 < bound < 2^31 (uneven by less than bound / 2^32)."""
    number: IntArray = (fraction(bits) * bound) >> FRACTION_BITS
    return number


def normal(bits: NDArray[np.uint64]) -> IntArray:
    """Standard normal in fixed point, at most 6.35 in size; within 3e-7 of the quantile the bits stand for.

    The top bit is the sign. The next `TAIL_BITS` bits, the last of them set, are an odd number q, and the tail
    probability is q / 2^33.
    """
    tail = (bits >> np.uint64(63 - TAIL_BITS)).astype(np.int64) & (2**TAIL_BITS - 1)
    tail |= 1
    octave = np.searchsorted(1 << np.arange(TAIL_BITS, dtype=np.int64), tail, side="right") - 1
    # q = 2^octave (1 + place / 2^32): nodes stand at equal steps of `place`.
    place = (tail << (FRACTION_BITS - octave)) - ONE
    size = _between(quantile_table(), octave * NODES_PER_OCTAVE, place, NODES_PER_OCTAVE)
    return np.where(bits >> np.uint64(63) == 1, -size, size)


def exp(x: IntArray) -> IntArray:
    """e^x in fixed point for x < 21, within 1e-8 of the value or two units, whichever is larger."""
    exponent = times(x, _LOG2_E)
    power = _between(power_table(), 0, exponent & _LOW, NODES_PER_DOUBLING)
    doublings = exponent >> FRACTION_BITS
    shifted: IntArray = (power << np.maximum(doublings, 0)) >> np.clip(-doublings, 0, 63)
    return shifted


def _between(table: IntArray, first: IntArray | int, place: IntArray, nodes: int) -> IntArray:
    """The table at `place` (fixed point, in [0, 1)) of the stretch of `nodes` steps that begins at node `first`.

    A parabola through three neighbouring nodes, in Newton's form.
    """
    step = place * nodes
    node = (step >> FRACTION_BITS) & ~1
    s = step - (node << FRACTION_BITS)
    start, middle, end = (table[first + node + i] for i in range(3))
    bend = times(times(s, s - ONE), end - 2 * middle + start) >> 1
    value: IntArray = start + times(s, middle - start) + bend
    return value


@cache
def quantile_table() -> IntArray:
    """Quantiles z in fixed point: node i stands at tail probability 2^(i // 64) (64 + i % 64) / 2^39."""
    return _read_table(QUANTILES_FILE)


@cache
def power_table() -> IntArray:
    """Powers in fixed point: node i holds 2^(i / 256)."""
    return _read_table(POWERS_FILE)


def _read_table(file: str) -> IntArray:
    lines = resources.files("splgbench.generator").joinpath(file).read_text("utf-8").splitlines()[1:]
    table = np.array([int(line.partition(",")[2]) for line in lines], dtype=np.int64)
    table.flags.writeable = False
    return table
