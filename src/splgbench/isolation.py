"""Solving in a process of its own, with wall time and memory enforced from outside.

A solver that ignores its limit, crashes or eats the memory ends alone: the caller keeps the best allocation it had
reported, checked exactly.
"""

from __future__ import annotations

import contextlib
import os
import queue
import re
import signal
import threading
import time
from dataclasses import dataclass, replace
from numbers import Real
from pathlib import Path
from typing import Any, TypeGuard

import numpy as np

from splgbench import registry
from splgbench.allocation import Allocation
from splgbench.confinement import Confinement
from splgbench.errors import SplgbenchError
from splgbench.instance import BoolArray, Instance
from splgbench.judging import judge
from splgbench.launching import FreshInterpreter, Launcher, LostWorkerError, WorkerProcess
from splgbench.limits import NO_LIMITS, Limits
from splgbench.logs import CappedLog
from splgbench.method_names import canonical
from splgbench.methods import interruptible, start_volumes
from splgbench.methods import method as method_of_name
from splgbench.result import Result, Status
from splgbench.trace import Event, EventHandler, Stop
from splgbench.versions import versions
from splgbench.worker import Errand, OnMessage, PrepareErrand, SolveClock, SolveErrand, receive, send

GRACE = 5.0
"""Seconds past its limit, or past an interrupt, before a worker is killed."""
PREPARE_TIME = 300.0
"""Most seconds for what a decomposition does before its first run: compiling."""
CLAIM_SECONDS, CLAIM_SHARE = 0.05, 0.01
"""How near to the measured wall time a method's own must be to stand: seconds, or a share of it if that is more."""
LAG = 0.25
"""Seconds that word from a worker may take; by more the clock in the worker may not fall short of the one outside."""
_POLL = 0.05
_NEAR = 0.8
"""Share of the memory limit above which a crash counts as one for want of memory."""


@dataclass(frozen=True)
class Outcome:
    """How an errand ended.

    Parameters
    ----------
    kind : "answer", "refused", "failed", "crashed", "time-out", "out-of-memory", "interrupted" or "lost" (killed by
        somebody else).
    value : the answer; the error for "refused"; words for "failed", "crashed" and "lost".
    peak_memory_mb : largest resident memory of the worker and its children that was seen; None where unknown.
    solve_s : seconds that a solve took, as measured (`Stopwatch`); None for other errands.
    """

    kind: str
    value: Any = None
    peak_memory_mb: float | None = None
    solve_s: float | None = None


def run_errand(
    errand: Errand,
    on_event: OnMessage,
    *,
    stop: Stop | None = None,
    wall_time: float | None = None,
    memory: int | None = None,
    threads: int = 1,
    processors: tuple[int, ...] = (),
    log: Path | None = None,
    grace: float = GRACE,
    launcher: Launcher | None = None,
    silence: float | None = None,
) -> Outcome:
    """Run an errand in a process of its own.

    Parameters
    ----------
    on_event : receives what it reports, the events of a solve for instance.
    stop : asks it to end early when set; it is killed `grace` seconds later.
    wall_time : seconds after which, plus `grace`, it is killed.
    memory : megabytes of resident memory at which it is killed, with its children; its address space is limited, too.
    threads : threads its numerical libraries may use.
    processors : numbers of the processors it may run on; empty for all.
    log : a file for what it prints; None drops it.
    launcher : what starts the process; None for a fresh interpreter.
    silence : seconds without an event after which it is killed, as if its wall time were up.
    """
    stop = Stop() if stop is None else stop
    with contextlib.ExitStack() as stack:
        if log is None:
            capped, sink = None, os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)
            stack.callback(os.close, sink)
        else:
            capped = CappedLog(log)
            sink = capped.descriptor
            stack.callback(capped.close)
        try:
            worker = (launcher or FreshInterpreter()).launch(threads, sink)
        except LostWorkerError as error:
            return Outcome("lost", str(error))
        messages: queue.Queue[tuple[str, Any]] = queue.Queue()
        talk = (worker, Confinement(memory, processors, log is not None), errand, messages)
        talker = threading.Thread(target=_talk, args=talk, daemon=True)
        talker.start()
        peaks: list[float | None] = []
        stack.callback(lambda: peaks.append(_end(worker, talker)))
        watch = _Watch(worker, messages, on_event, stop, wall_time, memory, grace, capped, silence)
        try:
            outcome = watch.outcome()
        except LostWorkerError as error:
            outcome = Outcome("lost", str(error), watch.peak)
        stack.close()
        counted = [peak for peak in (*peaks, outcome.peak_memory_mb) if peak is not None]
        return replace(outcome, peak_memory_mb=max(counted, default=None))


