"""The frontier: every point against enumeration, partial results that say so, answers that do not stand up refused."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from instances_for_tests import random_instance

from splgbench import registry
from splgbench.allocation import read_allocation
from splgbench.backends.base import Solution, SolverStatus, Task
from splgbench.checker import check
from splgbench.cli import main
from splgbench.errors import InfeasibleError, InputError, SplgbenchError, UnsupportedError
from splgbench.instance import Instance, IntArray
from splgbench.library import load
from splgbench.limits import Limits
from splgbench.model import MipModel
from splgbench.trace import Stop
from splgbench.transform import from_tables
from splgbench.value.frontier import Point, PointStatus, distinct, frontier, offer_costs
from splgbench.value.frontier_check import dominated, frontier_errors
from splgbench.volumes import largest_volumes, thresholds

TABLES = "docs/examples/value"


COSTS = np.array([2, 7], dtype=np.int64)
"""Of Cheap and Dear."""


def two_hospitals() -> Instance:
    """Ten cases; the dear hospital is worth 5 a case, the cheap one 3, and each has room for 6."""
    return Instance.from_tables(
        hospitals=["Cheap", "Dear"],
        groups={"group": ["G"], "area": ["A"]},
        demand={"group": ["G"], "cases": [10]},
        offers={"hospital": ["Dear", "Cheap"], "group": ["G", "G"], "capacity": [6, 6], "utility": [5, 3]},
        name="two-hospitals",
    )


def costs_of(instance: Instance, seed: int) -> IntArray:
    """Drawn costs, one of them 0 where there are several."""
    return np.random.Generator(np.random.PCG64(seed)).integers(0, 12, instance.n_offers) * 3


def enumerated(instance: Instance, costs: IntArray) -> set[tuple[int, int]]:
    """Benefit and cost of every allocation."""
    lowest, highest = thresholds(instance).tolist(), largest_volumes(instance).tolist()
    choices = [[0, *range(low, high + 1)] for low, high in zip(lowest, highest, strict=True)]
    found = set()
    for volumes in itertools.product(*choices):
        verdict = check(instance, np.array(volumes, dtype=np.int64))
        if verdict.feasible:
            found.add((verdict.objective, sum(a * b for a, b in zip(costs.tolist(), volumes, strict=True))))
    return found


def expected(outcomes: set[tuple[int, int]], budget: int | None) -> tuple[int, int]:
    """Largest benefit within a budget, and its least cost."""
    within = [(benefit, cost) for benefit, cost in outcomes if budget is None or cost <= budget]
    best = max(benefit for benefit, _ in within)
    return best, min(cost for benefit, cost in within if benefit == best)


@cache
def small() -> list[tuple[Instance, IntArray, set[tuple[int, int]]]]:
    """Random instances of all capacity modes with links and overrides that can be enumerated."""
    found = []
    for seed in range(40):
        instance, _ = random_instance(seed, hospitals=3, groups=2, most=4, eligibility=0.8, gentle=seed % 2 == 0)
        size = np.prod([float(max(1, high)) + 1 for high in largest_volumes(instance)])
        if instance.n_offers > 1 and size <= 4_000:
            costs = costs_of(instance, seed)
            found.append((instance, costs, enumerated(instance, costs)))
    return found


@pytest.mark.parametrize("name", ["strengthened@highs", "linked@cpsat"])
def test_points_are_those_of_enumeration(name: str) -> None:
    """At every budget the largest benefit and its least cost, both proved; budgets evenly spread, ends included."""
    with_floor, several, infeasible = 0, 0, 0
    for instance, costs, outcomes in small():
        if not outcomes:
            infeasible += 1
            with pytest.raises(InfeasibleError):
                frontier(instance, costs, 4, name)
            continue
        found = frontier(instance, costs, 4, name)
        least, most = min(cost for _, cost in outcomes), expected(outcomes, None)[1]
        budgets = [point.budget for point in found.points]
        assert budgets == [*(least + (most - least) * step // 3 for step in range(3)), None]
        for point in found.points:
            assert (point.benefit, point.cost) == expected(outcomes, point.budget), (instance.name, point)
            assert (point.benefit_bound, point.cost_bound) == (point.benefit, point.cost)
            assert point.volumes is not None
            assert check(instance, point.volumes).objective == point.benefit
        assert found.proved
        assert frontier_errors(instance, costs, found) == []
        assert dominated(found.points) == []
        for point in distinct(found.points):
            assert point.benefit is not None
            assert point.cost is not None
            others = outcomes - {(point.benefit, point.cost)}
            assert not any(benefit >= point.benefit and cost <= point.cost for benefit, cost in others)
        with_floor += least > 0
        several += len(distinct(found.points)) >= 3
    assert with_floor >= 2
    assert several >= 5
    assert infeasible >= 1


def test_a_frontier_by_hand() -> None:
    """No limit: four cheap cases and six dear ones are worth 42 and cost 50; half of that is 25.

    Within 25, 7 dear + 2 cheap: one dear case leaves room for six cheap ones (23), two for five (25, at 24), three for
    two (21).
    """
    found = frontier(two_hospitals(), COSTS, 3)
    assert [(point.budget, point.benefit, point.cost) for point in found.points] == [
        (0, 0, 0),
        (25, 25, 24),
        (None, 42, 50),
    ]


def test_the_check_notices_what_cannot_be() -> None:
    """Each point of the frontier by hand moved at one place, and what it says of the others."""
    instance = two_hospitals()
    right = frontier(instance, COSTS, 3)
    assert frontier_errors(instance, COSTS, right) == []
    first, middle, last = right.points

    def told(*points: Point) -> str:
        return "; ".join(frontier_errors(instance, COSTS, replace(right, points=points)))

    assert middle.volumes is not None
    cases: list[tuple[dict[str, Any], str]] = [
        ({"benefit": 26, "benefit_bound": 26}, "its benefit is 25, not 26"),
        ({"cost": 23, "cost_bound": 23}, "its cost is 24, not 23"),
        ({"budget": 23}, "its cost of 24 exceeds the budget of 23"),
        ({"benefit_bound": 24}, "a bound contradicts its own allocation"),
        ({"benefit_bound": 27}, "is proved with a benefit of 25 and a bound of 27"),
        ({"cost_bound": 20}, "is proved with a cost of 24 and a bound of 20"),
        ({"volumes": 9 * middle.volumes}, "its allocation breaks a rule"),
        ({"status": PointStatus.NOTHING}, "has an allocation, but says nothing"),
        ({"benefit": None, "cost": None, "volumes": None}, "is proved without an allocation"),
        ({"budget": None}, "only the last point may be without a budget"),
    ]
    for change, text in cases:
        assert text in told(first, replace(middle, **change), last)
    assert "the budgets do not rise" in told(middle, first, last)
    nothing = Point(25, PointStatus.NOTHING)
    assert "the budget 25 has nothing, though cost 0 fits" in told(first, nothing, last)
    low = replace(middle, status=PointStatus.OPEN, budget=30, benefit=0, cost=0, volumes=0 * middle.volumes)
    assert "refutes the bound 20 of the budget 30" in told(first, middle, replace(low, benefit_bound=20), last)
    assert "fits the budget 30, which has 0" in told(first, middle, replace(low, benefit_bound=30), last)
    dear = replace(last, cost_bound=60)
    assert "refutes the cost bound 60 of the point without a budget" in told(first, middle, last, dear)
    assert dominated([first, middle, replace(middle, cost=25)]) == [replace(middle, cost=25)]


def test_extensions_hold_at_every_point() -> None:
    """With a regional budget of 24 besides, five cheap cases and two dear ones are all that can be had."""
    entry = {
        "group_costs": [{"group": "G", "cents": 2}],
        "offer_costs": [{"hospital": "Dear", "group": "G", "cents": 7}],
        "budgets": [{"cents": 24}],
    }
    instance = from_tables(two_hospitals(), two_hospitals().to_tables(), extensions={"regional_budget": entry})
    found = frontier(instance, COSTS, 2)
    assert [(point.benefit, point.cost) for point in found.points] == [(0, 0), (25, 24)]
    assert found.proved


def test_a_point_that_fits_the_next_budget_is_not_looked_for_again() -> None:
    """Costs of 0: one point at every budget, by the two solves of the first."""
    instance = two_hospitals()
    found = frontier(instance, np.zeros(instance.n_offers, dtype=np.int64), 5)
    assert found.solves == 2
    assert len(found.points) == 5
    assert len(distinct(found.points)) == 1


def test_out_of_time_is_told() -> None:
    """Nothing solved in no time; where a stop comes after the first point, the others are what is left of it."""
    instance = load("us-miami-2011")
    costs = costs_of(instance, 1)
    hurried = frontier(instance, costs, 3, limits=Limits(wall_time=1e-9))
    assert [point.status for point in hurried.points] == [PointStatus.NOTHING] * 3
    assert not hurried.proved
    instance = two_hospitals()
    stop = Stop()
    stopped = frontier(instance, COSTS, 3, on_point=lambda _: stop.set(), stop=stop)
    # Smaller budgets have what is left of the larger one's allocation (its four cheap cases), and its bound.
    assert stopped.table()["status"] == ["open", "open", "proved"]
    assert stopped.solves == 2
    assert [(point.benefit, point.cost, point.benefit_bound) for point in stopped.points] == [
        (0, 0, 42),
        (12, 8, 42),
        (42, 50, 42),
    ]


class _Altered:
    """HiGHS with answers that another function changes, by the number of the solve from 1."""

    def __init__(self, inner: Any, change: Any) -> None:
        self.inner, self.change, self.count = inner, change, 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    def solve(self, model: MipModel, task: Task) -> Solution:
        self.count += 1
        changed: Solution = self.change(self.inner.solve(model, task), self.count)
        return changed


def _altered(monkeypatch: pytest.MonkeyPatch, change: Any) -> list[Point]:
    instance = two_hospitals()
    costs = COSTS
    assert len(distinct(frontier(instance, costs, 3).points)) == 3
    find, highs = registry.find, registry.find("backends", "highs")
    monkeypatch.setattr(
        registry, "find", lambda kind, name: _Altered(highs, change) if kind == "backends" else find(kind, name)
    )
    return list(frontier(instance, costs, 3).points)


def test_answers_that_do_not_stand_up_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Volumes against the rules, bounds below what is possible in either stage, and a solver that fails."""

    def doubled(solution: Solution, _: int) -> Solution:
        return replace(solution, values=None if solution.values is None else 9 * solution.values)

    def low(stage: int) -> Any:
        def change(solution: Solution, count: int) -> Solution:
            return replace(solution, dual=(solution.dual or 0) - 2) if count == stage else solution

        return change

    with pytest.raises(SplgbenchError, match="the checker refuses its answer"):
        _altered(monkeypatch, doubled)
    monkeypatch.undo()
    for stage in (1, 2):
        with pytest.raises(SplgbenchError, match="lies below the checked value"):
            _altered(monkeypatch, low(stage))
        monkeypatch.undo()
    with pytest.raises(SplgbenchError, match="says infeasible, but an allocation exists"):
        _altered(monkeypatch, lambda *_: Solution(SolverStatus.INFEASIBLE))
    monkeypatch.undo()

    def infeasible_later(solution: Solution, count: int) -> Solution:
        return Solution(SolverStatus.INFEASIBLE) if count == 3 else solution

    with pytest.raises(SplgbenchError, match="strengthened@highs says infeasible, but an allocation exists"):
        _altered(monkeypatch, infeasible_later)
    monkeypatch.undo()
    with pytest.raises(SplgbenchError, match="strengthened@highs on two-hospitals: lost"):
        _altered(monkeypatch, lambda *_: Solution(SolverStatus.ERROR, message="lost"))


