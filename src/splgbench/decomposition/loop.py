"""What every decomposition's loop stands on: limits, the stop, the best checked allocation, the best valid bound."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from splgbench.allocation import Allocation
from splgbench.backends.base import SolverStatus
from splgbench.checker import check
from splgbench.decomposition.state import Arrays, Shape, StateFile
from splgbench.decomposition.study_log import StudyLog
from splgbench.errors import InfeasibleError, UnsupportedError
from splgbench.instance import BoolArray, Instance, IntArray
from splgbench.judging import Judgement, judge, judge_infeasible
from splgbench.limits import NO_LIMITS, Limits
from splgbench.methods import ENDED, interruptible, start_volumes
from splgbench.polish import Polished, polish
from splgbench.presolve import Presolved, presolve
from splgbench.result import Result, Status
from splgbench.trace import EventHandler, Recorder, Stop
from splgbench.versions import versions

SAFETY = 1e-10
"""Relative allowance for rounding in a sum of floating-point block values: 1e5 terms of one sign and unit roundoff."""
SAVE_EVERY = 60.0
"""Seconds between two writes of the state."""
LEAST_SAFETY = 1e-6
"""The allowance of small bounds, in units: what a solver's bound may lack of a whole optimum."""


def rounded_down(bound: float) -> float:
    """The whole bound that a finite one, which may carry rounding, stands for."""
    return float(math.floor(bound + max(LEAST_SAFETY, SAFETY * abs(bound))))


Multipliers = Mapping[str, Sequence[tuple[tuple[str, str], float]]]
"""Prices by family of rows and (group, region), as in `Result`."""


class Finished(Exception):  # noqa: N818 - not an error: the loop has nothing left to do.
    """Raised by `Loop.check` where a limit is reached, the stop is set, or the bounds meet."""

    def __init__(self, status: SolverStatus) -> None:
        self.status = status
        super().__init__(status.value)


