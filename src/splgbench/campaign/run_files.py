"""The files of a run: its trace as CSV, its allocation as `splgbench check` reads it, what the solver printed."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable

from splgbench.trace import Event

COLUMNS = ("time", "primal", "dual", "source", "iteration")
TRACE, ALLOCATION, LOG = "trace.csv", "allocation.csv", "log"


def trace_text(trace: Iterable[Event]) -> str:
    """Events as CSV: seconds, best primal, best dual (both as claimed, empty where unknown), source, and the
    iteration of a decomposition (else empty).
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for event in trace:
        iteration = "" if event.iteration is None else event.iteration
        writer.writerow((f"{event.time:.6f}", _number(event.primal), _number(event.dual), event.source, iteration))
    return text.getvalue()


def parse_trace(text: str) -> list[tuple[float, float | None, float | None, str, int | None]]:
    """Reads `trace_text` back; older files have no iterations."""
    rows = list(csv.reader(io.StringIO(text)))[1:]
    return [
        (float(time), _known(primal), _known(dual), source, int(more[0]) if more and more[0] else None)
        for time, primal, dual, source, *more in rows
    ]


def _number(value: float | None) -> str:
    return "" if value is None else repr(float(value))


def _known(text: str) -> float | None:
    return float(text) if text else None