def test_what_is_not_proved_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """A first stage without proof is open and has no second; a second without one leaves the cost open."""

    def loose(stage: int) -> Any:
        def change(solution: Solution, count: int) -> Solution:
            return replace(solution, dual=(solution.dual or 0) + 5) if count == stage else solution

        return change

    top = _altered(monkeypatch, loose(1))[-1]
    monkeypatch.undo()
    assert top.status is PointStatus.OPEN
    assert (top.benefit_bound, top.cost_bound) == ((top.benefit or 0) + 5, None)
    top = _altered(monkeypatch, loose(2))[-1]
    assert top.status is PointStatus.COST_OPEN
    assert top.benefit_bound == top.benefit
    assert (top.cost_bound or 0) < (top.cost or 0)


def test_open_points_keep_every_rule() -> None:
    """Where solves after the first point find nothing, what is left of its allocation is feasible and in its budget."""
    found = 0
    for instance, costs, outcomes in small():
        stop = Stop()
        if not outcomes:
            continue
        points = frontier(instance, costs, 4, on_point=lambda _, stop=stop: stop.set(), stop=stop).points
        for point in points[:-1]:
            assert point.status is not PointStatus.COST_OPEN
            if point.volumes is not None and point.status is PointStatus.OPEN:
                assert check(instance, point.volumes).feasible
                assert point.budget is not None
                assert (point.benefit, point.cost) in outcomes
                assert (point.cost or 0) <= point.budget
                best, _ = expected(outcomes, point.budget)
                assert (point.benefit or 0) <= best <= (point.benefit_bound or 0)
                found += 1
    assert found >= 10


