"""Bounds interlock: whatever stops a method, its allocation lies below every bound."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from splgbench.errors import InfeasibleError, UnsupportedError
from splgbench.limits import Limits
from splgbench.methods import Direct, Method, method
from splgbench.result import Result, Status, contradicts
from splgbench.testing.relations.base import Relation
from splgbench.testing.trial import WALL_TIME, Trial, judged

ROUNDING = 1e-6
"""Relative slack for LP values, which are floating point."""


def _crosses(result: Result, optimum: int | None, when: str) -> str | None:
    if optimum is None:
        return None
    if result.dual is not None and contradicts(result.dual, optimum):
        return f"{result.method} bounds the optimum by {result.dual} {when}; it is {optimum}"
    if result.primal is not None and result.primal > optimum:
        return f"{result.method} has an allocation of {result.primal} {when}; the optimum is {optimum}"
    return None


def _bound_crosses(method: Method, trial: Trial, _: Any) -> str | None:
    return _crosses(trial.solve(method), trial.answer.optimum, "when it ends by itself")


def _stopped_bound_crosses(method: Method, trial: Trial, stops: tuple[Limits, ...]) -> str | None:
    return next(filter(None, (_stopped_wrongly(method, trial, limits) for limits in stops)), None)


def _stopped_wrongly(method: Method, trial: Trial, limits: Limits) -> str | None:
    kinds = {"a node limit": limits.nodes is not None, "an iteration limit": limits.iterations is not None}
    when = "after " + next((kind for kind, holds in kinds.items() if holds), f"a gap of {limits.gap:g}")
    result, optimum = trial.solve(method, limits=limits), trial.answer.optimum
    if judged(result) is not None:
        return f"{when} {judged(result)}"
    if result.status is Status.INFEASIBLE and optimum is not None:
        return f"{method.name} says infeasible {when}; the optimum is {optimum}"
    if result.status is Status.OPTIMAL and result.primal != optimum:
        return f"{method.name} says {result.primal} is the optimum {when}; it is {optimum}"
    return _crosses(result, optimum, when)


def _event_crosses(method: Method, trial: Trial, limits: Limits) -> str | None:
    """Every event of the trace brackets the optimum, up to the solver's rounding."""
    optimum = trial.answer.optimum
    if optimum is None:
        return None
    for event in trial.solve(method, limits=limits).trace:
        if event.dual is not None and contradicts(event.dual, optimum):
            return f"{method.name} bounds the optimum by {event.dual} on the way; it is {optimum}"
        if event.primal is not None and event.primal > optimum + max(0.5, ROUNDING * abs(optimum)):
            return f"{method.name} has {event.primal} on the way; the optimum is {optimum}"
    return None


def _early_stops(draw: st.DrawFn, _: Trial) -> tuple[Limits, ...]:
    """Limits that end a method early: nodes, iterations and gaps."""
    number = draw(st.integers(0, 3))
    # Tiny instances are solved at once: only a wide gap stops a solver at its first incumbent.
    return (
        Limits(wall_time=WALL_TIME, nodes=number),
        Limits(wall_time=WALL_TIME, iterations=number),
        Limits(wall_time=WALL_TIME, gap=10.0),
        Limits(wall_time=WALL_TIME, gap=0.3),
    )


def _early_stop(draw: st.DrawFn, trial: Trial) -> Limits:
    return draw(st.sampled_from(_early_stops(draw, trial)))


def _lp_is_too_low(tested: Method, trial: Trial, _: Any) -> str | None:
    """LP >= optimum, and >= no declared weaker formulation's LP."""
    if not isinstance(tested, Direct) or trial.answer.optimum is None:
        return None
    try:
        bound = tested.lp_bound(trial.instance, Limits(wall_time=WALL_TIME))
    except (UnsupportedError, InfeasibleError):
        return None
    slack = ROUNDING * max(1.0, abs(bound))
    if bound < trial.answer.optimum - slack:
        return f"the LP of {tested.name} is worth {bound}; the optimum is {trial.answer.optimum}"
    for weaker in tested.formulation.at_least_as_strong_as:
        other = method(f"{weaker}@{tested.backend.name}")
        assert isinstance(other, Direct)
        try:
            weak_bound = other.lp_bound(trial.instance, Limits(wall_time=WALL_TIME))
        except UnsupportedError:
            continue
        if bound > weak_bound + slack:
            return f"the LP of {tested.name} is worth {bound}, that of {weaker}, said to be no stronger, {weak_bound}"
    return None


BOUNDS = (
    Relation("bound", "Checked value <= optimum <= every dual bound (fact 4).", _bound_crosses),
    Relation(
        "early bound",
        "A bound must hold whenever the method is stopped (fact 4), and a stop is no proof: a subproblem stopped early "
        "counts with its bound.",
        _stopped_bound_crosses,
        _early_stops,
    ),
    Relation(
        "events",
        "Bounds reported on the way are bounds already (fact 4): gap curves and certificates are made of them.",
        _event_crosses,
        _early_stop,
    ),
    Relation(
        "LP strength",
        "An LP relaxation lies above the optimum and not above a formulation it is declared as strong as (fact 4).",
        _lp_is_too_low,
    ),
)
