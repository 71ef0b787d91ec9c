"""Does a method conform? The battery in a process of its own, and what a failure leaves behind.

A method that hangs, eats the memory or kills its process is refuted by that, on the instance it had at the time.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from hypothesis.configuration import set_hypothesis_home_dir

from splgbench.errors import SplgbenchError
from splgbench.instance import Instance
from splgbench.isolation import Outcome, run_errand
from splgbench.methods import Method, method
from splgbench.testing.battery import Examination, Refutation, examine
from splgbench.testing.oracles import agreed
from splgbench.testing.reduction import reduce_instance
from splgbench.testing.relations import RELATIONS
from splgbench.testing.relations.base import nothing
from splgbench.testing.subjects import runnable
from splgbench.testing.trial import MEMORY_MB, WALL_TIME, Trial
from splgbench.trace import Stop
from splgbench.worker import OnMessage

DEFAULT_EXAMPLES = 100
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

    def run(self, on_event: OnMessage, stop: Stop) -> list[Examination]:
        with tempfile.TemporaryDirectory() as home:
            # hypothesis would keep notes in the working folder.
            set_hypothesis_home_dir(home)
            return self._examined(method(self.method), on_event, stop)

    def _examined(self, subject: Method, on_event: OnMessage, stop: Stop) -> list[Examination]:
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
    outcome = sandboxed(errand, watch, stop, wall_time)
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


def sandboxed(errand: Any, on_event: Any, stop: Stop | None, wall_time: float | None) -> Outcome:
    """Run an errand; it also ends where nothing is heard of it for `WALL_TIME` and some grace."""
    stop = Stop() if stop is None else stop
    return run_errand(errand, on_event, stop=stop, wall_time=wall_time, memory=MEMORY_MB, silence=2 * WALL_TIME)


@dataclass(frozen=True)
class OnceErrand:
    """One solve, for seeing whether it ends its process."""

    method: str
    instance: Instance

    def run(self, on_event: OnMessage, stop: Stop) -> str:
        return str(method(self.method).solve(self.instance).status)


def _smallest_crash(name: str, instance: Instance, kind: str) -> Instance:
    """A smaller instance on which a plain solve ends the process in the same way, where there is one."""

    def fails(smaller: Instance) -> bool:
        limit = 2.0 if kind == "time-out" else WALL_TIME
        outcome = run_errand(OnceErrand(name, smaller), lambda _: None, wall_time=limit, memory=MEMORY_MB, grace=1.0)
        return outcome.kind == kind

    return reduce_instance(instance, fails, patience=_SAME_FAILURE) if fails(instance) else instance