def test_costs_are_the_column_or_a_table_of_their_own() -> None:
    """Missing, broken and too large ones are refused with file, column and rule."""
    instance = two_hospitals()
    tables = instance.to_tables()
    pairs = {key: tables["offers"][key] for key in ("hospital", "group")}
    with pytest.raises(InputError, match="offers: must have a column cost"):
        offer_costs(instance)
    n = instance.n_offers
    tables["offers"]["cost"] = [str(k) for k in range(n)]
    assert offer_costs(Instance.from_tables(**tables)).tolist() == list(range(n))
    assert offer_costs(instance, {**pairs, "cost": list(range(n))}).tolist() == list(range(n))
    tables["offers"]["cost"][1] = "cheap"
    with pytest.raises(InputError, match=r"offers, column cost: must have a whole cost of at least 0 for every offer"):
        offer_costs(Instance.from_tables(**tables))
    with pytest.raises(InputError, match=r"offer_costs, column cost: must have a whole cost .*Cheap, G"):
        offer_costs(instance, {key: cells[1:] for key, cells in {**pairs, "cost": [1] * n}.items()})
    with pytest.raises(InputError, match=r"offer_costs, row 1, column cost: must be at least 0"):
        offer_costs(instance, {**pairs, "cost": [-1] * n})
    huge = replace_demand(instance, 10**9)
    with pytest.raises(InputError, match=r"must cost less than 2\^52"):
        offer_costs(huge, {**pairs, "cost": [10**9] * n})


