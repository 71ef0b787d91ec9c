"""Methods: what campaigns run. A direct method is a formulation on a backend; decompositions bring their own loop."""

from __future__ import annotations

import inspect
import re
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np

from splgbench import registry
from splgbench.allocation import Allocation
from splgbench.backends.base import Backend, Solution, SolverStatus, Start, Task, asked_by
from splgbench.capabilities import Capability
from splgbench.coupling import Encoded, build_model
from splgbench.errors import InfeasibleError, InputError, UnsupportedError
from splgbench.formulation import BuildsModels
from splgbench.instance import BoolArray, Instance, IntArray
from splgbench.judging import Judgement, judge, judge_infeasible
from splgbench.limits import NO_LIMITS, Limits
from splgbench.model import MipModel
from splgbench.piecewise import ENCODINGS
from splgbench.random_bits import permutation as random_permutation
from splgbench.result import Result, Status
from splgbench.trace import EventHandler, Recorder, Stop
from splgbench.versions import versions as base_versions

DEFAULT_METHOD = "auto"
"""What `splgbench solve` uses where no method is named."""

_LARGEST_CASES = 2**62
"""Beyond this no sum of cases is safe in 64 bits."""

ENDED = {
    SolverStatus.FINISHED: Status.OPTIMAL,
    SolverStatus.INFEASIBLE: Status.INFEASIBLE,
    SolverStatus.TIME_LIMIT: Status.TIME_OUT,
    SolverStatus.NODE_LIMIT: Status.NODE_LIMIT,
    SolverStatus.MEMORY_LIMIT: Status.OUT_OF_MEMORY,
    SolverStatus.INTERRUPTED: Status.INTERRUPTED,
    SolverStatus.ERROR: Status.ERROR,
}


@runtime_checkable
class Method(Protocol):
    """The one protocol that everything which answers an instance follows."""

    @property
    def name(self) -> str:
        """NAME[@BACKEND][:key=value,...]."""

    def reason_against(self, instance: Instance, limits: Limits) -> str | None:
        """Why it cannot answer this instance under these limits, or None."""

    def solve(
        self,
        instance: Instance,
        limits: Limits = NO_LIMITS,
        start: Allocation | None = None,
        permutation: int | None = None,
        on_event: EventHandler | None = None,
        stop: Stop | None = None,
    ) -> Result:
        """Answer the instance; never raises for what the instance or the solver does.

        Parameters
        ----------
        start : a known allocation.
        permutation : seed of a row and column permutation; None keeps the order.
        on_event : receives bounds while it runs.
        stop : ends it early when set; an interrupt from the keyboard sets it, too.
        """


@runtime_checkable
class Prepared(Protocol):
    """A method with work to do before any instance is known, which does not count as solving."""

    @property
    def prepare(self) -> Callable[[], None]:
        """Does it; a second call costs nothing."""


def method(name: str) -> Method:
    """The method of a name such as ``strengthened@highs``, ``linked@scip:volumes=integer`` or ``mine.py@highs``.

    In place of a registered name stands the path of a Python file, which names its formulation (an object with the
    verbs of `BuildsModels`) or its decomposition (a callable that takes `backend` and options and gives a `Method`)
    `method` or like itself.

    Raises
    ------
    UnsupportedError
        No such formulation, decomposition or backend.
    InputError
        The name is not of the form NAME[@BACKEND][:key=value,...], or the file does not define a method.
    """
    match = re.fullmatch(r"([A-Za-z0-9_-]+|[^@]+\.py)(?:@([A-Za-z0-9_-]+))?(?::(.+))?", name)
    if match is None:
        raise InputError(f"a method is written NAME[@BACKEND][:key=value,...], not {name!r}", "method")
    head, backend, tail = match.groups()
    options: dict[str, str] = {}
    for part in (tail or "").split(","):
        key, equals, value = part.partition("=")
        if tail and not (key and equals and value):
            raise InputError(f"an option is written key=value, not {part!r}", "method")
        key = registry.normal_name(key)
        if key in options:
            raise InputError(f"the option {key} stands twice", "method")
        if key:
            options[key] = value
    if head.endswith(".py"):
        found = registry.from_file(Path(head))
    else:
        head = registry.normal_name(head)
        found = _registered(head)
    if not isinstance(found, BuildsModels):
        if not callable(found):
            raise InputError("defines neither a formulation nor a decomposition", head)
        _check_options(head, inspect.signature(found), backend, options)
        decomposition: Method = found(backend=backend, **options)
        return decomposition if hasattr(decomposition, "knows") else PlainOnly(decomposition)
    if backend is None:
        raise InputError(f"{head} needs a backend: {head}@highs, for instance", "method")
    return Direct.with_options(head, found, registry.find("backends", backend), options)


