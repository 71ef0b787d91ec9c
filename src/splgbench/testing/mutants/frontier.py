"""Wrong frontiers: that of `splgbench.value.frontier`, astray at one place."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction

import numpy as np

from splgbench.instance import Instance, IntArray
from splgbench.testing.mutants.base import Mutant
from splgbench.testing.oracles import by_search
from splgbench.testing.relations.frontier import Frontiers, within
from splgbench.value.frontier import Frontier, Point, PointStatus, distinct, frontier


def _claimed(instance: Instance, costs: IntArray, budget: int | None, cases: Mapping[tuple[str, str], int]) -> Point:
    """A point that claims to be proved."""
    volumes = np.array([cases.get(instance.offer_name(k), 0) for k in range(instance.n_offers)], dtype=np.int64)
    benefit, cost = int(volumes @ instance.utility), int(volumes @ costs)
    return Point(budget, PointStatus.PROVED, benefit, benefit, cost, cost, volumes)


def _moved(right: Frontier, points: Sequence[Point]) -> Frontier:
    return replace(right, points=tuple(points))


def costs_of_the_next(instance: Instance, costs: IntArray, points: int) -> Frontier:
    """An offer costs what the next one does."""
    return frontier(instance, np.roll(costs, 1), points)


def costs_of_mandates(instance: Instance, costs: IntArray, points: int) -> Frontier:
    """A mandate costs what a case does, however many there are."""
    right = frontier(instance, costs, points)
    once = [
        point
        if point.volumes is None
        else replace(point, cost=(spent := int(costs @ (point.volumes > 0))), cost_bound=spent)
        for point in right.points
    ]
    return _moved(right, once)


def one_stage(instance: Instance, costs: IntArray, points: int) -> Frontier:
    """Any allocation with the most benefit: the second stage is left out."""
    right = frontier(instance, costs, points)
    found = []
    for point in right.points:
        best = by_search(instance if point.budget is None else within(instance, costs, point.budget))
        found.append(_claimed(instance, costs, point.budget, best.cases or {}))
    return _moved(right, found)


def less_than_the_budget(instance: Instance, costs: IntArray, points: int) -> Frontier:
    """A budget must not be spent to the last unit: < read for <=."""
    right = frontier(instance, costs, points)
    found = [right.points[-1]]
    for point in right.points[-2::-1]:
        best = by_search(within(instance, costs, max(0, (point.budget or 0) - 1)))
        found.append(point if best.cases is None else _claimed(instance, costs, point.budget, best.cases))
    return _moved(right, found[::-1])


def rounded_up(instance: Instance, costs: IntArray, points: int) -> Frontier:
    """A budget is rounded up to a multiple of the costs' common divisor."""
    right = frontier(instance, costs, points)
    unit = math.gcd(*costs.tolist()) or 1
    found = []
    for point in right.points:
        budget = None if point.budget is None else (point.budget // unit + 1) * unit
        cases = {} if budget is None else by_search(within(instance, costs, budget)).cases
        found.append(point if budget is None or cases is None else _claimed(instance, costs, point.budget, cases))
    return _moved(right, found)


def in_the_common_unit(instance: Instance, costs: IntArray, points: int) -> Frontier:
    """Costs are divided by their common divisor, which is 0 where nothing costs anything."""
    unit = math.gcd(*costs.tolist())
    right = frontier(instance, np.array([cost // unit for cost in costs.tolist()], dtype=np.int64), points)
    return _moved(right, [_times(point, unit) for point in right.points])


def _times(point: Point, unit: int) -> Point:
    budget, cost, bound = (
        None if each is None else unit * each for each in (point.budget, point.cost, point.cost_bound)
    )
    return replace(point, budget=budget, cost=cost, cost_bound=bound)


def supported_only(instance: Instance, costs: IntArray, points: int) -> Frontier:
    """Points that weighted sums of benefit and cost find: those in the dents between them are missed."""
    right = frontier(instance, costs, points)
    hull: list[Point] = []
    for point in distinct(right.points):
        while len(hull) > 1 and _slope(hull[-2], hull[-1]) <= _slope(hull[-1], point):
            hull.pop()
        hull.append(point)
    found = []
    for point in right.points:
        fits = [other for other in hull if point.budget is None or (other.cost or 0) <= point.budget]
        found.append(replace(fits[-1], budget=point.budget) if fits else point)
    return _moved(right, found)


def _slope(one: Point, other: Point) -> Fraction:
    return Fraction((other.benefit or 0) - (one.benefit or 0), max(1, (other.cost or 0) - (one.cost or 0)))


def from_nothing(instance: Instance, costs: IntArray, points: int) -> Frontier:
    """The first budget is 0, whatever planners' decisions cost."""
    right = frontier(instance, costs, points)
    return _moved(right, [replace(right.points[0], budget=0), *right.points[1:]])


def bound_of_the_smaller(instance: Instance, costs: IntArray, points: int) -> Frontier:
    """Bounds stand one point too high in the table."""
    right = frontier(instance, costs, points)
    bounds = [right.points[0].benefit_bound, *(point.benefit_bound for point in right.points)]
    return _moved(
        right, [replace(point, benefit_bound=bound) for point, bound in zip(right.points, bounds, strict=False)]
    )


def _frontier(name: str, what_is_wrong: str, wrong: Frontiers) -> Mutant:
    return Mutant(name, "frontier", what_is_wrong, lambda: wrong)


FRONTIER_MUTANTS = (
    _frontier("frontier-next-costs", "an offer costs what the next one does", costs_of_the_next),
    _frontier("frontier-mandates", "a mandate costs what a case does", costs_of_mandates),
    _frontier("frontier-one-stage", "the second stage is left out", one_stage),
    _frontier("frontier-strict", "a budget must not be spent to the last unit", less_than_the_budget),
    _frontier("frontier-rounded-up", "a budget is rounded up to a multiple of the costs' divisor", rounded_up),
    _frontier("frontier-divides-by-0", "divides costs by their divisor even if it is 0", in_the_common_unit),
    _frontier("frontier-supported", "finds what weighted sums find", supported_only),
    _frontier("frontier-from-0", "the first budget is 0, whatever decisions cost", from_nothing),
    _frontier("frontier-bounds-late", "a bound is that of the point before", bound_of_the_smaller),
)

BY_VARIANT: Mapping[str, tuple[Mutant, ...]] = {"frontier": FRONTIER_MUTANTS}
"""By the variant that they are wrong of."""
