"""The frontier of benefit against cost, by epsilon-constraints (Haimes, Lasdon and Wismer 1971), each point proved.

With X the allocations of an instance, u their benefit and f their cost, both whole numbers, a point of budget e is
found in two stages, so that no other allocation is better in one and as good in the other (Mavrotas 2009):

    b* = max u x   with x in X, f x <= e
    c* = min f x   with x in X, u x >= b*

The budgets lie at equal distances between the least cost of any allocation and the least cost of the largest benefit,
the two ends included. A row over the costs breaks the network of the problem (docs/model.md, fact 1): volumes are
declared whole. No answer is believed: volumes are rounded, checked in whole numbers by `splgbench.check`, their benefit
and cost recomputed, and the solver's bounds held against them.
"""

from __future__ import annotations

import bisect
import math
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

import numpy as np

from splgbench.backends.base import Solution, SolverStatus, Start, Task
from splgbench.capabilities import Capability
from splgbench.checker import check
from splgbench.coupling import RowsBuilder, with_rows
from splgbench.errors import InfeasibleError, InputError, Problem, SplgbenchError, UnsupportedError
from splgbench.instance import Instance, IntArray
from splgbench.judging import judge_infeasible
from splgbench.limits import NO_LIMITS, Limits
from splgbench.methods import Direct, method
from splgbench.model import MipModel
from splgbench.offers import plain_offers
from splgbench.planning.tables import Columns, columns_of, sheet
from splgbench.presolve import without_unmet
from splgbench.result import Status, contradicts, rounded_dual
from splgbench.trace import Recorder, Stop
from splgbench.value.schemas import COSTS
from splgbench.volumes import largest_volumes

DEFAULT_METHOD = "strengthened@highs"
COLUMNS = ("point", "budget", "benefit", "benefit_bound", "cost", "cost_bound", "cases", "mandates", "status")
LARGEST_COST = 2**52
"""Sums of costs stay below this, so that solvers get them exactly."""


class PointStatus(StrEnum):
    """What is proved of a point."""

    PROVED = "proved"
    """Largest benefit within the budget, at the least cost of that benefit."""
    COST_OPEN = "cost open"
    """Largest benefit within the budget; it may be had for less."""
    OPEN = "open"
    """An allocation within the budget; there may be better ones."""
    NOTHING = "nothing"
    """Time ran out before there was an allocation, or the solver's overshot the budget within its tolerances."""


@dataclass(frozen=True)
class Point:
    """One point.

    Parameters
    ----------
    budget : cost that it must not exceed; None for the first, which has none.
    benefit, cost : checked; in utility units, and in those of the costs. None without an allocation.
    benefit_bound : no allocation within the budget has more; None where nothing is known.
    cost_bound : no allocation of this benefit costs less; None likewise.
    volumes : shape (K,), cases.
    """

    budget: int | None
    status: PointStatus
    benefit: int | None = None
    benefit_bound: int | None = None
    cost: int | None = None
    cost_bound: int | None = None
    volumes: IntArray | None = None


@dataclass(frozen=True)
class Frontier:
    """Points by budget, the smallest first.

    Parameters
    ----------
    solves : of a MIP; a point that fits the next smaller budget, too, is not looked for again.
    """

    points: tuple[Point, ...]
    solves: int

    @property
    def proved(self) -> bool:
        """Whether all points are."""
        return all(point.status is PointStatus.PROVED for point in self.points)

    def table(self) -> Columns:
        """One row a point, `COLUMNS`."""
        rows = []
        for number, point in enumerate(self.points, 1):
            volumes = point.volumes
            held = (None, None) if volumes is None else (int(volumes.sum()), int((volumes > 0).sum()))
            bounds = (point.benefit, point.benefit_bound, point.cost, point.cost_bound)
            rows.append((number, point.budget, *bounds, *held, str(point.status)))
        return columns_of(COLUMNS, rows)