def _registered(name: str) -> Any:
    """The decomposition of a name, or the formulation."""
    decompositions = registry.names("decompositions")
    if name in decompositions:
        return registry.find("decompositions", name)
    try:
        return registry.find("formulations", name)
    except UnsupportedError as error:
        if name in registry.names("formulations"):
            raise
        raise UnsupportedError(f"{error}; nor a decomposition: there are {', '.join(decompositions)}") from None


def _check_options(name: str, signature: inspect.Signature, backend: str | None, options: Mapping[str, str]) -> None:
    """Refuse options that a decomposition does not take, and the lack of those that it needs."""
    parameters = signature.parameters.values()
    if not any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters):
        known = [parameter.name for parameter in parameters if parameter.name != "backend"]
        for key in options:
            if key not in known:
                there = f"there are {', '.join(known)}" if known else "it takes none"
                raise InputError(f"{name} has no option {key}; {there}", "method")
    try:
        signature.bind(backend=backend, **options)
    except TypeError as error:
        raise InputError(f"{name}: {error}", "method") from None


def all_direct_methods() -> list[str]:
    """Every formulation on every backend, by name."""
    return [f"{f}@{b}" for f in registry.names("formulations") for b in registry.names("backends")]


@dataclass(frozen=True)
class Direct:
    """A formulation handed whole to a solver.

    Parameters
    ----------
    formulation_name, formulation, backend : what is run.
    integer_volumes : declare the volumes integer (fact 1 says they need not be).
    without : row families to leave out.
    presolve : whether the solver's own presolve runs.
    all_rows : keep the row families that the formulation would leave out for this backend.
    encoding : how piecewise-linear payments of extensions are written; None for the first of `ENCODINGS`.
    options : the options as written, for the name.
    """

    formulation_name: str
    formulation: BuildsModels
    backend: Backend
    integer_volumes: bool = False
    without: tuple[str, ...] = ()
    presolve: bool = True
    all_rows: bool = False
    encoding: str | None = None
    options: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def with_options(
        cls, formulation_name: str, formulation: BuildsModels, backend: Backend, options: Mapping[str, str]
    ) -> Direct:
        """Read the options ``volumes``, ``presolve``, ``rows``, ``encoding`` and ``without``."""
        known = {
            "volumes": ("continuous", "integer"),
            "presolve": ("on", "off"),
            "rows": ("default", "all"),
            "encoding": tuple(ENCODINGS),
            "without": None,
        }
        for key, value in options.items():
            if key not in known:
                raise InputError(f"no option {key}; there are {', '.join(known)}", "method")
            allowed = known[key]
            if allowed is not None and value not in allowed:
                raise InputError(f"{key} must be {' or '.join(allowed)}, not {value}", "method")
        return cls(
            formulation_name,
            formulation,
            backend,
            integer_volumes=options.get("volumes") == "integer",
            without=tuple(part for part in options.get("without", "").split("+") if part),
            presolve=options.get("presolve") != "off",
            all_rows=options.get("rows") == "all",
            encoding=options.get("encoding"),
            options=dict(options),
        )

    @property
    def name(self) -> str:
        tail = ",".join(f"{key}={value}" for key, value in self.options.items())
        return f"{self.formulation_name}@{self.backend.name}" + (f":{tail}" if tail else "")

    def reason_against(self, instance: Instance, limits: Limits) -> str | None:
        """A missing package, capability or use of an option; the model's own needs show when it is built."""
        missing = self.formulation.unavailable() or self.backend.unavailable()
        if missing:
            return missing
        needs = self.formulation.needs.union(asked_by(limits))
        lacking = sorted(need.value for need in needs - self.backend.capabilities)
        if lacking:
            return f"{self.backend.name} has no {', '.join(lacking)}"
        if self.encoding and not any(isinstance(extension, Encoded) for extension in instance.extensions.values()):
            return f"nothing in the instance has an encoding, so encoding={self.encoding} says nothing"
        return None

    def build(self, instance: Instance) -> MipModel:
        """The model as the backend will get it."""
        kept_for = None if self.all_rows else self.backend.name
        model = build_model(self.formulation, instance, kept_for, self.without, self.backend.name, self.encoding)
        return model.with_integer_volumes() if self.integer_volumes else model

    def solve(
        self,
        instance: Instance,
        limits: Limits = NO_LIMITS,
        start: Allocation | None = None,
        permutation: int | None = None,
        on_event: EventHandler | None = None,
        stop: Stop | None = None,
    ) -> Result:
        """See `Method.solve`."""
        with interruptible(Stop() if stop is None else stop) as stop:
            return _Run(self, instance, limits, start, permutation, on_event, stop).result()

    def lp_bound(self, instance: Instance, limits: Limits = NO_LIMITS) -> float:
        """Value of the LP relaxation in utility units: an upper bound on the optimum.

        Raises
        ------
        UnsupportedError
            The backend solves no LPs, the model has indicator rows, or the solver ended without a proof.
        InfeasibleError
            No allocation exists.
        """
        reason = self.reason_against(instance, limits)
        if reason is None and Capability.RELAXATION not in self.backend.capabilities:
            reason = f"{self.backend.name} has no {Capability.RELAXATION.value}"
        if reason is not None:
            raise UnsupportedError(f"{self.name}: {reason}")
        model = self.build(instance).relaxed()
        if len(model.indicator_row):
            raise UnsupportedError(f"{self.name}: a model with indicator rows has no LP relaxation")
        solution = self.backend.solve(model, Task(limits, Recorder(self.backend.name), presolve=self.presolve))
        if solution.status is SolverStatus.INFEASIBLE:
            raise InfeasibleError("the relaxation is infeasible, so no allocation exists")
        if solution.status is not SolverStatus.FINISHED or solution.dual is None:
            raise UnsupportedError(f"{self.name}: the relaxation ended by {solution.status.value}")
        return solution.dual