class Loop:
    """The state of one solve by a decomposition.

    Parameters
    ----------
    instance, limits : what is solved, and under which limits.
    start : volumes of a known allocation, or None.
    recorder : takes the events.
    stop : set from outside to end early.

    Attributes
    ----------
    lock : held while bounds change; held from reading `volumes` to `found` where threads share the loop.
    """

    def __init__(
        self, instance: Instance, limits: Limits, start: IntArray | None, recorder: Recorder, stop: Stop
    ) -> None:
        self.instance = instance
        self.limits = limits
        self.recorder = recorder
        self.stop = stop
        self.began = recorder.started
        self.offers: Presolved = presolve(instance)
        self.lock = threading.RLock()
        self.best: int | None = None
        self.volumes: IntArray | None = None
        self.bound: float | None = None
        self.iterations = 0
        self.counters: dict[str, int] = {}
        self.multipliers: Multipliers = {}
        self.best_relaxation = math.inf
        self.notes: list[str] = []
        self.log = StudyLog(None, self.began)
        self.state: StateFile | None = None
        self.contents: Callable[[], Arrays] | None = None
        self.saved = time.perf_counter()
        if start is not None:
            self.found(start > 0, "start")
        if not self.offers.live.any():
            self.found(self.offers.live, "presolve")
            self.bounded(0.0, "presolve")

    @property
    def left(self) -> float | None:
        """Seconds of wall time that are left; None without a limit."""
        if self.limits.wall_time is None:
            return None
        return self.limits.wall_time - (time.perf_counter() - self.began)

    def check(self) -> None:
        """End the loop where it must.

        Raises
        ------
        Finished
        """
        if self.closed:
            raise Finished(SolverStatus.FINISHED)
        if self.stop:
            raise Finished(SolverStatus.INTERRUPTED)
        if self.left is not None and self.left <= 0:
            raise Finished(SolverStatus.TIME_LIMIT)
        if self.limits.iterations is not None and self.iterations >= self.limits.iterations:
            raise Finished(SolverStatus.NODE_LIMIT)
        if self.state is not None and time.perf_counter() - self.saved > SAVE_EVERY:
            self.save()

    def resumed(self, shapes: Mapping[str, Shape]) -> dict[str, NDArray[Any]] | None:
        """Take up the state, if there is a file with one.

        A method that has something to write sets `contents`, which makes its arrays; nothing is written before.

        Parameters
        ----------
        shapes : of the method's own arrays.

        Returns
        -------
        dict or None
            the arrays; None where there is nothing to take up. The best allocation is the loop's already.

        Raises
        ------
        InputError
            The file cannot be read, is damaged, or belongs to another instance or method.
        """
        if self.state is None:
            return None
        known = self.state.read(shapes)
        if known is not None and len(known["best"]):
            self.found(known["mandates"], "state")
            if self.best is None or self.best < int(known["best"][0]):
                raise self.state.damaged(f"its allocation is not worth {int(known['best'][0])}")
        return known

    def save(self) -> None:
        """Write the state, where there is a file for it and the method has something to write.

        Raises
        ------
        OutputError
            It cannot be written.
        """
        if self.state is not None and self.contents is not None:
            held = None if self.volumes is None else self.volumes > 0
            self.state.write(self.best, held, self.contents())
            self.saved = time.perf_counter()

    @property
    def gap(self) -> float:
        """What the best allocation may lack, in units; infinite without an allocation or a bound."""
        return math.inf if self.best is None or self.bound is None else self.bound - self.best

    @property
    def closed(self) -> bool:
        """Whether the bounds meet, or the gap asked for is reached."""
        if self.best is None or self.bound is None:
            return False
        return self.bound < self.best + 1 or self.bound - self.best <= self.limits.gap * abs(self.best)

    def bounded(self, value: float, source: str) -> None:
        """A valid upper bound; `value` may carry the rounding of a floating-point sum. Optima are whole.

        Raises
        ------
        InfeasibleError
            The bound is minus infinity: no allocation exists.
        """
        if value == -math.inf:
            raise InfeasibleError("the relaxation has no solution, so no allocation exists")
        if math.isfinite(value):
            value = rounded_down(value)
        with self.lock:
            if self.bound is None or value < self.bound:
                self.bound = value
                self._tell(source, dual=value)

    def proved(self, source: str) -> None:
        """Nothing better than the best allocation exists: its value, a whole number, is the bound."""
        if self.best is not None and (self.bound is None or self.best < self.bound):
            self.bound = float(self.best)
            self._tell(source, dual=self.bound)

    def relaxed(
        self, value: float, source: str, multipliers: Callable[[], Multipliers], certified: bool = True
    ) -> None:
        """A Lagrangian bound; `multipliers` names those it was taken at, for the result where `certified`."""
        self.log.write("multipliers", self.iterations, lambda: {"bound": value, "prices": _listed(multipliers())})
        if certified and value < self.best_relaxation:
            self.best_relaxation, self.multipliers = value, multipliers()
        self.bounded(value, source)

    def _tell(
        self, source: str, primal: float | None = None, dual: float | None = None, mandates: BoolArray | None = None
    ) -> None:
        """News for the trace and the log."""
        self.recorder.source, self.recorder.iteration = source, self.iterations
        self.recorder.bounds(primal, dual, mandates)
        self.log.write("bounds", self.iterations, lambda: {"primal": self.best, "dual": self.bound, "source": source})

    def noted(self, message: str) -> None:
        """A sentence for the result's message, once."""
        if message and message not in self.notes:
            self.notes.append(message)

    def found(self, mandates: BoolArray, source: str, volumes: IntArray | None = None) -> bool:
        """Try mandates: exact volumes, kept where they are better than the best so far.

        Parameters
        ----------
        volumes : shape (K,), volumes for them where some are at hand: taken as they are where they obey extensions.
        """
        polished = None
        if volumes is not None and self.instance.extensions:
            verdict = check(self.instance, volumes)
            polished = Polished(volumes, verdict.objective) if verdict.feasible else None
        polished = polished or polish(self.instance, mandates)
        if polished.volumes is None or polished.objective is None:
            return False
        with self.lock:
            if self.best is not None and polished.objective <= self.best:
                return False
            self.best, self.volumes = polished.objective, polished.volumes
            self._tell(source, primal=polished.objective, mandates=polished.volumes > 0)
        return True


def _listed(multipliers: Multipliers) -> list[list[Any]]:
    return [[family, *row, price] for family, prices in multipliers.items() for row, price in prices]


FILE_OPTIONS = ("log", "state")
"""Options of decompositions that name a file which a solve reads or writes."""


def full_name(head: str, backend: str | None = None, **options: tuple[str | None, str | None]) -> str:
    """NAME[@BACKEND][:key=value,...], with the options (value, default) that are not as by default."""
    tail = ",".join(f"{key}={value}" for key, (value, default) in options.items() if value != default)
    return head + (f"@{backend}" if backend else "") + (f":{tail}" if tail else "")


