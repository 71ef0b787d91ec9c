"""Bounds over time: the one trace plot, of finished runs and of those still going."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from splgbench.report.charts import Axis, Chart, Series
from splgbench.report.integrals import TracePoint
from splgbench.result import relative_gap

MOST_POINTS = 80
"""Changes of a bound that are drawn; of more, these many are taken evenly, the first and the last among them."""
MARGIN = 0.02
"""Share of the value that the axis of bounds shows above and below."""


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


def trace_chart(key: str, title: str, runs: Iterable[Traced], most: int = MOST_POINTS, margin: float = MARGIN) -> Chart:
    """Primal values (solid) and dual bounds (dotted) of runs on one instance, on one axis.

    Parameters
    ----------
    most : changes of a bound that are drawn.
    margin : what the axis shows above the bound and below the value at least, as a share of the value.
    """
    runs = list(runs)
    series: list[Series] = []
    for run in runs:
        series += _parts(run, most, in_legend=all(other.name != run.name for other in series))
    caption = (
        "Solid: the best value; dotted: the upper bound; over time as the method claims them, at the end as judged. "
        "The axis shows what lies near the best; a double click shows all."
    )
    span = _span(runs, margin)
    return Chart(key, title, caption, Axis("seconds"), Axis("utility units", span=span), series)


def gap_chart(key: str, title: str, runs: Iterable[Traced], most: int = MOST_POINTS) -> Chart:
    """The relative gap of runs on one instance, on a logarithmic axis; a gap of 0 has no place there and ends a line.

    Parameters
    ----------
    most : changes that are drawn.
    """
    series = []
    for run in runs:
        known = [(time, relative_gap(primal, dual)) for time, primal, dual, _ in run.trace]
        points = _thinned(_changes([(time, gap) for time, gap in known if gap is not None]), most)
        if run.ended is not None:
            final = relative_gap(run.primal, run.dual)
            if final is not None:
                points.append((max([run.ended, *(time for time, _ in points[-1:])]), final))
        if points:
            x, y = [round(time, 3) for time, _ in points], [100 * gap if gap else None for _, gap in points]
            series.append(Series(run.name, x, y, run.number, "step", hint=run.hint))
    caption = "|upper bound - best value| / |best value|, as the method claims it and at the end as judged."
    closed = "No gap above 0 is known."
    return Chart(key, title, caption, Axis("seconds"), Axis("gap, %", log=True), series, closed)


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


def _span(runs: Sequence[Traced], margin: float) -> tuple[float, float] | None:
    """Around the best value and the least bound: others, and first bounds, are often far off."""
    known = [_known(run) for run in runs]
    best = max((primal for primal, _ in known if primal is not None), default=None)
    bound = min((dual for _, dual in known if dual is not None), default=None)
    if best is None or bound is None:
        return None
    room = max(2 * abs(bound - best), margin * abs(best), 1.0)
    return min(best, bound) - room, max(best, bound) + room


def _known(run: Traced) -> tuple[float | None, float | None]:
    """The judged values; of a run still going, the last ones it claimed."""
    if run.ended is not None or not run.trace:
        return run.primal, run.dual
    return run.trace[-1][1], run.trace[-1][2]