@dataclass(frozen=True)
class PlainOnly:
    """A method that does not say which extensions it knows (`knows`): it is given no instance that has one."""

    inner: Method

    @property
    def name(self) -> str:
        return self.inner.name

    @property
    def prepare(self) -> Callable[[], None]:
        """See `Prepared`."""
        prepare: Callable[[], None] = getattr(self.inner, "prepare", lambda: None)
        return prepare

    def reason_against(self, instance: Instance, limits: Limits) -> str | None:
        """An extension, or what the method itself says."""
        if instance.extensions:
            return f"{self.name} does not know the extension {', '.join(instance.extensions)}"
        return self.inner.reason_against(instance, limits)

    def solve(
        self,
        instance: Instance,
        limits: Limits = NO_LIMITS,
        start: Allocation | None = None,
        permutation: int | None = None,
        on_event: EventHandler | None = None,
        stop: Stop | None = None,
    ) -> Result:
        """See `Method.solve`."""
        if not instance.extensions:
            return self.inner.solve(instance, limits, start, permutation, on_event, stop)
        return Result(
            status=Status.UNSUPPORTED,
            method=self.name,
            instance=instance.name,
            instance_hash=instance.instance_hash,
            limits=limits,
            message=self.reason_against(instance, limits) or "",
        )


@contextmanager
def interruptible(stop: Stop) -> Iterator[Stop]:
    """While the block runs, Ctrl-C sets `stop` instead of raising; a second one raises."""
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return

    def on_interrupt(_number: int, _frame: object) -> None:
        if stop:
            raise KeyboardInterrupt
        stop.set()

    before = signal.signal(signal.SIGINT, on_interrupt)
    try:
        yield stop
    finally:
        signal.signal(signal.SIGINT, before)