def offer_costs(instance: Instance, costs: Any = None) -> IntArray:
    """Cost of a case at each offer, shape (K,).

    Parameters
    ----------
    costs : table of the schema `offer_costs`; None takes the column `cost` of the instance's offers.

    Raises
    ------
    InputError
        The table breaks its schema, an offer has no cost, or all cases together cost too much for exact arithmetic.
    """
    pairs = [instance.offer_name(k) for k in range(instance.n_offers)]
    if costs is None:
        cells = instance.notes.get("offers", {}).get("cost")
        if cells is None:
            raise InputError("must have a column cost, or costs must be given in a table of their own", "offers")
        known = dict(zip(pairs, map(_whole, cells), strict=True))
        file = "offers"
    else:
        table = sheet(COSTS, costs)
        known = {(hospital, group): cost for _, hospital, group, cost in table.rows("hospital", "group", "cost")}
        file = table.table.file
    missing = [pair for pair in pairs if known.get(pair) is None]
    if missing:
        rule = "must have a whole cost of at least 0 for every offer"
        raise InputError([Problem(file, None, "cost", rule, ", ".join(pair)) for pair in missing])
    found = np.array([known[pair] for pair in pairs], dtype=np.int64)
    if sum(a * b for a, b in zip(found.tolist(), largest_volumes(instance).tolist(), strict=True)) >= LARGEST_COST:
        raise InputError("all cases that could be treated must cost less than 2^52", file)
    return found


def _whole(cell: Any) -> int | None:
    """A cell of a column that packages keep as it is."""
    text = str(cell)
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 15 else None


def frontier(
    instance: Instance,
    costs: IntArray,
    points: int,
    name: str = DEFAULT_METHOD,
    limits: Limits = NO_LIMITS,
    on_point: Callable[[Point], None] | None = None,
    stop: Stop | None = None,
) -> Frontier:
    """The frontier at a number of budgets.

    Parameters
    ----------
    costs : shape (K,), whole; see `offer_costs`.
    points : how many, at least 2.
    name : a direct method, FORMULATION@BACKEND[:key=value,...].
    limits : the wall time is that of the whole frontier: each solve has an equal part of what is left.
    on_point : receives each point as it is found: the largest budget first.
    stop : ends the search when set; the points that are missing have the status "nothing".

    Raises
    ------
    InputError
        Fewer than two points.
    UnsupportedError
        The method is not a direct one, or cannot take the instance; an extension pays.
    InfeasibleError
        The overrides admit no allocation.
    SplgbenchError
        The solver failed, or its answer does not stand up to the exact check.
    """
    if points < 2:
        raise InputError(f"a frontier has at least 2 points, not {points}", "frontier")
    search = _Search(instance, costs, _direct(name, instance, limits), limits, 2 * points + 1, stop)
    found: list[Point] = []

    def keep(point: Point) -> Point:
        found.append(point)
        if on_point is not None:
            on_point(point)
        return point

    least = search.least_cost()
    above = keep(search.top())
    if least is None or above.cost is None:
        nothing = [Point(None, PointStatus.NOTHING)] * (points - 1)
        return Frontier((*nothing, *found), search.solves)
    most = above.cost
    for step in range(points - 2, -1, -1):
        budget = least + (most - least) * step // (points - 1)
        if above.status is PointStatus.PROVED and above.cost is not None and above.cost <= budget:
            search.left -= 2
            above = keep(replace(above, budget=budget))
        else:
            bound = above.benefit_bound
            found_here = search.point(budget)
            if bound is not None and (found_here.benefit_bound is None or found_here.benefit_bound > bound):
                found_here = replace(found_here, benefit_bound=bound)
            above = keep(found_here)
    return Frontier(tuple(_rising(reversed(found))), search.solves)


def _rising(points: Iterable[Point]) -> Iterator[Point]:
    """Points from the smallest budget on: one without proof takes the allocation of a smaller budget that is better."""
    best: Point | None = None
    for point in points:
        unproved = point.status in (PointStatus.OPEN, PointStatus.NOTHING)
        if best is not None and unproved and (point.benefit is None or point.benefit < (best.benefit or 0)):
            point = replace(point, status=PointStatus.OPEN, benefit=best.benefit, cost=best.cost, volumes=best.volumes)
        if point.benefit is not None:
            best = point
        yield point


def _direct(name: str, instance: Instance, limits: Limits) -> Direct:
    direct = method(name)
    if not isinstance(direct, Direct):
        raise UnsupportedError(f"{name} is no direct method: a frontier needs one, {DEFAULT_METHOD} for instance")
    if limits.memory is not None:
        raise UnsupportedError("a frontier is solved in one process, which has no memory limit of its own")
    if (reason := direct.reason_against(instance, limits)) is not None:
        raise UnsupportedError(reason)
    paying = [name for name, extension in instance.extensions.items() if extension.pays]
    if paying:
        raise UnsupportedError(
            f"a frontier holds the benefit of cases against their cost, and {paying[0]} pays besides"
        )
    return direct


