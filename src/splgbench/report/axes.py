"""What a logarithmic axis shows: its range and its marks, the same on the page and in the papers' files."""

from __future__ import annotations

import math
from collections.abc import Iterable

_DIGITS: tuple[tuple[float, ...], ...] = (
    (1,),
    (1, 3),
    (1, 2, 5),
    (1, 1.5, 2, 3, 5, 7),
    (1, 1.2, 1.4, 1.6, 1.8, 2, 2.5, 3, 3.5, 4, 5, 6, 7, 8, 9),
)
"""Digits that have a mark in every decade, the coarsest choice first."""
_FEWEST, _MOST = 4, 9
_ROOM = 0.05
_SAME = 0.01


def log_span(values: Iterable[float | str | None]) -> tuple[float, float]:
    """The least and the largest positive value with some room around them; 1 to 10 where there is none."""
    positive = [value for value in values if isinstance(value, int | float) and 0 < value < math.inf]
    if not positive:
        return 1.0, 10.0
    low, high = math.log10(min(positive)), math.log10(max(positive))
    room = _ROOM * (high - low) if high - low > _SAME else math.log10(2)
    return _power(low - room), _power(high + room)


def log_ticks(low: float, high: float) -> list[float]:
    """Round numbers from `low` to `high`, about four to nine of them.

    Parameters
    ----------
    low, high : the ends of the axis, 0 < low < high.
    """
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    stride = max(1, math.ceil((last - first) / _MOST))
    for digits in _DIGITS:
        ticks = [_power(decade) * digit for decade in range(first, last + 1, stride) for digit in digits]
        ticks = [tick for tick in ticks if low <= tick <= high]
        if len(ticks) >= _FEWEST:
            return ticks
    step = 10.0 ** math.floor(math.log10((high - low) / _FEWEST))
    step *= next(factor for factor in (1, 2, 5, 10) if (high - low) / (factor * step) <= _MOST)
    return [step * count for count in range(math.ceil(low / step), math.floor(high / step) + 1)]


def tick_text(tick: float) -> str:
    """A mark's number for people."""
    return f"{tick:,.6g}"


def _power(exponent: float) -> float:
    """10 to an exponent, within what a float can hold."""
    return math.pow(10.0, min(max(exponent, -300.0), 300.0))
