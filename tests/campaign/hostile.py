"""A method that behaves as its option `deed` says; a campaign names it as `hostile.py:deed=...,ledger=FILE`."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from splgbench import Limits, Result, Status
from splgbench.polish import polish
from splgbench.trace import Event
from splgbench.worker import SolveClock


@dataclass
class Hostile:
    """Do what `deed` says.

    Parameters
    ----------
    deed : the name of a method below.
    seconds : how long `sleep` sleeps.
    ledger : a file that gets a line at the start of every solve; "" for none.
    """

    deed: str
    seconds: float = 0.0
    ledger: str = ""

    @property
    def name(self) -> str:
        return f"hostile:deed={self.deed}"

    def reason_against(self, instance: Any, limits: Limits) -> str | None:
        return "it cannot do this" if self.deed == "nothing" else None

    def solve(
        self,
        instance: Any,
        limits: Limits = Limits(),  # noqa: B008
        start: Any = None,
        permutation: int | None = None,
        on_event: Any = None,
        stop: Any = None,
    ) -> Any:
        self.on_event = on_event
        self.note(f"{limits.seed} {os.getpid()}")
        if on_event is not None:
            on_event(Event(0.01, 1.0, 100_000.0, "hostile", np.zeros(instance.n_offers, dtype=np.bool_)))
        answer = getattr(self, self.deed)(instance)
        if answer is not None:
            return answer
        mandates = np.zeros(instance.n_offers, dtype=np.bool_)
        polished = polish(instance, mandates)
        return self.result(instance, Status.TIME_OUT, polished.objective, None, polished.volumes)

    def result(self, instance: Any, status: Any, primal: Any, dual: Any, volumes: Any = None) -> Result:
        return Result(status, self.name, instance.name, instance.instance_hash, primal, dual, volumes=volumes)

    def note(self, line: str) -> None:
        if self.ledger:
            with Path(self.ledger).open("a") as stream:
                stream.write(line + "\n")

    # Deeds

    def behave(self, instance: Any) -> None:
        """Answer at once."""

    def sleep(self, instance: Any) -> None:
        time.sleep(self.seconds)

    def ignore_its_limit(self, instance: Any) -> None:
        # `PyDLL` keeps the interpreter lock: no Python thread of this process runs any more.
        ctypes.PyDLL(None).sleep(600)

    def stop_itself(self, instance: Any) -> None:
        os.kill(os.getpid(), signal.SIGSTOP)

    def eat_memory_slowly(self, instance: Any) -> None:
        held = []
        while True:
            held.append(np.ones(2**23))
            time.sleep(0.01)

    def eat_memory_at_once(self, instance: Any) -> None:
        np.ones(2**32)

    def segfault(self, instance: Any) -> None:
        ctypes.string_at(0)

    def leave(self, instance: Any) -> None:
        os._exit(0)

    def daemonise(self, instance: Any) -> None:
        """Leave a process behind that has a session of its own and no parent, and answer."""
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                self.note(f"daemon {os.getpid()}")
                time.sleep(600)
            os._exit(0)
        time.sleep(0.3)

    def crash_with_children(self, instance: Any) -> None:
        """Die while children hold every pipe open."""
        for _ in range(3):
            if os.fork() == 0:
                self.note(f"child {os.getpid()}")
                time.sleep(600)
        subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        os.kill(os.getpid(), signal.SIGSEGV)

    def print_garbage(self, instance: Any) -> None:
        for _ in range(50):
            os.write(1, os.urandom(2**18))
        sys.stdout.write("garbage\n")

    def kill_its_server(self, instance: Any) -> None:
        os.kill(os.getppid(), signal.SIGKILL)
        time.sleep(600)

    def kill_itself(self, instance: Any) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    def raise_nonsense(self, instance: Any) -> None:
        raise ValueError("\udcff no such luck")

    def return_nonsense(self, instance: Any) -> Any:
        return "optimal"

    def return_malformed(self, instance: Any) -> Any:
        return self.result(instance, "splendid", "many", None)

    def boast(self, instance: Any) -> Any:
        return self.result(instance, Status.OPTIMAL, 10**12, 1e12)

    def overfill(self, instance: Any) -> Any:
        return self.result(instance, Status.TIME_OUT, 10**12, None, instance.capacity + 1)

    def bound_too_low(self, instance: Any) -> Any:
        polished = polish(instance, np.zeros(instance.n_offers, dtype=np.bool_))
        assert polished.objective is not None
        return self.result(instance, Status.OPTIMAL, polished.objective, polished.objective - 5.0, polished.volumes)

    def claim_a_proof(self, instance: Any) -> Any:
        polished = polish(instance, np.zeros(instance.n_offers, dtype=np.bool_))
        return self.result(instance, Status.OPTIMAL, polished.objective, 1e12, polished.volumes)

    def close_no_gap(self, instance: Any) -> Any:
        polished = polish(instance, np.zeros(instance.n_offers, dtype=np.bool_))
        claimed = self.result(instance, Status.GAP_CLOSED, polished.objective, 1e12, polished.volumes)
        return replace(claimed, limits=Limits(gap=1.0))

    def deny(self, instance: Any) -> Any:
        return self.result(instance, Status.INFEASIBLE, None, None)

    def deny_what_it_holds(self, instance: Any) -> Any:
        polished = polish(instance, np.zeros(instance.n_offers, dtype=np.bool_))
        return self.result(instance, Status.INFEASIBLE, polished.objective, None, polished.volumes)

    def overflow(self, instance: Any) -> Any:
        return self.result(instance, Status.TIME_OUT, 10**30, None, None)

    def miscount(self, instance: Any) -> Any:
        return replace(self.result(instance, Status.TIME_OUT, None, None, None), counters=None)

    def turn_back_time(self, instance: Any) -> Any:
        return replace(self.result(instance, Status.TIME_OUT, None, None, None), wall_time_s=float("nan"))

    def hurry(self, instance: Any) -> Any:
        """Claim a hundredth of a second for more than one."""
        time.sleep(1.2)
        return replace(self.result(instance, Status.TIME_OUT, None, None), wall_time_s=0.01)

    def hurry_and_forge_the_clock(self, instance: Any) -> Any:
        """The same, with every clock of the process turned back and word of a short solve sent."""
        answer = self.hurry(instance)
        time.perf_counter = time.monotonic = lambda: 0.0
        self.on_event(SolveClock(0.01))
        return answer

    def take_its_time(self, instance: Any) -> Any:
        return replace(self.result(instance, Status.TIME_OUT, None, None), wall_time_s=2.9)

    def report_nonsense(self, instance: Any) -> None:
        """Report what is no event, then die, so that events are all there is."""
        for nonsense in (
            "news",
            Event("soon", 1.0, 2.0, "hostile"),  # type: ignore[arg-type]
            Event(0.02, "much", 2.0, "hostile"),  # type: ignore[arg-type]
            Event(0.02, 1.0, "little", "hostile"),  # type: ignore[arg-type]
            Event(0.02, 1.0, 2.0, "hostile", np.zeros(99, dtype=np.bool_)),
            Event(0.02, 1.0, 2.0, "hostile", "all"),  # type: ignore[arg-type]
            SolveClock("long"),  # type: ignore[arg-type]
        ):
            self.on_event(nonsense)
        self.segfault(instance)

    def say_interrupted(self, instance: Any) -> Any:
        return self.result(instance, Status.INTERRUPTED, None, None)

    def ramble(self, instance: Any) -> Any:
        return replace(self.result(instance, Status.TIME_OUT, None, None, None), message="\ud800" * 10**6)


def method(backend: str | None = None, **options: str) -> Hostile:
    return Hostile(options["deed"], float(options.get("seconds", 0)), options.get("ledger", ""))