@dataclass(frozen=True)
class Decomposition:
    """A decomposition as a method.

    Parameters
    ----------
    name : NAME[@BACKEND][:key=value,...].
    steps : the algorithm; works on a `Loop` until it returns (its bounds are final) or raises `Finished`.
    missing : why it cannot run here, or None.
    packages : versions that take part, by name.
    prepare : what can be done before any instance is known, and need not count as solving: compiling, for instance.
    state : file of `splgbench.decomposition.state` that is taken up where it is there, and written; None for none.
    log : file of `splgbench.decomposition.study_log`; None for none.
    knows : the extensions of an instance that its bounds hold for; it refuses the others. None: whatever there is.
    """

    name: str
    steps: Callable[[Loop], SolverStatus]
    missing: Callable[[], str | None] = lambda: None
    packages: Mapping[str, str] = field(default_factory=dict)
    prepare: Callable[[], None] = lambda: None
    state: str | None = None
    log: str | None = None
    knows: tuple[str, ...] | None = ()

    def reason_against(self, instance: Instance, limits: Limits) -> str | None:
        """A missing package, a limit that no decomposition has, or an extension that this one does not know."""
        unknown = [] if self.knows is None else [name for name in instance.extensions if name not in self.knows]
        if unknown:
            return f"{self.name} does not know the extension {', '.join(unknown)}"
        if limits.nodes is not None:
            return f"{self.name} has no node limits"
        return self.missing()

    def solve(
        self,
        instance: Instance,
        limits: Limits = NO_LIMITS,
        start: Allocation | None = None,
        permutation: int | None = None,
        on_event: EventHandler | None = None,
        stop: Stop | None = None,
    ) -> Result:
        """See `splgbench.methods.Method.solve`."""
        with interruptible(Stop() if stop is None else stop) as stop:
            self.prepare()
            recorder = Recorder(self.name, on_event)
            known = start_volumes(instance, start)
            reason = self.reason_against(instance, limits)
            if reason is None and permutation is not None:
                reason = f"{self.name} has no rows and columns to permute"
            if reason is not None:
                return self._made(instance, limits, recorder, Judgement(Status.UNSUPPORTED, None, None, None, reason))
            try:
                loop = Loop(instance, limits, known, recorder, stop)
            except InfeasibleError as error:
                return self._infeasible(instance, limits, recorder, str(error))
            return self._run(loop, known)

    def _open(self, loop: Loop) -> None:
        if self.log is not None:
            loop.log = StudyLog(Path(self.log), loop.began)
        if self.state is not None:
            head = self.name.partition(":")[0].partition("@")[0]
            loop.state = StateFile(Path(self.state), head, loop.instance.instance_hash, loop.instance.n_offers)

    def _worked(self, loop: Loop) -> SolverStatus:
        """The steps between opening and closing files."""
        try:
            self._open(loop)
            loop.check()
            return self.steps(loop)
        finally:
            try:
                loop.save()
            finally:
                loop.log.close()

    def _run(self, loop: Loop, start: IntArray | None) -> Result:
        message = ""
        try:
            status = self._worked(loop)
        except Finished as finished:
            status = finished.status
        except InfeasibleError as error:
            return self._infeasible(loop.instance, loop.limits, loop.recorder, str(error))
        except UnsupportedError as error:
            judgement = Judgement(Status.UNSUPPORTED, None, None, None, f"{self.name}: {error}")
            return self._made(loop.instance, loop.limits, loop.recorder, judgement)
        except MemoryError:
            status = SolverStatus.MEMORY_LIMIT
        except Exception as error:
            status, message = SolverStatus.ERROR, f"{type(error).__name__}: {error}"
        mandates = None if loop.volumes is None else loop.volumes > 0
        judging = time.perf_counter()
        judgement = judge(loop.instance, loop.limits, ENDED[status], mandates, loop.bound, start, loop.volumes)
        polish_time = time.perf_counter() - judging
        return self._made(loop.instance, loop.limits, loop.recorder, judgement, loop, polish_time, message)

    def _made(
        self,
        instance: Instance,
        limits: Limits,
        recorder: Recorder,
        judgement: Judgement,
        loop: Loop | None = None,
        polish_time: float = 0.0,
        message: str = "",
        clash: tuple[str, ...] = (),
    ) -> Result:
        spent = time.perf_counter() - recorder.started
        notes = loop.notes if loop is not None else []
        return Result(
            status=judgement.status,
            method=self.name,
            instance=instance.name,
            instance_hash=instance.instance_hash,
            primal=judgement.primal,
            dual=judgement.dual,
            claimed_primal=None if loop is None or loop.best is None else float(loop.best),
            claimed_dual=None if loop is None else loop.bound,
            claimed_mandates=None if loop is None or loop.volumes is None else loop.volumes > 0,
            volumes=judgement.volumes,
            wall_time_s=spent,
            solve_time_s=spent - polish_time,
            polish_time_s=polish_time,
            limits=limits,
            effective={"threads": limits.threads},
            counters={"iterations": loop.iterations, **loop.counters} if loop is not None else {},
            versions={**versions(), **self.packages},
            trace=tuple(recorder.events),
            message="; ".join(part for part in (judgement.message, message, *notes) if part),
            clash=clash,
            multipliers={} if loop is None else loop.multipliers,
        )

    def _infeasible(self, instance: Instance, limits: Limits, recorder: Recorder, told: str) -> Result:
        judgement, clash = judge_infeasible(instance, told)
        return self._made(instance, limits, recorder, judgement, clash=clash)
