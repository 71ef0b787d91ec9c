"""The child side of isolation: ``python -m splgbench.worker`` runs one task and streams what it says.

Its bounds and the task come pickled over standard input; messages go pickled, length first, to what was standard
output. Whatever a solver prints goes to standard error. If standard input closes, the parent is gone and the worker
ends.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import struct
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from splgbench import registry, solver_log
from splgbench.allocation import Allocation
from splgbench.backends.base import Solution, Start, Task
from splgbench.confinement import Confinement
from splgbench.errors import SplgbenchError
from splgbench.instance import Instance
from splgbench.limits import Limits
from splgbench.methods import Method, Prepared, interruptible, method
from splgbench.model import MipModel
from splgbench.result import Result
from splgbench.trace import Event, EventHandler, Recorder, Stop

HEADER = struct.Struct("<Q")


OnMessage = Callable[[Any], None]
"""Receives what an errand reports while it runs: anything picklable, for a solve its events."""


class Errand(Protocol):
    """A picklable piece of work."""

    def run(self, on_event: OnMessage, stop: Stop) -> Any:
        """Do it, reporting on the way, and return something picklable."""


@dataclass(frozen=True)
class SolveClock:
    """What a `SolveErrand` reports right before the method's solve and right after it.

    Parameters
    ----------
    seconds : what the solve took by the clock of its process; None before it.
    """

    seconds: float | None = None


@dataclass(frozen=True)
class SolveErrand:
    """Answer an instance by a method named as on the command line; imports and the like come before the solve."""

    method: str
    instance: Instance
    limits: Limits
    start: Allocation | None = None
    permutation: int | None = None

    def run(self, on_event: OnMessage, stop: Stop) -> Result:
        solver = prepared(self.method)
        on_event(SolveClock())
        began = time.perf_counter()
        result = solver.solve(self.instance, self.limits, self.start, self.permutation, on_event, stop)
        on_event(SolveClock(time.perf_counter() - began))
        return result


@dataclass(frozen=True)
class PrepareErrand:
    """Do what a method can do before any instance is known, and leave it to later processes: compiled code."""

    method: str

    def run(self, on_event: OnMessage, stop: Stop) -> None:
        prepared(self.method)


def prepared(name: str) -> Method:
    """The method of a name, its work before any instance done."""
    solver = method(name)
    if isinstance(solver, Prepared):
        solver.prepare()
    return solver


@dataclass(frozen=True)
class BackendErrand:
    """Solve a model on a backend that needs a process of its own."""

    backend: str
    model: MipModel
    limits: Limits
    start: Start | None
    presolve: bool

    def run(self, on_event: EventHandler, stop: Stop) -> Solution:
        task = Task(self.limits, Recorder(self.backend, on_event), stop, self.start, self.presolve)
        solution: Solution = registry.find("backends", self.backend).solve_here(self.model, task)
        return solution


@dataclass(frozen=True)
class WriteErrand:
    """Write a model file on a backend that needs a process of its own."""

    backend: str
    model: MipModel
    path: Path
    column_names: list[str]
    row_names: list[str]

    def run(self, on_event: EventHandler, stop: Stop) -> None:
        backend = registry.find("backends", self.backend)
        backend.write_here(self.model, self.path, self.column_names, self.row_names)


def send(stream: BinaryIO, message: Any) -> None:
    """Write one message."""
    data = pickle.dumps(message, protocol=pickle.HIGHEST_PROTOCOL)
    stream.write(HEADER.pack(len(data)))
    stream.write(data)
    stream.flush()


def receive(stream: BinaryIO) -> Any:
    """Read one message; EOFError at the end."""
    header = stream.read(HEADER.size)
    if len(header) < HEADER.size:
        raise EOFError
    (size,) = HEADER.unpack(header)
    data = stream.read(size)
    if len(data) < size:
        raise EOFError
    return pickle.loads(data)


def main() -> None:
    """Run one errand."""
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    confinement: Confinement = receive(sys.stdin.buffer)
    confinement.apply()
    errand: Errand = receive(sys.stdin.buffer)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    lock = threading.Lock()

    def on_event(event: Event) -> None:
        with lock:
            send(out, ("event", event))

    with interruptible(Stop()) as stop:
        try:
            answer = ("answer", errand.run(on_event, stop))
        except SplgbenchError as error:
            answer = ("refused", error)
        except MemoryError:
            answer = ("out-of-memory", None)
        except KeyboardInterrupt:
            answer = ("interrupted", None)
        except BaseException as error:
            answer = ("failed", f"{type(error).__name__}: {error}")
    with lock:
        try:
            send(out, answer)
        except (pickle.PicklingError, TypeError, AttributeError) as error:
            send(out, ("failed", f"its answer cannot be sent: {error}"))
    # Solver libraries may hang or crash while they are torn down; the answer is out.
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    solver_log.flush()
    os._exit(0)


def _end_with_parent() -> None:
    while os.read(0, 1):
        pass
    os._exit(1)


if __name__ == "__main__":
    main()
