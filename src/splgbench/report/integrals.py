"""Primal and primal-dual integrals, and the gap of a run over its time.

Source: Berthold, Measuring the impact of primal heuristics, Operations Research Letters 41 (2013) 611-614.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from splgbench.report.measures import capped_gap
from splgbench.result import relative_gap

TracePoint = tuple[float, float | None, float | None, str]
Steps = list[tuple[float, float]]
"""A step function: from each time on, this level."""


def primal_gap(value: float | None, best: float | None) -> float:
    """The primal gap |best - value| / max(|best|, |value|); 0 where both are 0, 1 without a value or across 0."""
    if value is None or best is None or value * best < 0:
        return 1.0
    if value == best:
        return 0.0
    return abs(best - value) / max(abs(best), abs(value))


def primal_steps(trace: Iterable[TracePoint], best: float | None, ended: float, final: float | None) -> Steps:
    """The primal gap function: 1 before the first value; at the end of the run what the checker made of it.

    Parameters
    ----------
    best : the best checked value that any run has for the instance.
    ended : seconds at which the run ended.
    final : the run's checked value.
    """
    levels = [(time, primal_gap(primal, best)) for time, primal, _, _ in trace if time < ended]
    return [(0.0, 1.0), *levels, (ended, primal_gap(final, best))]


def gap_steps(trace: Iterable[TracePoint], ended: float, final: float | None) -> Steps:
    """The gap between primal and dual over time, capped at 1 and 1 where it is unknown.

    Parameters
    ----------
    final : the gap of the judged result; None where unknown.
    """
    levels = [(time, capped_gap(relative_gap(primal, dual))) for time, primal, dual, _ in trace if time < ended]
    return [(0.0, 1.0), *levels, (ended, capped_gap(final))]


def integral(steps: Sequence[tuple[float, float]], end: float) -> float:
    """The integral of a step function from its first time to `end`, in seconds; what lies past `end` is cut."""
    following = [time for time, _ in steps[1:]] + [end]
    return sum(
        level * max(0.0, min(until, end) - min(time, end))
        for (time, level), until in zip(steps, following, strict=True)
    )


def levels_at(steps: Sequence[tuple[float, float]], moments: Iterable[float]) -> list[float]:
    """The levels of a step function at moments, both in order of time."""
    found = []
    position = 0
    for moment in moments:
        while position + 1 < len(steps) and steps[position + 1][0] <= moment:
            position += 1
        found.append(steps[position][1])
    return found