class _Run:
    """One solve of a direct method."""

    def __init__(
        self,
        direct: Direct,
        instance: Instance,
        limits: Limits,
        start: Allocation | None,
        permutation: int | None,
        on_event: EventHandler | None,
        stop: Stop,
    ) -> None:
        self.direct = direct
        self.instance = instance
        self.limits = limits
        self.start = start_volumes(instance, start)
        self.permutation = permutation
        self.stop = stop
        self.began = time.perf_counter()
        self.recorder = Recorder(direct.backend.name, on_event, self.began)
        self.build_time = 0.0
        self.solve_time = 0.0

    def result(self) -> Result:
        reason = self.direct.reason_against(self.instance, self.limits)
        if reason is not None:
            return self._ended(Status.UNSUPPORTED, reason)
        try:
            model = self.direct.build(self.instance)
        except InfeasibleError as error:
            return self._infeasible(str(error), None)
        except UnsupportedError as error:
            return self._ended(Status.UNSUPPORTED, str(error))
        except Exception as error:
            return self._ended(Status.ERROR, f"the model cannot be built: {type(error).__name__}: {error}")
        if self.permutation is not None:
            model = permuted(model, self.permutation)
        reason = self.direct.backend.reason_against(model, self.limits)
        if reason is not None:
            return self._ended(Status.UNSUPPORTED, f"{self.direct.backend.name}: {reason}")
        if self.start is not None and Capability.START not in self.direct.backend.capabilities:
            reason = f"{self.direct.backend.name} has no {Capability.START.value}"
            return self._ended(Status.UNSUPPORTED, reason)
        built = time.perf_counter()
        self.build_time = built - self.began
        try:
            solution = self._solve(model)
        except UnsupportedError as error:
            return self._ended(Status.UNSUPPORTED, str(error))
        self.solve_time = time.perf_counter() - built
        return self._judged(model, solution)

    def _solve(self, model: MipModel) -> Solution:
        limits = self.limits
        if limits.wall_time is not None:
            left = limits.wall_time - (time.perf_counter() - self.began)
            if left <= 0:
                return Solution(SolverStatus.TIME_LIMIT)
            limits = replace(limits, wall_time=left)
        start = None if self.start is None else Start(*model.start_values(self.start))
        task = Task(limits, self.recorder, self.stop, start, self.direct.presolve)
        try:
            return self.direct.backend.solve(model, task)
        except UnsupportedError:
            raise
        except MemoryError:
            return Solution(SolverStatus.MEMORY_LIMIT)
        except Exception as error:
            return Solution(SolverStatus.ERROR, message=f"{type(error).__name__}: {error}")

    def _judged(self, model: MipModel, solution: Solution) -> Result:
        if solution.status is SolverStatus.INFEASIBLE:
            return self._infeasible("", solution)
        mandates: BoolArray | None = self.recorder.mandates
        volumes = None
        if solution.values is not None:
            mandates, volumes = model.mandates(solution.values), model.volumes(solution.values)
        ended = ENDED[solution.status]
        dual = solution.dual if solution.dual is not None else self.recorder.dual
        judging = time.perf_counter()
        judgement = judge(self.instance, self.limits, ended, mandates, dual, self.start, volumes)
        self.recorder.bounds(primal=solution.primal, dual=dual)
        return self._made(judgement, solution, dual, time.perf_counter() - judging, mandates, solution.message)

    def _made(
        self,
        judgement: Judgement,
        solution: Solution | None,
        claimed_dual: float | None,
        polish_time: float,
        mandates: BoolArray | None = None,
        message: str = "",
        clash: tuple[str, ...] = (),
    ) -> Result:
        size = dict(solution.counters) if solution is not None else {}
        return Result(
            status=judgement.status,
            method=self.direct.name,
            instance=self.instance.name,
            instance_hash=self.instance.instance_hash,
            primal=judgement.primal,
            dual=judgement.dual,
            claimed_primal=solution.primal if solution is not None else None,
            claimed_dual=claimed_dual,
            claimed_mandates=mandates,
            volumes=judgement.volumes,
            wall_time_s=time.perf_counter() - self.began,
            build_time_s=self.build_time,
            solve_time_s=self.solve_time,
            polish_time_s=polish_time,
            limits=self.limits,
            effective=dict(solution.effective) if solution is not None else {},
            counters=size,
            versions={**base_versions(), **self.direct.backend.versions()},
            trace=tuple(self.recorder.events),
            message="; ".join(part for part in (judgement.message, message) if part),
            clash=clash,
        )

    def _ended(self, status: Status, message: str) -> Result:
        return self._made(Judgement(status, None, None, None, message), None, None, 0.0)

    def _infeasible(self, message: str, solution: Solution | None) -> Result:
        """See `judge_infeasible`."""
        judgement, clash = judge_infeasible(self.instance, message)
        claimed = None if judgement.status is Status.ERROR else solution
        return self._made(judgement, claimed, None, 0.0, clash=clash)


def start_volumes(instance: Instance, start: Allocation | None) -> IntArray | None:
    """A start as volumes over offers.

    Raises
    ------
    InputError
        It is for another instance, or names a pair that is no offer.
    """
    if start is None:
        return None
    if start.instance_hash not in (None, instance.instance_hash):
        raise InputError("is an allocation for another instance", "start")
    volumes = np.zeros(instance.n_offers, dtype=np.int64)
    for pair, cases in start.cases.items():
        k = instance.offer_index.get(pair)
        if k is None:
            raise InputError(f"{pair[0]} does not offer {pair[1]}", "start")
        if abs(cases) > _LARGEST_CASES:
            raise InputError(f"{cases} cases of {pair[1]} at {pair[0]} are no number of cases", "start")
        volumes[k] = cases
    return volumes


def permuted(model: MipModel, seed: int) -> MipModel:
    """The model with its columns and rows shuffled by `seed`."""
    return model.permuted(
        random_permutation(f"columns {seed}", model.n_columns), random_permutation(f"rows {seed}", model.n_rows)
    )
