"""Curves of solves, live and done: one solve, or up to four methods on one axis."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from splgbench.app.jobs import Lane
from splgbench.decomposition.loop import FILE_OPTIONS
from splgbench.decomposition.partition import is_map_file
from splgbench.errors import InputError
from splgbench.method_names import canonical, file_of, options_of
from splgbench.methods import method
from splgbench.report.plotly_spec import as_plotly
from splgbench.report.trace_plot import Traced, gap_chart, trace_chart
from splgbench.result import relative_gap
from splgbench.trace import Event

MOST_RACERS = 4
MARGIN = 0.001
"""Of the axis of bounds: one solve is looked at closely."""


def checked_method(name: object) -> str:
    """A registered method's name in its one spelling; a file is refused, whether it is to be run, read or written.

    Raises
    ------
    InputError
        No such name, or one that names a file.
    UnsupportedError
        No such formulation, decomposition or backend.
    """
    if not isinstance(name, str) or len(name) > 200:
        raise InputError("must be the name of a method", "method")
    if file_of(name) is not None:
        raise InputError("the app runs registered methods only, no files", "method")
    refused = [key for key, value in options_of(name).items() if key in FILE_OPTIONS or is_map_file(value)]
    if refused:
        raise InputError(f"the app lets no page name a file: {', '.join(refused)}", "method")
    return canonical(method(name).name)


def checked_racers(names: object) -> list[str]:
    """Up to `MOST_RACERS` different methods.

    Raises
    ------
    InputError
        None, too many, or one twice.
    """
    if not isinstance(names, list) or not 1 <= len(names) <= MOST_RACERS:
        raise InputError(f"choose one to {MOST_RACERS} methods", "race")
    found = [checked_method(name) for name in names]
    if len(set(found)) < len(found):
        raise InputError("choose different methods", "race")
    return found


def curves(lanes: Sequence[Lane]) -> dict[str, Any]:
    """The trace plot of solves, their gaps, and where each stands."""
    runs = [_traced(lane, number) for number, lane in enumerate(lanes)]
    bounds = trace_chart("bounds", "Best value and upper bound", runs, margin=MARGIN)
    gaps = gap_chart("gaps", "Gap", runs)
    return {
        "bounds": as_plotly(bounds),
        "gaps": None if gaps.empty else as_plotly(gaps),
        "lanes": [_told(lane) for lane in lanes],
    }


def _traced(lane: Lane, number: int) -> Traced:
    trace = [(event.time, event.primal, event.dual, event.source) for event in list(lane.events)]
    result = lane.result
    if result is None:
        return Traced(lane.method, "running", number, trace)
    return Traced(lane.method, str(result.status), number, trace, result.wall_time_s, result.primal, result.dual)


def _told(lane: Lane) -> Mapping[str, Any]:
    result, last = lane.result, _last(lane)
    primal = last.primal if result is None and last is not None else result.primal if result is not None else None
    dual = last.dual if result is None and last is not None else result.dual if result is not None else None
    return {
        "method": lane.method,
        "status": str(result.status) if result is not None else "waiting" if lane.waiting else "running",
        "primal": primal,
        "dual": dual,
        "gap": relative_gap(primal, dual),
        "seconds": None if result is None else result.wall_time_s,
        "message": "" if result is None else result.message,
        "checked": result is not None,
    }


def _last(lane: Lane) -> Event | None:
    return lane.events[-1] if lane.events else None
