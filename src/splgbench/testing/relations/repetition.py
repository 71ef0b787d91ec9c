"""What must not change an answer: a start, another run with the same seed, whole-number volumes."""

from __future__ import annotations

from typing import Any

import numpy as np

from splgbench.allocation import Allocation
from splgbench.limits import Limits
from splgbench.methods import Direct, Method, method
from splgbench.result import Status
from splgbench.testing.relations.base import Relation
from splgbench.testing.trial import WALL_TIME, Trial, judged, proved


def _start_changes(tested: Method, trial: Trial, _: Any) -> str | None:
    plain = trial.solve(tested)
    if not proved(plain) or plain.volumes is None or trial.answer.cases is None:
        return None
    started = trial.solve(tested, start=Allocation(trial.answer.cases))
    if started.status is Status.UNSUPPORTED:
        return None
    if judged(started) is not None:
        return f"with a start {judged(started)}"
    if proved(started) and started.primal != plain.primal:
        return f"{tested.name} says {plain.primal}, and {started.primal} from an optimal start"
    return None


def _repeat_differs(tested: Method, trial: Trial, _: Any) -> str | None:
    first = trial.solve(tested)
    second = tested.solve(trial.instance, Limits(wall_time=WALL_TIME))
    if Status.TIME_OUT in (first.status, second.status):
        return None
    if first.status != second.status or first.primal != second.primal:
        return f"{tested.name} says {first.status} {first.primal}, then {second.status} {second.primal}, same seed"
    if first.volumes is not None and second.volumes is not None and not np.array_equal(first.volumes, second.volumes):
        return f"{tested.name} gives two allocations of value {first.primal} for the same seed"
    return None


def _integers_differ(tested: Method, trial: Trial, _: Any) -> str | None:
    if not isinstance(tested, Direct) or "volumes" in tested.options:
        return None
    head, _, tail = tested.name.partition(":")
    whole = trial.solve(method(f"{head}:{tail + ',' if tail else ''}volumes=integer"))
    plain = trial.solve(tested)
    if proved(plain) and proved(whole) and plain.primal != whole.primal:
        return f"{tested.name} says {plain.primal}, and {whole.primal} with whole volumes"
    return None


REPETITION = (
    Relation("warm start", "A start is a hint; it changes no optimum.", _start_changes),
    Relation("same seed", "One thread and one seed give one answer.", _repeat_differs),
    Relation(
        "whole volumes", "With y fixed the rest is a flow, so whole volumes lose nothing (fact 1).", _integers_differ
    ),
)