def _talk(
    worker: WorkerProcess, confinement: Confinement, errand: Errand, messages: queue.Queue[tuple[str, Any]]
) -> None:
    """Hand the errand over and queue what comes back."""
    try:
        send(worker.stdin, confinement)
        send(worker.stdin, errand)
        while True:
            messages.put(receive(worker.stdout))
    except Exception as error:
        messages.put(("end", error))


def _end(worker: WorkerProcess, talker: threading.Thread) -> float | None:
    """Kill the worker and close the pipes; its peak memory where known."""
    peak = worker.end()
    # Closing a pipe waits for who reads it: a process that got away and holds the other end would hold us up.
    talker.join(_POLL * 20)
    if not talker.is_alive():
        for pipe in (worker.stdin, worker.stdout):
            with contextlib.suppress(OSError):
                pipe.close()
    return peak


class _Watch:
    """Waits for a worker while enforcing its limits."""

    def __init__(
        self,
        worker: WorkerProcess,
        messages: queue.Queue[tuple[str, Any]],
        on_event: OnMessage,
        stop: Stop,
        wall_time: float | None,
        memory: int | None,
        grace: float,
        log: CappedLog | None,
        silence: float | None,
    ) -> None:
        self.worker = worker
        self.messages = messages
        self.on_event = on_event
        self.stop = stop
        self.deadline = None if wall_time is None else time.monotonic() + wall_time + grace
        self.memory = memory
        self.grace = grace
        self.log = log
        self.silence = silence
        self.heard = time.monotonic()
        self.peak: float | None = None
        self.interrupted: float | None = None
        self.next_look = 0.0

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
        with contextlib.suppress(queue.Empty):
            return self.messages.get(timeout=_POLL)
        if self.worker.exit_code() is None:
            return "nothing", None
        # It is gone; what it had said may still be on its way, and a child it left may keep the pipe open.
        try:
            return self.messages.get(timeout=_POLL)
        except queue.Empty:
            return "end", EOFError()

    def _crash(self, error: object) -> Outcome:
        """The worker has nothing more to say; it may still be running."""
        if self.interrupted is not None:
            return Outcome("interrupted", None, self.peak)
        code = self.worker.exit_code(self.grace)
        if code is None:
            return Outcome("crashed", f"its process sent what cannot be read ({type(error).__name__})", self.peak)
        if code >= 0:
            return Outcome("crashed", f"its process ended with code {code} ({type(error).__name__})", self.peak)
        if self.memory is not None and self.peak is not None and self.peak > _NEAR * self.memory:
            return Outcome("out-of-memory", f"its process died by {_signal_name(-code)} near its limit", self.peak)
        kind = "lost" if -code == signal.SIGKILL else "crashed"
        return Outcome(kind, f"its process died by {_signal_name(-code)}", self.peak)

    def _broken_limit(self) -> str | None:
        now = time.monotonic()
        if now >= self.next_look:
            self.next_look = now + _POLL
            if self.log is not None:
                self.log.trim()
            used = self.worker.resident_mb()
            if used is not None:
                self.peak = max(self.peak or 0.0, used)
                if self.memory is not None and used > self.memory:
                    return "out-of-memory"
        if self.stop and self.interrupted is None:
            self.interrupted = now
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.worker.pid, signal.SIGINT)
        if self.interrupted is not None and now > self.interrupted + self.grace:
            return "interrupted"
        late = self.deadline is not None and now > self.deadline
        silent = self.silence is not None and now > self.heard + self.silence
        return "time-out" if late or silent else None


def _signal_name(number: int) -> str:
    names = {signal_.value: signal_.name for signal_ in signal.Signals}
    return names.get(number, f"signal {number}")


class Stopwatch:
    """Measures a solve: inside its process by our own code around it, outside by when word of that came.

    The start of the process, imports and the way of the instance there are no part of it. The clock inside is the
    better one as long as nothing tampers with it; where it falls short of the one outside by more than `LAG`, or
    exceeds what passed altogether, the one outside counts.
    """

    def __init__(self) -> None:
        self.launched = time.perf_counter()
        self.began: float | None = None
        self.ended: float | None = None
        self.inside: float | None = None

    def hear(self, word: SolveClock) -> None:
        """Take the time of a word; the first, before anything a method may send, is that the solve begins."""
        now = time.perf_counter()
        if self.began is None:
            self.began = now
        else:
            self.ended, self.inside = now, word.seconds

    def seconds(self, *, answered: bool) -> float:
        """What the solve took; without an answer, what has passed since it began."""
        now = time.perf_counter()
        ended = self.ended if answered and self.ended is not None else now
        outside = ended - (self.launched if self.began is None else self.began)
        if answered and isinstance(self.inside, float) and outside - LAG <= self.inside <= now - self.launched:
            return self.inside
        return outside


