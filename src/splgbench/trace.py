"""Bound events: one schema for branch and bound and for decompositions."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from splgbench.instance import BoolArray


@dataclass(frozen=True)
class Event:
    """The bounds known at a moment of a solve.

    Parameters
    ----------
    time : seconds since the solve began.
    primal : value of the best allocation so far as the method claims it, in utility units; None without one.
    dual : upper bound on the optimum as the method claims it; None without one.
    source : what found the news, e.g. "highs".
    mandates : the mandates of a new incumbent, shape (K,); None where the event brings none.
    iteration : how many iterations of a decomposition's outer loop were done; None for what has none.
    """

    time: float
    primal: float | None
    dual: float | None
    source: str
    mandates: BoolArray | None = field(default=None, compare=False, repr=False)
    iteration: int | None = None

    def as_json(self) -> dict[str, Any]:
        told = {"time": round(self.time, 6), "primal": self.primal, "dual": self.dual, "source": self.source}
        return told if self.iteration is None else {**told, "iteration": self.iteration}


EventHandler = Callable[[Event], None]


class Stop:
    """A request to stop early, set from a signal handler, another thread or a deadline."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def __bool__(self) -> bool:
        return self._event.is_set()

    def set(self) -> None:
        self._event.set()

    def wait(self, seconds: float) -> bool:
        return self._event.wait(seconds)


class Recorder:
    """Keeps the best bounds of a maximisation and passes every change on.

    Parameters
    ----------
    source : the name events carry.
    on_event : receives each event.
    started : clock value (`time.perf_counter`) the event times count from.

    Attributes
    ----------
    iteration : what events carry as theirs.
    """

    def __init__(self, source: str, on_event: EventHandler | None = None, started: float | None = None) -> None:
        self.source = source
        self.on_event = on_event
        self.started = time.perf_counter() if started is None else started
        self.primal: float | None = None
        self.dual: float | None = None
        self.mandates: BoolArray | None = None
        self.iteration: int | None = None
        self.events: list[Event] = []

    def bounds(self, primal: float | None = None, dual: float | None = None, mandates: BoolArray | None = None) -> None:
        """Report bounds; only what is news becomes an event."""
        better = primal is not None and (self.primal is None or primal > self.primal)
        tighter = dual is not None and (self.dual is None or dual < self.dual)
        if better:
            self.primal = primal
            self.mandates = mandates if mandates is not None else self.mandates
        if tighter:
            self.dual = dual
        if better or tighter:
            event = Event(
                time.perf_counter() - self.started,
                self.primal,
                self.dual,
                self.source,
                mandates if better else None,
                self.iteration,
            )
            self.events.append(replace(event, mandates=None))
            if self.on_event is not None:
                self.on_event(event)
