"""A frontier held against its instance, in whole numbers: allocations by the checker, points against each other.

A bound of one point is a bound of others, so that a wrong one shows: no allocation within a budget has more benefit
than the bound of that budget or a larger one, and none with as much benefit costs less than the bound of that cost.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from splgbench.checker import check
from splgbench.instance import Instance, IntArray
from splgbench.value.frontier import Frontier, Point, PointStatus


def frontier_errors(instance: Instance, costs: IntArray, found: Frontier) -> list[str]:
    """What a frontier has that cannot be, a sentence each; nothing where its points stand up.

    Parameters
    ----------
    costs : shape (K,), whole.
    """
    points = found.points
    problems = [
        f"point {number}: {text}" for number, point in enumerate(points, 1) for text in _of(instance, costs, point)
    ]
    budgets = [point.budget for point in points]
    if None in budgets[:-1] and any(budget is not None for budget in budgets):
        problems.append("only the last point may be without a budget")
    stated = [budget for budget in budgets if budget is not None]
    if stated != sorted(stated):
        problems.append("the budgets do not rise")
    return problems + [text for one in points for other in points for text in _between(one, other)]


def _of(instance: Instance, costs: IntArray, point: Point) -> Iterator[str]:
    """A point by itself."""
    if point.volumes is None or point.benefit is None or point.cost is None:
        if point.status is not PointStatus.NOTHING:
            yield f"is {point.status} without an allocation"
        return
    if point.status is PointStatus.NOTHING:
        yield "has an allocation, but says nothing"
    verdict = check(instance, point.volumes)
    if not verdict.feasible:
        yield f"its allocation breaks a rule: {verdict.violations[0]}"
    elif verdict.objective != point.benefit:
        yield f"its benefit is {verdict.objective}, not {point.benefit}"
    spent = sum(f * int(x) for f, x in zip(costs.tolist(), point.volumes, strict=True))
    if spent != point.cost:
        yield f"its cost is {spent}, not {point.cost}"
    if point.budget is not None and spent > point.budget:
        yield f"its cost of {spent} exceeds the budget of {point.budget}"
    most, least = point.benefit_bound, point.cost_bound
    if (most is not None and most < point.benefit) or (least is not None and least > point.cost):
        yield "a bound contradicts its own allocation"
    if point.status in (PointStatus.PROVED, PointStatus.COST_OPEN) and most != point.benefit:
        yield f"is {point.status} with a benefit of {point.benefit} and a bound of {most}"
    if point.status is PointStatus.PROVED and least != point.cost:
        yield f"is proved with a cost of {point.cost} and a bound of {least}"


def _between(one: Point, other: Point) -> Iterator[str]:
    """What the allocation of a point says of another point."""
    if one.benefit is None or one.cost is None:
        return
    fits = other.budget is None or one.cost <= other.budget
    if fits and other.benefit_bound is not None and one.benefit > other.benefit_bound:
        yield f"benefit {one.benefit} at cost {one.cost} refutes the bound {other.benefit_bound} of {_named(other)}"
    if fits and other.benefit is None:
        yield f"{_named(other)} has nothing, though cost {one.cost} fits"
    if other.benefit is None or other.cost is None or one is other:
        return
    if other.cost_bound is not None and one.benefit >= other.benefit and one.cost < other.cost_bound:
        yield f"benefit {one.benefit} at cost {one.cost} refutes the cost bound {other.cost_bound} of {_named(other)}"
    if fits and one.benefit > other.benefit:
        yield f"benefit {one.benefit} at cost {one.cost} fits {_named(other)}, which has {other.benefit}"


def _named(point: Point) -> str:
    return "the point without a budget" if point.budget is None else f"the budget {point.budget}"


def dominated(points: Sequence[Point]) -> list[Point]:
    """The points whose benefit another one has at less cost, or more of it at no more cost."""
    known = [(point.benefit, point.cost) for point in points if point.benefit is not None and point.cost is not None]
    return [
        point
        for point in points
        if point.benefit is not None
        and point.cost is not None
        and any(
            (benefit >= point.benefit and cost < point.cost) or (benefit > point.benefit and cost <= point.cost)
            for benefit, cost in known
        )
    ]