class _Search:
    """The solves of one frontier, each with its part of the time.

    Parameters
    ----------
    left : solves that may still come.

    Attributes
    ----------
    known : the last volumes found, shape (K,). feasible : whether some allocation is known to exist.
    """

    def __init__(
        self, instance: Instance, costs: IntArray, direct: Direct, limits: Limits, left: int, stop: Stop | None
    ) -> None:
        self.instance, self.costs, self.direct, self.limits = instance, costs, direct, limits
        self.left, self.solves = left, 0
        self.stop = Stop() if stop is None else stop
        self.deadline = None if limits.wall_time is None else time.perf_counter() + limits.wall_time
        self.model = direct.build(instance).with_integer_volumes()
        there = np.flatnonzero(self.model.volume_column >= 0)
        self.cost_row = np.zeros(self.model.n_columns)
        self.cost_row[self.model.volume_column[there]] = costs[there]
        self.cost_unit = math.gcd(*costs[there].tolist()) or 1
        self.offers = plain_offers(instance)
        self.known: IntArray | None = None
        self.feasible = False

    def least_cost(self) -> int | None:
        """The least found of any allocation: 0, unless planners' decisions ask for cases; None without one."""
        if check(self.instance, np.zeros(self.instance.n_offers, dtype=np.int64)).feasible:
            self.feasible = True
            self.left -= 1
            return 0
        volumes = self._checked(self._solve(self._by_cost(self.model), None), None)
        return None if volumes is None else self._cost(volumes)

    def top(self) -> Point:
        """The point without a budget: its first stage is the instance as it is, which the method solves as always."""
        limits = self._share()
        if limits is None:
            self.left -= 1
            return Point(None, PointStatus.NOTHING)
        self.left, self.solves = self.left - 1, self.solves + 1
        result = self.direct.solve(self.instance, limits, stop=self.stop)
        if result.status is Status.INFEASIBLE:
            raise InfeasibleError(result.message)
        if result.status is Status.UNSUPPORTED:
            raise UnsupportedError(result.message)
        if result.status is Status.WRONG or (result.status is Status.ERROR and result.volumes is None):
            raise SplgbenchError(f"{self.direct.name} on {self.instance.name}: {result.message}")
        return self._point(None, result.volumes, result.dual)

    def point(self, budget: int) -> Point:
        """The point of a budget."""
        cost = self.costs // self.cost_unit
        model = self._with_row(self.model, cost, None, budget // self.cost_unit, f"cost within {budget}")
        known = self._within(budget)
        solution = self._solve(model, None if known is None else self._start(model, known))
        volumes = self._checked(solution, budget)
        if known is not None and (volumes is None or self._benefit(volumes) < self._benefit(known)):
            volumes = known
        bound = None
        if solution is not None:
            bound = self._bound(solution, 0 if volumes is None else self._benefit(volumes))
        return self._point(budget, volumes, bound)

    def _point(self, budget: int | None, volumes: IntArray | None, bound: float | None) -> Point:
        """A first stage that has ended: what is known of it, with the second stage where it is proved."""
        whole_bound = None if bound is None else int(bound)
        if volumes is None:
            self.left -= 1
            return Point(budget, PointStatus.NOTHING, benefit_bound=whole_bound)
        self.feasible, self.known = True, volumes
        benefit, cost = self._benefit(volumes), self._cost(volumes)
        point = Point(budget, PointStatus.OPEN, benefit, whole_bound, cost, None, volumes)
        if whole_bound is None or whole_bound > benefit:
            self.left -= 1
            return point
        return self._cheapest(replace(point, status=PointStatus.COST_OPEN))

    def _within(self, budget: int) -> IntArray | None:
        """The last allocation without the mandates of least benefit by cost, and what needs them, until it fits.

        None where that breaks a rule: some overrides and extensions forbid it.
        """
        known = self.known
        if known is None:
            return None
        held = np.flatnonzero((known > 0) & ~self.offers.granted)
        worth = self.instance.utility[held] / np.maximum(1, self.costs[held])
        order = held[np.argsort(worth, kind="stable")]

        def without(count: int) -> IntArray:
            left = known > 0
            left[order[:count]] = False
            kept: IntArray = np.where(without_unmet(self.offers.links, left), known, 0)
            return kept

        fewest = bisect.bisect_left(range(len(order) + 1), True, key=lambda count: self._cost(without(count)) <= budget)
        if fewest > len(order):
            return None
        volumes = without(fewest)
        return volumes if check(self.instance, volumes).feasible else None

    def _cheapest(self, point: Point) -> Point:
        """The second stage."""
        assert point.benefit is not None
        assert point.cost is not None
        assert point.volumes is not None
        unit = math.gcd(*self.instance.utility.tolist()) or 1
        least, worth = -(-point.benefit // unit), self.instance.utility // unit
        text = f"benefit of at least {point.benefit}"
        model = self._with_row(self._by_cost(self.model), worth, least, None, text)
        solution = self._solve(model, self._start(model, point.volumes))
        volumes = self._checked(solution, point.budget)
        if solution is None:
            return point
        if volumes is not None and self._benefit(volumes) >= point.benefit and self._cost(volumes) <= point.cost:
            point = replace(point, volumes=volumes, cost=self._cost(volumes))
        assert point.cost is not None
        bound = self._bound(solution, -point.cost // self.cost_unit)
        if bound is None:
            return point
        self.known = point.volumes
        status = PointStatus.PROVED if -int(bound) * self.cost_unit >= point.cost else PointStatus.COST_OPEN
        return replace(point, status=status, cost_bound=-int(bound) * self.cost_unit)

    def _with_row(self, model: MipModel, each: IntArray, lower: int | None, upper: int | None, text: str) -> MipModel:
        """The model with lower <= sum_k each_k x_k <= upper, written as rows of extensions are."""
        builder = RowsBuilder("frontier", self.instance.n_offers)
        builder.row(dict(enumerate(each.tolist())), lower, upper, text)
        return with_rows(model, builder.finished(), exact=self.direct.backend.name == "cpsat")

    def _by_cost(self, model: MipModel) -> MipModel:
        return replace(model, objective=-self.cost_row / self.cost_unit)

    def _start(self, model: MipModel, volumes: IntArray) -> Start | None:
        if Capability.START not in self.direct.backend.capabilities:
            return None
        return Start(*model.start_values(volumes))

    def _solve(self, model: MipModel, start: Start | None) -> Solution | None:
        """One solve; None where time is up before it begins."""
        limits = self._share()
        if limits is None:
            self.left -= 1
            return None
        backend = self.direct.backend
        if (reason := backend.reason_against(model, limits)) is not None:
            raise UnsupportedError(f"{backend.name}: {reason}")
        self.left, self.solves = self.left - 1, self.solves + 1
        solution = backend.solve(
            model, Task(limits, Recorder(self.direct.name), self.stop, start, self.direct.presolve)
        )
        if solution.status is SolverStatus.INFEASIBLE:
            raise self._infeasible()
        if solution.status is SolverStatus.ERROR:
            raise SplgbenchError(f"{self.direct.name} on {self.instance.name}: {solution.message}")
        return solution

    def _share(self) -> Limits | None:
        """The limits of the next solve; None where time is up or someone stopped it."""
        if self.stop:
            return None
        if self.deadline is None:
            return self.limits
        left = self.deadline - time.perf_counter()
        return replace(self.limits, wall_time=left / max(1, self.left)) if left > 0 else None

    def _infeasible(self) -> SplgbenchError:
        """What to raise: infeasibility is believed with a second proof, and never once an allocation is known."""
        if not self.feasible:
            judgement, _ = judge_infeasible(self.instance, "")
            if judgement.status is Status.INFEASIBLE:
                return InfeasibleError(judgement.message)
        return SplgbenchError(f"{self.direct.name} says infeasible, but an allocation exists")

    def _checked(self, solution: Solution | None, budget: int | None) -> IntArray | None:
        """The whole volumes of a solution, after the exact check; None without one that keeps to the budget."""
        if solution is None or solution.values is None:
            return None
        volumes = self.model.volumes(solution.values)
        verdict = check(self.instance, volumes)
        if not verdict.feasible:
            raise SplgbenchError(f"{self.direct.name}: the checker refuses its answer: {verdict.violations[0]}")
        self.feasible = True
        return volumes if budget is None or self._cost(volumes) <= budget else None

    def _bound(self, solution: Solution, primal: int) -> float | None:
        """The solver's upper bound on its objective, as a whole number, held against the checked value."""
        if solution.dual is not None and contradicts(solution.dual, primal):
            told = f"its bound {solution.dual:.6f} lies below the checked value {primal}"
            raise SplgbenchError(f"{self.direct.name}: {told}")
        return rounded_dual(solution.dual, primal)

    def _benefit(self, volumes: IntArray) -> int:
        return check(self.instance, volumes).objective

    def _cost(self, volumes: IntArray) -> int:
        return sum(a * b for a, b in zip(self.costs.tolist(), volumes.tolist(), strict=True))


def distinct(points: Sequence[Point]) -> list[Point]:
    """The points that differ in benefit or cost, the cheapest first."""
    found: dict[tuple[int, int], Point] = {}
    for point in points:
        if point.benefit is not None and point.cost is not None:
            found.setdefault((point.cost, point.benefit), point)
    return [found[key] for key in sorted(found)]
