"""Averages over runs, and how far seeds move them. Pure functions over numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import fmean, stdev

SHIFTS = (1.0, 10.0)
"""Seconds; the shifts that every ranking prints."""
PAR_FACTOR = 10.0
RESOLUTION_S = 0.001
"""Seconds: a shorter time counts as this one in ratios and on logarithmic axes, where 0 has no place."""


def shifted_geometric_mean(values: Sequence[float], shift: float) -> float:
    """exp(mean(log(v + s))) - s.

    Source: Achterberg, Constraint Integer Programming (2007); Mittelmann's benchmarks shift by 10 s, or by 1 s.

    Parameters
    ----------
    values : non-negative, at least one.
    shift : positive, in the unit of the values.
    """
    return math.exp(fmean(math.log(value + shift) for value in values)) - shift


def penalised_average(seconds: Sequence[float], solved: Sequence[bool], limits: Sequence[float]) -> float:
    """PAR-10: the mean time where an unsolved run counts ten times its limit.

    Source: Hutter et al., ParamILS (2009).
    """
    rows = zip(seconds, solved, limits, strict=True)
    return fmean(time if done else PAR_FACTOR * limit for time, done, limit in rows)


def capped_gap(gap: float | None) -> float:
    """A gap as averages count it: at most 100 %, and unknown as 100 %."""
    return 1.0 if gap is None else min(gap, 1.0)


def t_interval(values: Sequence[float], confidence: float = 0.95) -> tuple[float, float] | None:
    """Student's interval of the mean, m -/+ t s / sqrt(n); None for fewer than three values."""
    if len(values) < 3:
        return None
    middle = fmean(values)
    from scipy import stats

    half = float(stats.t.ppf(0.5 + confidence / 2, len(values) - 1)) * stdev(values) / math.sqrt(len(values))
    return middle - half, middle + half


def geometric_interval(means: Sequence[float], shift: float, confidence: float = 0.95) -> tuple[float, float] | None:
    """The t interval of shifted geometric means, one of each seed, taken on the logarithms of the shifted means.

    Parameters
    ----------
    means : one shifted geometric mean over the same instances for each seed.
    """
    interval = t_interval([math.log(mean + shift) for mean in means], confidence)
    return None if interval is None else (math.exp(interval[0]) - shift, math.exp(interval[1]) - shift)


def quantile(values: Sequence[float], share: float) -> float:
    """The quantile by linear interpolation between order statistics."""
    ordered = sorted(values)
    position = share * (len(ordered) - 1)
    below = math.floor(position)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (position - below) * (ordered[above] - ordered[below])
