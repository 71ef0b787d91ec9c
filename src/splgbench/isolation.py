"""Solving in a process of its own, with wall time and memory enforced from outside.

A solver that ignores its limit, crashes or eats the memory ends alone: the caller keeps the best allocation it had
reported, checked exactly.
"""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from splgbench.allocation import Allocation
from splgbench.errors import SplgbenchError
from splgbench.instance import Instance
from splgbench.judging import judge
from splgbench.limits import NO_LIMITS, Limits
from splgbench.methods import interruptible, start_volumes
from splgbench.methods import method as method_of_name
from splgbench.result import Result, Status
from splgbench.trace import Event, EventHandler, Stop
from splgbench.versions import versions
from splgbench.worker import Errand, SolveErrand, receive, send

GRACE = 5.0
"""Seconds past its limit, or past an interrupt, before a worker is killed."""
_POLL = 0.05


@dataclass(frozen=True)
class Outcome:
    """How an errand ended.

    Parameters
    ----------
    kind : "answer", "refused", "failed", "crashed", "time-out", "out-of-memory" or "interrupted".
    value : the answer; the error for "refused"; words for "failed" and "crashed".
    peak_memory_mb : largest resident memory of the worker and its children that was seen; None where unknown.
    """

    kind: str
    value: Any = None
    peak_memory_mb: float | None = None