def replace_demand(instance: Instance, cases: int) -> Instance:
    """The instance with room and need for that many cases in every cell."""
    tables = instance.to_tables()
    tables["demand"]["cases"] = [cases] * len(tables["demand"]["cases"])
    tables["offers"]["capacity"] = [cases] * instance.n_offers
    return Instance.from_tables(**tables)


def test_what_cannot_be_asked_is_refused() -> None:
    """One point, a decomposition, a solver that is not there."""
    instance = two_hospitals()
    costs = COSTS
    with pytest.raises(InputError, match="at least 2 points, not 1"):
        frontier(instance, costs, 1)
    with pytest.raises(UnsupportedError, match="auto is no direct method"):
        frontier(instance, costs, 3, "auto")
    with pytest.raises(UnsupportedError, match="no memory limit of its own"):
        frontier(instance, costs, 3, limits=Limits(memory=1_000))
    with pytest.raises(UnsupportedError, match="has no"):
        frontier(instance, costs, 3, "indicator@scipy_milp")


def test_the_command_writes_points_figure_and_allocations(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What the page types and prints; the allocations are checked ones of the points."""
    plain, package, out = (str(tmp_path / name) for name in ("plain", "by-outcomes", "frontier"))
    assert main(["import", "docs/examples/import/three-valleys.toml", "-o", plain]) == 0
    assert main(["value", plain, TABLES, "--objective", "outcomes", "-o", package]) == 0
    assert main(["frontier", package, "--points", "3", "-o", out]) == 0
    assert "budget no limit: proved" in capsys.readouterr().out
    assert main(["frontier", package, "--points", "9", "-o", out, "--json"]) == 0
    assert {path.name for path in Path(out).iterdir()} == {
        "frontier.csv",
        "frontier.svg",
        "frontier.pdf",
        "allocations",
    }
    told = json.loads(capsys.readouterr().out)
    assert told["proved"]
    page = Path("docs/value.md").read_text("utf-8")
    names = ("budget", "benefit", "cost", "cases", "mandates")
    for row in zip(*(told["points"][name] for name in names), strict=True):
        if row[0] is not None:
            assert f"| {' | '.join(f'{cell:,d}' for cell in row)} |" in page
    instance = load(package)
    for number, (benefit, cost) in enumerate(zip(told["points"]["benefit"], told["points"]["cost"], strict=True), 1):
        allocation = read_allocation(f"{out}/allocations/{number:03d}.csv", instance)
        verdict = check(instance, allocation)
        assert verdict.feasible
        assert verdict.objective == benefit
        assert (
            sum(offer_costs(instance)[instance.offer_index[pair]] * x for pair, x in allocation.cases.items()) == cost
        )
