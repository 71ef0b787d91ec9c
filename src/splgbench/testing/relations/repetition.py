"""What must not change an answer: a start, another run with the same seed, whole-number volumes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from hypothesis import strategies as st

from splgbench.allocation import Allocation
from splgbench.limits import Limits
from splgbench.methods import Direct, Method
from splgbench.result import Status
from splgbench.testing.relations.base import Relation
from splgbench.testing.strategies import allocations
from splgbench.testing.trial import WALL_TIME, Trial, judged, proved


def _start_changes(tested: Method, trial: Trial, start: Allocation) -> str | None:
    plain = trial.solve(tested)
    if not proved(plain) or plain.volumes is None:
        return None
    started = trial.solve(tested, start=start)
    if started.status is Status.UNSUPPORTED:
        return None
    if judged(started) is not None:
        return f"with a start {judged(started)}"
    if started.status is Status.INFEASIBLE:
        return f"{tested.name} says {plain.primal}, and infeasible from a start"
    if proved(started) and started.primal != plain.primal:
        return f"{tested.name} says {plain.primal}, and {started.primal} from a start"
    return None


def _start(draw: st.DrawFn, trial: Trial) -> Allocation:
    """The optimum, nothing, or an allocation near the optimum, which need not be feasible."""
    best = trial.answer.cases or {}
    kind = draw(st.sampled_from(["optimum", "nothing", "near"]))
    if kind == "near":
        return Allocation(draw(allocations(trial.instance, best)))
    return Allocation(best if kind == "optimum" else {})


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
    options = {**tested.options, "volumes": "integer"}
    whole = trial.solve(replace(tested, integer_volumes=True, options=options))
    plain = trial.solve(tested)
    if proved(plain) and proved(whole) and plain.primal != whole.primal:
        return f"{tested.name} says {plain.primal}, and {whole.primal} with whole volumes"
    return None


REPETITION = (
    Relation("warm start", "A start, good or bad, is a hint; it changes no optimum.", _start_changes, _start),
    Relation("same seed", "One thread and one seed give one answer.", _repeat_differs),
    Relation(
        "whole volumes", "With y fixed the rest is a flow, so whole volumes lose nothing (fact 1).", _integers_differ
    ),
)