def run_errand(
    errand: Errand,
    on_event: EventHandler,
    *,
    stop: Stop | None = None,
    wall_time: float | None = None,
    memory: int | None = None,
    log: Path | None = None,
    grace: float = GRACE,
    silence: float | None = None,
) -> Outcome:
    """Run an errand in a fresh process.

    Parameters
    ----------
    on_event : receives the events it reports.
    stop : asks it to end early when set; it is killed `grace` seconds later.
    wall_time : seconds after which, plus `grace`, it is killed.
    memory : megabytes of resident memory at which it is killed, with its children.
    log : a file for what it prints; None drops it.
    silence : seconds without an event after which it is killed, as if its wall time were up.
    """
    stop = Stop() if stop is None else stop
    with contextlib.ExitStack() as stack:
        sink: Any = subprocess.DEVNULL if log is None else stack.enter_context(log.open("wb"))
        worker = subprocess.Popen(
            [sys.executable, "-m", "splgbench.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=sink,
            start_new_session=True,
        )
        stack.callback(_end, worker)
        messages: queue.Queue[tuple[str, Any]] = queue.Queue()
        threading.Thread(target=_talk, args=(worker, errand, messages), daemon=True).start()
        return _Watch(worker, messages, on_event, stop, wall_time, memory, grace, silence).outcome()


def _talk(worker: subprocess.Popen[bytes], errand: Errand, messages: queue.Queue[tuple[str, Any]]) -> None:
    """Hand the errand over and queue what comes back."""
    assert worker.stdin is not None
    assert worker.stdout is not None
    try:
        send(worker.stdin, errand)  # type: ignore[arg-type]
        while True:
            messages.put(receive(worker.stdout))  # type: ignore[arg-type]
    except Exception as error:
        messages.put(("end", error))


def _end(worker: subprocess.Popen[bytes]) -> None:
    """Kill the worker's whole process group and close the pipes."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(worker.pid, signal.SIGKILL)
    worker.wait()
    for pipe in (worker.stdin, worker.stdout):
        if pipe is not None:
            with contextlib.suppress(OSError):
                pipe.close()


class _Watch:
    """Waits for a worker while enforcing its limits."""

    def __init__(
        self,
        worker: subprocess.Popen[bytes],
        messages: queue.Queue[tuple[str, Any]],
        on_event: EventHandler,
        stop: Stop,
        wall_time: float | None,
        memory: int | None,
        grace: float,
        silence: float | None,
    ) -> None:
        self.worker = worker
        self.messages = messages
        self.on_event = on_event
        self.stop = stop
        self.deadline = None if wall_time is None else time.monotonic() + wall_time + grace
        self.memory = memory
        self.grace = grace
        self.silence = silence
        self.heard = time.monotonic()
        self.peak: float | None = None
        self.interrupted: float | None = None

    def outcome(self) -> Outcome:
        while True:
            kind, value = self._next_message()
            if kind == "event":
                self.heard = time.monotonic()
                self.on_event(value)
            elif kind == "end":
                return self._crash(value)
            elif kind != "nothing":
                return Outcome(kind, value, self.peak)
            broken = self._broken_limit()
            if broken is not None:
                return Outcome(broken, None, self.peak)

    def _next_message(self) -> tuple[str, Any]:
        try:
            return self.messages.get(timeout=_POLL)
        except queue.Empty:
            return "nothing", None

    def _crash(self, error: object) -> Outcome:
        """The worker has nothing more to say; it may still be running."""
        if self.interrupted is not None:
            return Outcome("interrupted", None, self.peak)
        try:
            code = self.worker.wait(self.grace)
        except subprocess.TimeoutExpired:
            return Outcome("crashed", f"its process sent what cannot be read ({type(error).__name__})", self.peak)
        if code < 0:
            names = {number.value: number.name for number in signal.Signals}
            return Outcome("crashed", f"its process died by {names.get(-code, f'signal {-code}')}", self.peak)
        return Outcome("crashed", f"its process ended with code {code} ({type(error).__name__})", self.peak)

    def _broken_limit(self) -> str | None:
        now = time.monotonic()
        used = resident_memory_mb(self.worker.pid)
        if used is not None:
            self.peak = max(self.peak or 0.0, used)
            if self.memory is not None and used > self.memory:
                return "out-of-memory"
        if self.stop and self.interrupted is None:
            self.interrupted = now
            with contextlib.suppress(ProcessLookupError):
                self.worker.send_signal(signal.SIGINT)
        if self.interrupted is not None and now > self.interrupted + self.grace:
            return "interrupted"
        late = self.deadline is not None and now > self.deadline
        silent = self.silence is not None and now > self.heard + self.silence
        return "time-out" if late or silent else None


def resident_memory_mb(group: int) -> float | None:
    """Resident memory of a process group in MB, from /proc; None on systems without it."""
    page = os.sysconf("SC_PAGE_SIZE")
    total = None
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            after_name = stat.read_bytes().rpartition(b")")[2].split()
        except OSError:
            continue
        if int(after_name[2]) == group:
            total = (total or 0) + int(after_name[21]) * page
    return None if total is None else total / 2**20


def solve_isolated(
    method: str,
    instance: Instance,
    limits: Limits = NO_LIMITS,
    start: Allocation | None = None,
    permutation: int | None = None,
    on_event: EventHandler | None = None,
    stop: Stop | None = None,
    log: Path | None = None,
    grace: float = GRACE,
) -> Result:
    """As `Method.solve`, in a process of its own and with the limits enforced from outside.

    Parameters
    ----------
    method : the method's name.
    log : a file for what the solver prints.
    grace : seconds past a limit before the process is killed.

    Returns
    -------
    Result
        After a kill, the best reported mandates with exact volumes, and the best reported bound.
    """
    events: list[Event] = []

    def keep(event: Event) -> None:
        events.append(event)
        if on_event is not None:
            on_event(event)

    errand = SolveErrand(method, instance, limits, start, permutation)
    began = time.perf_counter()
    outcome = run_errand(
        errand, keep, stop=stop, wall_time=limits.wall_time, memory=limits.memory, log=log, grace=grace
    )
    if outcome.kind == "answer":
        answer: Result = outcome.value
        return answer
    if outcome.kind == "refused":
        raise outcome.value
    status = {
        "time-out": Status.TIME_OUT,
        "out-of-memory": Status.OUT_OF_MEMORY,
        "interrupted": Status.INTERRUPTED,
    }.get(outcome.kind, Status.ERROR)
    return _salvaged(method, instance, limits, start, status, outcome, events, time.perf_counter() - began)


@dataclass(frozen=True)
class Isolated:
    """A method, by name, whose solves each have a process of their own; follows `splgbench.methods.Method`."""

    name: str

    def reason_against(self, instance: Instance, limits: Limits) -> str | None:
        return method_of_name(self.name).reason_against(instance, limits)

    def solve(
        self,
        instance: Instance,
        limits: Limits = NO_LIMITS,
        start: Allocation | None = None,
        permutation: int | None = None,
        on_event: EventHandler | None = None,
        stop: Stop | None = None,
    ) -> Result:
        """See `Method.solve` and `solve_isolated`."""
        with interruptible(Stop() if stop is None else stop) as stop:
            return solve_isolated(self.name, instance, limits, start, permutation, on_event, stop)


def _salvaged(
    method: str,
    instance: Instance,
    limits: Limits,
    start: Allocation | None,
    status: Status,
    outcome: Outcome,
    events: list[Event],
    wall_time: float,
) -> Result:
    """What the events of a killed worker are worth."""
    mandates = next((event.mandates for event in reversed(events) if event.mandates is not None), None)
    last = events[-1] if events else None
    dual = last.dual if last else None
    judgement = judge(instance, limits, status, mandates, dual, start_volumes(instance, start))
    words = outcome.value or {
        "time-out": "killed: it ignored its time limit",
        "out-of-memory": "killed at its memory limit" if limits.memory else "ran out of memory",
        "interrupted": "killed after an interrupt",
    }.get(outcome.kind, "")
    return Result(
        status=judgement.status,
        method=method,
        instance=instance.name,
        instance_hash=instance.instance_hash,
        primal=judgement.primal,
        dual=judgement.dual,
        claimed_primal=last.primal if last else None,
        claimed_dual=dual,
        volumes=judgement.volumes,
        wall_time_s=wall_time,
        limits=limits,
        versions=versions(),
        trace=tuple(Event(event.time, event.primal, event.dual, event.source) for event in events),
        message="; ".join(part for part in (str(words), judgement.message) if part),
    )


def answered(outcome: Outcome) -> Any:
    """The answer of an errand, or the error it ended by.

    Raises
    ------
    SplgbenchError
        It was refused, failed, crashed or was killed.
    """
    if outcome.kind == "answer":
        return outcome.value
    if outcome.kind == "refused":
        raise outcome.value
    raise SplgbenchError(f"the solver's process failed: {outcome.value or outcome.kind}")
