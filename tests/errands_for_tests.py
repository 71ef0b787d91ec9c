"""Errands for the isolation tests; a worker imports this module by name, so it stands alone."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from typing import Any

import numpy as np

from splgbench.allocation import Allocation
from splgbench.errors import InputError, MissingSolverError, Problem
from splgbench.instance import Instance
from splgbench.limits import Limits
from splgbench.trace import Event, EventHandler, Stop

REFUSALS = {
    "input": InputError([Problem("offers", 3, "capacity", "must be a whole number", 1.5)]),
    "missing": MissingSolverError("gurobipy", "gurobi"),
}


class Poison:
    """Can be pickled, but not unpickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        return os.listdir, ("/no/such/folder",)


@dataclass(frozen=True)
class Errand:
    """Do what `deed` says.

    Parameters
    ----------
    deed : the name of a method below.
    value : what it needs.
    """

    deed: str
    value: Any = None

    def run(self, on_event: EventHandler, stop: Stop) -> Any:
        return getattr(self, self.deed)(on_event, stop)

    def answer(self, on_event: EventHandler, stop: Stop) -> Any:
        for event in range(3):
            on_event(Event(float(event), event, 10.0 - event, "test"))
        return self.value

    def refuse(self, on_event: EventHandler, stop: Stop) -> Any:
        raise REFUSALS[self.value]

    def fail(self, on_event: EventHandler, stop: Stop) -> Any:
        raise ValueError("no such luck")

    def abort(self, on_event: EventHandler, stop: Stop) -> Any:
        os.abort()

    def segfault(self, on_event: EventHandler, stop: Stop) -> Any:
        on_event(Event(0.0, 1, 2.0, "test"))
        ctypes.string_at(0)

    def real_time_signal(self, on_event: EventHandler, stop: Stop) -> Any:
        os.kill(os.getpid(), signal.SIGRTMIN + 3)
        time.sleep(60)

    def leave(self, on_event: EventHandler, stop: Stop) -> Any:
        sys.exit(7)

    def vanish(self, on_event: EventHandler, stop: Stop) -> Any:
        os._exit(7)

    def hang(self, on_event: EventHandler, stop: Stop) -> Any:
        on_event(Event(0.0, 1, 2.0, "test"))
        while True:
            time.sleep(0.05)

    def hog(self, on_event: EventHandler, stop: Stop) -> Any:
        held = []
        while len(held) < 40:
            held.append(np.ones(2**22))
            time.sleep(0.05)
        return len(held)

    def hog_in_a_child(self, on_event: EventHandler, stop: Stop) -> Any:
        code = "import time, numpy as np; held = np.ones(2**26); time.sleep(60)"
        subprocess.run([sys.executable, "-c", code], check=True)

    def run_out(self, on_event: EventHandler, stop: Stop) -> Any:
        raise MemoryError

    def wait_for_stop(self, on_event: EventHandler, stop: Stop) -> Any:
        on_event(Event(0.0, None, None, "ready"))
        while not stop:
            time.sleep(0.02)
        return "stopped in time"

    def interrupt_itself(self, on_event: EventHandler, stop: Stop) -> Any:
        os.kill(os.getpid(), signal.SIGINT)
        return bool(stop.wait(5))

    def chatter(self, on_event: EventHandler, stop: Stop) -> Any:
        sys.stdout.write("garbage from Python\n")
        sys.stdout.flush()
        os.write(1, b"\x00\xff garbage from C\n")
        subprocess.run(["/bin/echo", "garbage from a child"], check=True)
        on_event(Event(0.0, 1, 2.0, "test"))
        os.write(2, b"and on standard error\n")
        return "heard"

    def poison(self, on_event: EventHandler, stop: Stop) -> Any:
        on_event(Poison())  # type: ignore[arg-type]
        time.sleep(60)

    def unpicklable(self, on_event: EventHandler, stop: Stop) -> Any:
        return threading.Lock()

    def tell_its_bounds(self, on_event: EventHandler, stop: Stop) -> Any:
        import resource

        threads = {os.environ["OMP_NUM_THREADS"], os.environ["OPENBLAS_NUM_THREADS"]}
        return threads, sorted(os.sched_getaffinity(0)), resource.getrlimit(resource.RLIMIT_AS)[0] / 2**20

    def kill_its_parent(self, on_event: EventHandler, stop: Stop) -> Any:
        os.kill(os.getppid(), signal.SIGKILL)
        time.sleep(60)

    def large(self, on_event: EventHandler, stop: Stop) -> Any:
        return np.arange(2**20)


@dataclass(frozen=True)
class DoomedSolve:
    """In the place of `SolveErrand`: reports the mandates named in `method` and a bound, then dies as it says.

    The method's name reads DEED:BOUND:MANDATES, mandates as 0 and 1 over the offers or empty.
    """

    method: str
    instance: Instance
    limits: Limits
    start: Allocation | None = None
    permutation: int | None = None

    def run(self, on_event: EventHandler, stop: Stop) -> Any:
        deed, bound, mandates = self.method.split(":")
        held = np.array([digit == "1" for digit in mandates], dtype=np.bool_) if mandates else None
        on_event(Event(0.1, 1 if mandates else None, float(bound) if bound else None, "test", held))
        return Errand(deed).run(lambda event: None, stop)
