"""Performance profiles, the virtual best method, and what each method adds to it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from splgbench.report.measures import RESOLUTION_S, shifted_geometric_mean

Table = Mapping[str, Sequence[float]]
"""Seconds by method, one a task in one order; infinite where unsolved."""


def virtual_best(times: Table) -> list[float]:
    """The least time of each task over all methods; infinite where none solves it."""
    return [min(column) for column in zip(*times.values(), strict=True)]


def ratios(times: Table) -> dict[str, list[float]]:
    """r(p, s) = t(p, s) / min over s of t(p, s), infinite where unsolved; times below `RESOLUTION_S` count as that.

    Source: Dolan and More, Benchmarking optimization software with performance profiles (2002), section 2.
    """
    counted = {method: [max(time, RESOLUTION_S) for time in column] for method, column in times.items()}
    best = virtual_best(counted)
    return {
        method: [time / least if math.isfinite(time) else math.inf for time, least in zip(column, best, strict=True)]
        for method, column in counted.items()
    }


def profile(values: Sequence[float]) -> list[tuple[float, float]]:
    """rho(tau), the share of tasks whose ratio is at most tau, as the points (tau, share) where it rises."""
    count = len(values)
    finite = sorted(value for value in values if math.isfinite(value))
    return [
        (value, (position + 1) / count)
        for position, value in enumerate(finite)
        if position + 1 == len(finite) or finite[position + 1] > value
    ]


@dataclass(frozen=True)
class Contribution:
    """What a method adds to the virtual best.

    Parameters
    ----------
    fastest : tasks on which it is the fastest, or as fast as the fastest.
    alone : tasks that no other method solves.
    loss : by how much the virtual best's shifted geometric mean grows without it, as a fraction.
    """

    fastest: int
    alone: int
    loss: float


def contributions(times: Table, limits: Sequence[float], shift: float) -> dict[str, Contribution]:
    """Each method's contribution; tasks that nobody solves count at their limits.

    Source: Xu, Hutter, Hoos and Leyton-Brown, Evaluating component solver contributions (2012), marginal contribution.

    Parameters
    ----------
    limits : seconds, one a task.
    """
    best = virtual_best(times)
    whole = virtual_best_mean(times, limits, shift)
    found = {}
    for method, column in times.items():
        others = {name: values for name, values in times.items() if name != method}
        rest = virtual_best(others) if others else [math.inf] * len(best)
        without = virtual_best_mean(others, limits, shift) if others else shifted_geometric_mean(limits, shift)
        found[method] = Contribution(
            fastest=sum(math.isfinite(time) and time == least for time, least in zip(column, best, strict=True)),
            alone=sum(math.isfinite(time) and not math.isfinite(o) for time, o in zip(column, rest, strict=True)),
            loss=(without + shift) / (whole + shift) - 1,
        )
    return found


def virtual_best_mean(times: Table, limits: Sequence[float], shift: float) -> float:
    """The virtual best's shifted geometric mean."""
    pairs = zip(virtual_best(times), limits, strict=True)
    return shifted_geometric_mean([min(time, limit) for time, limit in pairs], shift)
