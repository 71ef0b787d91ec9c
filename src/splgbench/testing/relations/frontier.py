"""What must hold of a frontier of benefit against cost.

A subject is called with an instance, the cost of a case by offer, shape (K,), and how many points, and gives a
`splgbench.value.frontier.Frontier`; that module's `frontier` is one.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

from hypothesis import strategies as st

from splgbench.extensions import with_extensions
from splgbench.instance import Instance, IntArray
from splgbench.testing.relations.base import Relation
from splgbench.testing.strategies import Knobs
from splgbench.testing.trial import Trial
from splgbench.testing.value_draws import offer_costs
from splgbench.transform import from_tables, to_tables
from splgbench.value.frontier import Frontier, Point
from splgbench.value.frontier_check import dominated, frontier_errors

Frontiers = Callable[[Instance, IntArray, int], Frontier]

# Few utilities, so that allocations of the same benefit differ in cost.
KNOBS = Knobs(hospitals=2, groups=2, offers=4, cases=5, utility=2, regions=1)
POINTS = 3


def within(instance: Instance, costs: IntArray, budget: int) -> Instance:
    """The instance whose allocations cost at most `budget`: the frontier's row, as a regional budget."""
    pairs = map(instance.offer_name, range(instance.n_offers))
    rows = [{"hospital": h, "group": g, "cents": f} for (h, g), f in zip(pairs, costs.tolist(), strict=True)]
    return with_extensions(instance, {"regional_budget": {"offer_costs": rows, "budgets": [{"cents": budget}]}})


def _costed(draw: st.DrawFn, trial: Trial) -> IntArray | None:
    """Costs; nothing where overrides admit no allocation."""
    return None if trial.answer.optimum is None else offer_costs(draw, trial.instance)


def _proved(found: Frontier) -> str | None:
    return None if found.proved else "a point of a tiny instance has no proof"


def _named(point: Point) -> str:
    return f"benefit {point.benefit} at cost {point.cost} within {point.budget}"


def _misses_the_optimum(frontiers: Frontiers, trial: Trial, costs: IntArray) -> str | None:
    found = frontiers(trial.instance, costs, POINTS)
    for point in found.points:
        best = trial.answer.optimum
        if point.budget is not None:
            best = trial.optimum(within(trial.instance, costs, point.budget))
        if point.benefit != best:
            return f"{_named(point)}; the instance with that budget has the optimum {best}"
        if trial.optimum(within(trial.instance, costs, point.cost or 0)) != best:
            return f"{_named(point)}; that cost does not pay for it"
        if point.cost and trial.optimum(within(trial.instance, costs, point.cost - 1)) == best:
            return f"{_named(point)}; a budget of {point.cost - 1} has the same optimum"
    return _proved(found)


def _misses_an_end(frontiers: Frontiers, trial: Trial, costs: IntArray) -> str | None:
    found = frontiers(trial.instance, costs, POINTS)
    first, last = found.points[0], found.points[-1]
    if last.budget is not None or last.benefit != trial.answer.optimum:
        return f"the last point has {_named(last)}; the optimum is {trial.answer.optimum}"
    if first.budget is None or first.cost is None or first.cost > first.budget:
        return f"the first point has {_named(first)}"
    if first.budget and trial.optimum(within(trial.instance, costs, first.budget - 1)) is not None:
        return f"the first budget is {first.budget}, but there are allocations within less"
    return None


def _falls(frontiers: Frontiers, trial: Trial, costs: IntArray) -> str | None:
    points = frontiers(trial.instance, costs, POINTS + 1).points
    for one, other in pairwise(points):
        if (one.benefit or 0) > (other.benefit or 0) or (one.cost or 0) > (other.cost or 0):
            return f"{_named(one)}, and then {_named(other)}"
    worse = dominated(points)
    return f"{_named(worse[0])} is dominated" if worse else None


def _has_errors(frontiers: Frontiers, trial: Trial, costs: IntArray) -> str | None:
    found = frontier_errors(trial.instance, costs, frontiers(trial.instance, costs, POINTS))
    return found[0] if found else None


def _pairs(found: Frontier) -> list[tuple[int | None, int | None]]:
    return [(point.benefit, point.cost) for point in found.points]


def _loses_points(frontiers: Frontiers, trial: Trial, costs: IntArray) -> str | None:
    coarse = _pairs(frontiers(trial.instance, costs, POINTS))
    fine = _pairs(frontiers(trial.instance, costs, 2 * POINTS - 1))
    if fine[::2] != coarse:
        return f"{coarse} with {POINTS} points; every second of {2 * POINTS - 1} is {fine[::2]}"
    return None


def _in_another_unit(draw: st.DrawFn, trial: Trial) -> tuple[IntArray, Instance, int, int] | None:
    """Costs and utilities, each times a number."""
    costs = _costed(draw, trial)
    if costs is None:
        return None
    dearer, worthier = draw(st.integers(1, 50)), draw(st.integers(1, 9))
    tables = to_tables(trial.instance)
    tables["offers"]["utility"] = [worthier * utility for utility in tables["offers"]["utility"]]
    return costs, from_tables(trial.instance, tables), dearer, worthier


def _depends_on_the_unit(frontiers: Frontiers, trial: Trial, drawn: tuple[IntArray, Instance, int, int]) -> str | None:
    costs, other, dearer, worthier = drawn
    here = _pairs(frontiers(trial.instance, costs, POINTS))
    there = _pairs(frontiers(other, dearer * costs, POINTS))
    if there != [(worthier * (benefit or 0), dearer * (cost or 0)) for benefit, cost in here]:
        return f"{here}; with utilities times {worthier} and costs times {dearer} {there}"
    return None


def _not_one_point(frontiers: Frontiers, trial: Trial, costs: IntArray) -> str | None:
    found = _pairs(frontiers(trial.instance, 0 * costs, POINTS))
    if set(found) != {(trial.answer.optimum, 0)}:
        return f"{found} where nothing costs anything; the optimum is {trial.answer.optimum}"
    return None


def _relation(name: str, reason: str, contradiction: Any, vary: Any = _costed) -> Relation:
    return Relation(f"frontier: {name}", reason, contradiction, vary, KNOBS, subject="frontier")


FRONTIER = (
    _relation(
        "ends",
        "The last point is the optimum, the first budget the least that any allocation costs.",
        _misses_an_end,
    ),
    _relation("rising", "A larger budget admits every allocation of a smaller one; no point is dominated.", _falls),
    _relation("refined", "Budgets in between leave the points of the others.", _loses_points),
    _relation(
        "unit",
        "Costs times a number, and utilities times another, move no allocation.",
        _depends_on_the_unit,
        _in_another_unit,
    ),
    _relation("free", "Where nothing costs anything the frontier is one point.", _not_one_point),
    _relation("check", "What is claimed of points follows from their allocations and bounds.", _has_errors),
    _relation(
        "oracle",
        "A point is the optimum of the instance with a regional budget, and no smaller budget has it.",
        _misses_the_optimum,
    ),
)

BY_VARIANT: dict[str, tuple[Relation, ...]] = {"frontier": FRONTIER}
"""By the variant that they are about."""