def is_near(claimed: object, measured: float) -> bool:
    """Whether the seconds that a method says it took are near enough to the measured ones to stand."""
    allowance = max(CLAIM_SECONDS, CLAIM_SHARE * measured)
    return _is_number(claimed) and bool(max(0.0, measured - allowance) <= claimed <= measured + allowance)


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
    """As `Method.solve`, in a process of its own, the limits enforced and the time measured from outside.

    Parameters
    ----------
    method : the method's name.
    log : a file for what the solver prints.
    grace : seconds past a limit before the process is killed.

    Returns
    -------
    Result
        Its wall time is its own where that `is_near` to the measured one, else that. After a kill, the best mandates
        reported within the time limit with exact volumes, and the best bound.
    """
    result, _ = attempt_isolated(method, instance, limits, start, permutation, on_event, stop, log, grace)
    return result


_PREPARED: set[str] = set()
_PREPARING = threading.Lock()


def _head(method: str) -> str:
    return re.split("[@:]", canonical(method))[0]


def prepared_ahead(method: str) -> None:
    """Take a method for prepared: whatever launches its workers has it ready before the first one (`ForkServer`)."""
    with _PREPARING:
        _PREPARED.add(_head(method))


def _prepare(method: str, stop: Stop) -> None:
    """Have what a decomposition compiles on this machine's disk before a run's limits begin to count, once by name."""
    name = _head(method)
    with _PREPARING:
        if stop or name in _PREPARED or name not in registry.names("decompositions"):
            return
        outcome = run_errand(PrepareErrand(method), lambda _: None, stop=stop, wall_time=PREPARE_TIME)
        # An option that is refused, or an interrupt, says nothing of the next run.
        if outcome.kind not in ("refused", "interrupted"):
            _PREPARED.add(name)


def attempt_isolated(
    method: str,
    instance: Instance,
    limits: Limits = NO_LIMITS,
    start: Allocation | None = None,
    permutation: int | None = None,
    on_event: EventHandler | None = None,
    stop: Stop | None = None,
    log: Path | None = None,
    grace: float = GRACE,
    launcher: Launcher | None = None,
    processors: tuple[int, ...] = (),
) -> tuple[Result, Outcome]:
    """As `solve_isolated`, and how its process ended.

    Parameters
    ----------
    launcher : what starts the process; None for a fresh interpreter.
    processors : numbers of the processors it may run on; empty for all.
    """
    stop = Stop() if stop is None else stop
    _prepare(method, stop)
    events: list[Event] = []
    held: list[Event] = []
    watch = Stopwatch()

    def keep(event: object) -> None:
        if isinstance(event, SolveClock):
            watch.hear(event)
        if not _makes_sense(event, instance):
            return
        if limits.wall_time is None or event.time <= limits.wall_time:
            events.append(replace(event, mandates=None))
            if event.mandates is not None:
                held[:] = [event]
        if on_event is not None:
            on_event(event)

    errand = SolveErrand(method, instance, limits, start, permutation)
    outcome = run_errand(
        errand,
        keep,
        stop=stop,
        wall_time=limits.wall_time,
        memory=limits.memory,
        threads=limits.threads,
        processors=processors,
        log=log,
        grace=grace,
        launcher=launcher,
    )
    took = watch.seconds(answered=outcome.kind == "answer")
    outcome = replace(outcome, solve_s=took)
    if outcome.kind == "answer" and not isinstance(outcome.value, Result):
        outcome = replace(outcome, kind="failed", value=f"it returned {type(outcome.value).__name__}, not a Result")
    if outcome.kind == "answer":
        claimed = outcome.value.wall_time_s
        timed = float(claimed) if is_near(claimed, took) else took
        answered = replace(outcome.value, limits=limits, wall_time_s=timed, peak_memory_mb=outcome.peak_memory_mb)
        return answered, outcome
    if outcome.kind == "refused":
        raise outcome.value
    status = {
        "time-out": Status.TIME_OUT,
        "out-of-memory": Status.OUT_OF_MEMORY,
        "interrupted": Status.INTERRUPTED,
    }.get(outcome.kind, Status.ERROR)
    mandates = held[0].mandates if held else None
    return _salvaged(method, instance, limits, start, status, outcome, events, mandates, took), outcome


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, Real)


def _makes_sense(event: object, instance: Instance) -> TypeGuard[Event]:
    """Whether what a method reports is an event at all: a plug-in may report anything."""
    if not isinstance(event, Event) or not _is_number(event.time):
        return False
    bounds: tuple[object, ...] = (event.primal, event.dual)
    if not all(bound is None or _is_number(bound) for bound in bounds):
        return False
    held = event.mandates
    return held is None or (
        isinstance(held, np.ndarray) and held.dtype == np.bool_ and held.shape == (instance.n_offers,)
    )


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
    mandates: BoolArray | None,
    wall_time: float,
) -> Result:
    """What the events of a killed worker are worth."""
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
        peak_memory_mb=outcome.peak_memory_mb,
        trace=tuple(events),
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
