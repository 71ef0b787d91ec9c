"""Bounds over time: the one trace plot, of finished runs and of those still going."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from splgbench.report.charts import Axis, Chart, Series
from splgbench.report.integrals import TracePoint

MOST_POINTS = 80
"""Changes of a bound that are drawn; of more, these many are taken evenly, the first and the last among them."""


@dataclass(frozen=True)
class Traced:
    """What is drawn of a run.

    Parameters
    ----------
    name : of its method, in the legend.
    hint : tells it from other runs of the method.
    number : of the method's look.
    trace : its events: seconds, primal, dual, source.
    ended : seconds; None while it runs.
    primal, dual : the judged result; None where unknown.
    """

    name: str
    hint: str
    number: int
    trace: Sequence[TracePoint]
    ended: float | None = None
    primal: float | None = None
    dual: float | None = None


def trace_chart(key: str, title: str, runs: Iterable[Traced], most: int = MOST_POINTS) -> Chart:
    """Primal values (solid) and dual bounds (dotted) of runs on one instance, on one axis.

    Parameters
    ----------
    most : changes of a bound that are drawn.
    """
    runs = list(runs)
    series: list[Series] = []
    for run in runs:
        series += _parts(run, most, in_legend=all(other.name != run.name for other in series))
    caption = (
        "Solid: the best value; dotted: the upper bound; over time as the method claims them, at the end as judged. "
        "The axis shows what lies near the best; a double click shows all."
    )
    span = _span(runs)
    return Chart(key, title, caption, Axis("seconds"), Axis("utility units", span=span), series)


def _parts(run: Traced, most: int, in_legend: bool) -> list[Series]:
    primal = [(time, value) for time, value, _, _ in run.trace if value is not None]
    dual = [(time, value) for time, _, value, _ in run.trace if value is not None]
    found: list[Series] = []
    for dash, events, last in (("solid", primal, run.primal), ("dot", dual, run.dual)):
        points = _thinned(_changes(events), most)
        if run.ended is not None and (points or last is not None):
            until = max([run.ended, *(time for time, _ in points[-1:])])
            points.append((until, points[-1][1] if last is None else last))
        if points:
            x, y = [round(time, 3) for time, _ in points], [value for _, value in points]
            shown = in_legend and not found
            found.append(Series(run.name, x, y, run.number, "step", dash=dash, hint=run.hint, in_legend=shown))
    return found


def _changes(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    return [point for i, point in enumerate(points) if i == 0 or point[1] != points[i - 1][1]]


def _thinned(points: list[tuple[float, float]], most: int) -> list[tuple[float, float]]:
    if len(points) <= most:
        return points
    step = (len(points) - 1) / (most - 1)
    return [points[round(i * step)] for i in range(most)]


def _span(runs: Sequence[Traced]) -> tuple[float, float] | None:
    """Around the best value and the least bound: others, and first bounds, are often far off."""
    best = max((run.primal for run in runs if run.primal is not None), default=None)
    bound = min((run.dual for run in runs if run.dual is not None), default=None)
    if best is None or bound is None:
        return None
    room = max(2 * abs(bound - best), 0.02 * abs(best), 1.0)
    return min(best, bound) - room, max(best, bound) + room
