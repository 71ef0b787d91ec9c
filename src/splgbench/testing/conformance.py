"""Does a method conform? The battery in a process of its own, and what a failure leaves behind.

A method that hangs, eats the memory or kills its process is refuted by that, on the instance it had at the time.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

from hypothesis.configuration import set_hypothesis_home_dir

from splgbench.errors import SplgbenchError, UnsupportedError
from splgbench.instance import Instance
from splgbench.isolation import Outcome, run_errand
from splgbench.limits import NO_LIMITS
from splgbench.methods import Direct, Method, method
from splgbench.result import Status
from splgbench.testing.battery import Examination, Refutation, examine
from splgbench.testing.case_file import Case, write_case
from splgbench.testing.oracles import agreed
from splgbench.testing.reduction import reduce_instance
from splgbench.testing.relations import RELATIONS
from splgbench.testing.relations.base import nothing
from splgbench.testing.trial import WALL_TIME, Trial
from splgbench.trace import EventHandler, Stop

DEFAULT_EXAMPLES = 100
MEMORY_MB = 8000
"""Resident memory at which the sandbox is ended."""
_SAME_FAILURE = 20.0
"""Seconds for shrinking what crashes or hangs a process."""


@dataclass(frozen=True)
class Progress:
    """What the sandbox says while it works: a relation begins, an instance is tried, a relation is done."""

    relation: str
    examples: int = 0
    instance: Instance | None = None
    done: bool = False


OnProgress = Callable[[Progress], None]


@dataclass(frozen=True)
class Conformance:
    """The outcome of a battery.

    Parameters
    ----------
    method : its name, with the backend it ran on.
    examples : instances drawn, by relation.
    refutation : the first relation that does not hold, with its smallest instance; None where the method conforms.
    crashed : whether the refutation is an end of the process.
    """

    method: str
    examples: dict[str, int]
    refutation: Refutation | None = None
    crashed: bool = False


@dataclass(frozen=True)
class ConformErrand:
    """The battery for one method, up to the first refutation."""

    method: str
    relations: tuple[str, ...]
    examples: int
    seed: int

    def run(self, on_event: Callable[[Any], None], stop: Stop) -> list[Examination]:
        with tempfile.TemporaryDirectory() as home:
            # hypothesis would keep notes in the working folder.
            set_hypothesis_home_dir(home)
            return self._examined(method(self.method), on_event, stop)

    def _examined(self, subject: Method, on_event: Callable[[Any], None], stop: Stop) -> list[Examination]:
        done: list[Examination] = []
        for name in self.relations:
            if stop:
                break
            drawn = 0

            def tell(_relation: Any, _subject: str, instance: Instance, name: str = name) -> None:
                nonlocal drawn
                drawn += 1
                on_event(Progress(name, drawn, instance))

            on_event(Progress(name))
            relation = RELATIONS[name]
            found = examine(relation, [subject], examples=self.examples, seed=self.seed, on_trial=tell)
            if found.refutation is not None:
                found = replace(found, refutation=smaller(found.refutation, subject))
            done.append(found)
            on_event(Progress(name, found.examples, done=True))
            if found.refutation is not None:
                break
        return done


@dataclass(frozen=True)
class SecondOpinionErrand:
    """What a relation says of other methods on the instance that refuted one."""

    methods: tuple[str, ...]
    refutation: Refutation

    def run(self, on_event: Callable[[Any], None], stop: Stop) -> dict[str, str | None]:
        return {name: contradiction(method(name), self.refutation) for name in self.methods if not stop}


def contradiction(subject: Method, refutation: Refutation) -> str | None:
    """What a method says on a recorded instance, judged by the recorded relation."""
    trial = Trial(refutation.instance, agreed(refutation.instance))
    try:
        return RELATIONS[refutation.relation].contradiction(subject, trial, refutation.varied)
    except SplgbenchError as error:
        return str(error)


def smaller(refutation: Refutation, subject: Method, patience: float = 10.0) -> Refutation:
    """Delta debugging on top of the shrinking, where the relation varies nothing."""
    if RELATIONS[refutation.relation].vary is not nothing:
        return refutation

    def fails(instance: Instance) -> bool:
        return contradiction(subject, replace(refutation, instance=instance)) is not None

    if not fails(refutation.instance):
        return refutation
    instance = reduce_instance(refutation.instance, fails, patience=patience)
    reduced = replace(refutation, instance=instance)
    return replace(reduced, sentence=contradiction(subject, reduced) or refutation.sentence)


def runnable(name: str) -> str:
    """A method name with a backend: the first one, HiGHS before others, that takes the formulation.

    Raises
    ------
    UnsupportedError
        No backend here does.
    """
    if "@" in name or not _is_formulation(name):
        reason = method(name).reason_against(_sample(), NO_LIMITS)
        if reason is not None:
            raise UnsupportedError(f"{name}: {reason}")
        return name
    head, colon, options = name.partition(":")
    reasons = []
    for backend in BACKENDS:
        candidate = f"{head}@{backend}{colon}{options}"
        reason = _reason_against(candidate)
        if reason is None:
            return candidate
        reasons.append(reason)
    raise UnsupportedError(f"no backend here takes {name}: {'; '.join(dict.fromkeys(reasons))}")


BACKENDS = ("highs", "scip", "cpsat", "scipy_milp", "gurobi", "pyomo")
"""In the order in which a method without a backend is tried."""


def _is_formulation(name: str) -> bool:
    try:
        return isinstance(method(f"{name.partition(':')[0]}@highs"), Direct)
    except UnsupportedError:
        return False


def _sample() -> Instance:
    return Instance.from_tables(
        hospitals=["H1"],
        groups={"group": ["G1"], "area": ["A1"]},
        demand={"group": ["G1"], "cases": [1]},
        offers={"hospital": ["H1"], "group": ["G1"], "capacity": [1], "utility": [1]},
    )


def _reason_against(name: str) -> str | None:
    subject = method(name)
    reason = subject.reason_against(_sample(), NO_LIMITS)
    if reason is None and subject.solve(_sample()).status is Status.UNSUPPORTED:
        reason = subject.solve(_sample()).message
    return reason


def conform(
    name: str,
    *,
    examples: int = DEFAULT_EXAMPLES,
    seed: int = 0,
    relations: Sequence[str] = (),
    wall_time: float | None = None,
    on_progress: OnProgress | None = None,
    stop: Stop | None = None,
) -> Conformance:
    """Put a method through the battery in a process of its own.

    Parameters
    ----------
    name : NAME[@BACKEND][:key=value,...], NAME a registered method or the path of a Python file.
    examples : instances a relation.
    seed : of the draws.
    relations : names; all where empty.
    wall_time : seconds for the whole battery; a battery that is not done by then counts as far as it got, unless
        one solve alone hangs past `WALL_TIME`.

    Raises
    ------
    UnsupportedError, InputError
        There is no such method, or nothing here can run it.
    """
    name = runnable(name)
    watch = _Watch(on_progress)
    errand = ConformErrand(name, tuple(relations) or tuple(RELATIONS), examples, seed)
    outcome = _sandboxed(errand, watch, stop, wall_time)
    if outcome.kind == "refused":
        raise outcome.value
    if outcome.kind == "answer":
        found = [examination.refutation for examination in outcome.value if examination.refutation is not None]
        drawn = {examination.relation: examination.examples for examination in outcome.value}
        return Conformance(name, drawn, found[0] if found else None)
    drawn = watch.examples
    if outcome.kind == "interrupted" or (outcome.kind == "time-out" and not watch.hangs):
        return Conformance(name, drawn)
    assert watch.last is not None, outcome
    sentence = f"{name} {_ENDS.get(outcome.kind, 'ended its process')}{f': {outcome.value}' if outcome.value else ''}"
    refutation = Refutation(watch.relation, name, sentence, _smallest_crash(name, watch.last, outcome.kind), None)
    return Conformance(name, drawn, refutation, crashed=True)


_ENDS = {
    "time-out": "does not end, nor mind its time limit",
    "out-of-memory": f"takes more than {MEMORY_MB} MB",
    "crashed": "crashes",
    "failed": "fails",
}


class _Watch:
    """Notes what the sandbox is at."""

    def __init__(self, on_progress: OnProgress | None) -> None:
        self.on_progress = on_progress
        self.relation = ""
        self.last: Instance | None = None
        self.since = time.monotonic()
        self.examples: dict[str, int] = {}

    def __call__(self, progress: Progress) -> None:
        self.relation, self.since = progress.relation, time.monotonic()
        self.examples[progress.relation] = progress.examples
        if progress.instance is not None:
            self.last = progress.instance
        if self.on_progress is not None:
            self.on_progress(progress)

    @property
    def hangs(self) -> bool:
        return self.last is not None and time.monotonic() - self.since > WALL_TIME


def _sandboxed(errand: Any, on_event: Any, stop: Stop | None, wall_time: float | None) -> Outcome:
    """Run an errand; it also ends where nothing is heard of it for `WALL_TIME` and some grace."""
    stop = Stop() if stop is None else stop
    return run_errand(
        errand, cast(EventHandler, on_event), stop=stop, wall_time=wall_time, memory=MEMORY_MB, silence=2 * WALL_TIME
    )


@dataclass(frozen=True)
class OnceErrand:
    """One solve, for seeing whether it ends its process."""

    method: str
    instance: Instance

    def run(self, on_event: Callable[[Any], None], stop: Stop) -> str:
        return str(method(self.method).solve(self.instance).status)


def _smallest_crash(name: str, instance: Instance, kind: str) -> Instance:
    """A smaller instance on which a plain solve ends the process in the same way, where there is one."""

    def fails(smaller: Instance) -> bool:
        limit = 2.0 if kind == "time-out" else WALL_TIME
        outcome = run_errand(OnceErrand(name, smaller), lambda _: None, wall_time=limit, memory=MEMORY_MB, grace=1.0)
        return outcome.kind == kind

    return reduce_instance(instance, fails, patience=_SAME_FAILURE) if fails(instance) else instance


def second_opinions(refutation: Refutation) -> dict[str, str | None]:
    """What the same relation says of the formulation on other backends, and of `linked` on the same backend.

    Returns
    -------
    dict
        By method name the contradiction, or None where the method passes; methods that cannot run are left out.
    """
    head, at, rest = refutation.subject.partition("@")
    if not at:
        names = ["linked@highs"]
    else:
        backend, colon, options = rest.partition(":")
        others = [other for other in BACKENDS if other != backend]
        names = [f"{head}@{other}{colon}{options}" for other in others] + [f"linked@{backend}"]
    names = [name for name in dict.fromkeys(names) if name != refutation.subject and _runs(name)]
    outcome = _sandboxed(SecondOpinionErrand(tuple(names), refutation), lambda _: None, None, 120.0)
    return outcome.value if outcome.kind == "answer" else {}


def _runs(name: str) -> bool:
    try:
        return _reason_against(name) is None
    except SplgbenchError:
        return False


def blame(refutation: Refutation, opinions: dict[str, str | None]) -> str:
    """One sentence: the formulation, the backend, or the method itself."""
    head, at, rest = refutation.subject.partition("@")
    backend = rest.partition(":")[0]
    elsewhere = {name: said for name, said in opinions.items() if name.partition("@")[0] == head}
    if not at or not elsewhere:
        return f"No second backend could be asked, so `{refutation.subject}` as a whole is in question."
    wrong = [name for name, said in elsewhere.items() if said is not None]
    right = [name for name, said in elsewhere.items() if said is None]
    if not right:
        return f"The formulation: it is just as wrong on {', '.join(f'`{name}`' for name in wrong)}."
    if wrong:
        return (
            f"Unclear: also wrong on {', '.join(f'`{name}`' for name in wrong)}, right on "
            f"{', '.join(f'`{name}`' for name in right)}."
        )
    return f"The backend `{backend}`, or numbers it cannot bear: the same model is right on {', '.join(right)}."


_CRASH = "The method: a solve must not end its process, nor run past its limits."


def filed(conformance: Conformance, folder: Path, seed: int = 0) -> None:
    """Write what a refuted method left behind (`splgbench.testing.case_file`).

    Raises
    ------
    OutputError
        The folder holds something or cannot be written.
    """
    refutation = conformance.refutation
    assert refutation is not None
    opinions = {} if conformance.crashed else second_opinions(refutation)
    varied = refutation.varied
    instances = {"instance": refutation.instance}
    others = varied if isinstance(varied, tuple) else (varied,)
    instances |= {f"varied-{i}": other for i, other in enumerate(others, 1) if isinstance(other, Instance)}
    method_name = refutation.subject
    # A method that is a file is filed beside the instance.
    local = Path(method_name).name if ".py" in method_name else method_name
    right = [name for name, said in opinions.items() if said is None and ".py" not in name]
    case = Case(
        title=f"`{method_name}` breaks the relation `{refutation.relation}`",
        sentence=refutation.sentence,
        reason=RELATIONS[refutation.relation].reason,
        blame=f"`{method_name}`: a solve must not end its process."
        if conformance.crashed
        else blame(refutation, opinions),
        instances=instances,
        methods=(method_name,),
        opinions=opinions,
        reproduce=(
            f"splgbench solve instance --method {local}",
            f"splgbench compare instance --methods {' '.join((local, *right))}",
            f"splgbench conform {local} --relation '{refutation.relation}' --seed {seed}",
        ),
    )
    write_case(folder, case)
