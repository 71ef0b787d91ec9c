"""Decompositions as methods: exact answers, valid bounds at every stop, clear refusals."""

from __future__ import annotations

from dataclasses import replace
from importlib import import_module

import pytest
from instances_for_tests import make, plain_tables

from splgbench import load, method, solve
from splgbench.decomposition import pricing
from splgbench.errors import InputError, UnsupportedError
from splgbench.generator.generate import generate
from splgbench.generator.presets import load_preset
from splgbench.limits import Limits
from splgbench.result import Status
from splgbench.trace import Event

NAMES = (
    "lagrangian-hospital",
    "lagrangian-hospital:update=volume",
    "dantzig-wolfe-hospital",
    "lns",
    "lns:size=4",
    "auto",
)
EASY = load("easy")
OPTIMUM = 112_391_421


def test_the_optimum_of_easy() -> None:
    """The number the tests below lean on, proved by a direct method."""
    result = solve(EASY, "strengthened@highs")
    assert (result.status, result.primal) == ("optimal", OPTIMUM)


@pytest.mark.parametrize("name", NAMES)
def test_bounds_hold_after_every_iteration(name: str) -> None:
    """Stopped after any number of rounds, bound and allocation lie on their sides of the optimum."""
    for iterations in (0, 1, 2, 5, 17, 60):
        result = method(name).solve(EASY, Limits(iterations=iterations))
        assert result.status in (Status.NODE_LIMIT, Status.OPTIMAL), result.message
        assert result.dual is None or result.dual >= OPTIMUM
        assert result.primal is None or result.primal <= OPTIMUM
        assert result.counters["iterations"] <= max(iterations, 0)


@pytest.mark.parametrize("name", NAMES)
def test_events_tell_bounds_as_they_come(name: str) -> None:
    """Duals fall, primals rise, all on their side of the optimum; the last ones are the result's."""
    events: list[Event] = []
    result = method(name).solve(EASY, Limits(iterations=80), on_event=events.append)
    duals = [event.dual for event in events if event.dual is not None]
    primals = [event.primal for event in events if event.primal is not None]
    assert duals == sorted(duals, reverse=True)
    assert primals == sorted(primals)
    assert all(dual >= OPTIMUM - 0.5 for dual in duals)
    assert all(primal <= OPTIMUM for primal in primals)
    assert result.primal == primals[-1]


def test_auto_proves_the_easy_one() -> None:
    """The pipeline ends with the optimum."""
    result = method("auto").solve(EASY)
    assert (result.status, result.primal, result.dual) == ("optimal", OPTIMUM, OPTIMUM)


@pytest.mark.parametrize("many", [0, 10_000])
def test_auto_searches_where_much_is_open(many: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neighbourhoods come before the reduced model just if probing leaves more than `MANY`; both end with a proof."""
    pipeline = import_module("splgbench.decompositions.auto")
    monkeypatch.setattr(pipeline, "MANY", many)
    monkeypatch.setattr(pipeline, "SMALL", 0)
    result = method("auto").solve(EASY)
    assert (result.status, result.primal) == (Status.OPTIMAL, OPTIMUM)
    assert any(name.endswith("_solved") for name in result.counters) is (many == 0)


def test_auto_prices_once_where_cooperation_joins_hospitals(monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks of several hospitals are left to the whole model, which proves what `linked` proves."""
    monkeypatch.setattr(import_module("splgbench.decompositions.auto"), "SMALL", 0)
    joined = generate(replace(load_preset("easy"), cooperation_groups=5, cooperation_links=1))
    result = method("auto").solve(joined)
    assert (result.status, result.primal) == (Status.OPTIMAL, solve(joined, "linked@highs").primal)
    assert result.counters["pricing_rounds"] == 1


@pytest.mark.parametrize("name", ["dantzig-wolfe-hospital", "lns", "branch-and-price"])
def test_an_allocation_before_the_first_master(name: str) -> None:
    """Stopped in the warm-up, the method has what repair makes of the LP relaxation; after it, of the plans, too."""
    early, later = (method(name).solve(EASY, Limits(iterations=rounds)) for rounds in (1, 41))
    assert early.counters["iterations"] == 1
    assert 0 < (early.primal or 0) <= (later.primal or 0) <= OPTIMUM
    assert "repair" in {event.source for event in early.trace if event.primal is not None}


def test_bounds_order() -> None:
    """The converged Dantzig-Wolfe bound is no weaker than the LP of `strengthened` (fact 4)."""
    converged = method("dantzig-wolfe-hospital").solve(EASY)
    lp = method("strengthened@highs").lp_bound(EASY)  # type: ignore[attr-defined]
    assert converged.dual is not None
    assert OPTIMUM <= converged.dual <= lp + 1


@pytest.mark.parametrize("name", [*NAMES, "branch-and-price"])
def test_degenerate_instances(name: str) -> None:
    """No live offer, one hospital, zero demand, an area of 24 groups with a link into another."""
    many = [f"G{i:02}" for i in range(24)]
    wide = plain_tables(
        {("H", group): (3, 1 + i % 5) for i, group in enumerate(many)} | {("H", "Z"): (2, 1)},
        dict.fromkeys(many, 3) | {"Z": 2},
        areas={"Z": "other"},
        minimum=dict.fromkeys(many, 2),
        links=[("G04", "c", "all", "Z", "inhouse")],
        pairs={("H", "A"): 20},
    )
    result = method(name).solve(make(wide, "both"))
    assert (result.status, result.primal, result.dual) == ("optimal", 94, 94)
    cases = [
        (plain_tables({("H", "A"): (0, 1)}, {"A": 3}), 0),
        (plain_tables({("H", "A"): (5, 2)}, {"A": 0}), 0),
        (plain_tables({("H", "A"): (5, 2)}, {"A": 3}), 6),
        (plain_tables({}, {"A": 3}), 0),
    ]
    for tables, optimum in cases:
        result = method(name).solve(make(tables, "group"))
        assert (result.status, result.primal, result.dual) == ("optimal", optimum, optimum)


def test_refusals() -> None:
    """Limits and options that decompositions do not have, each with its reason."""
    subject = method("lagrangian-hospital")
    assert subject.reason_against(EASY, Limits(nodes=3)) == "lagrangian_hospital has no node limits"
    assert "permute" in subject.solve(EASY, permutation=1).message
    for name in ("lagrangian-hospital@scip", "lagrangian-hospital:update=luck", "auto@highs"):
        with pytest.raises(InputError):
            method(name)
    with pytest.raises(UnsupportedError, match="no backend named luck"):
        method("dantzig-wolfe-hospital@luck")


@pytest.mark.parametrize("name", ["dantzig-wolfe-hospital@scip", "lns@scip", "branch-and-price@scip"])
def test_the_mips_may_be_scip_s(name: str) -> None:
    """RENS and neighbourhoods on SCIP: the same bounds, allocations on their side of the optimum."""
    result = method(name).solve(EASY, Limits(iterations=60))
    assert result.status in (Status.NODE_LIMIT, Status.OPTIMAL), result.message
    assert result.versions["pyscipopt"]
    assert result.dual is not None
    assert result.dual >= OPTIMUM
    assert result.primal is not None
    assert 0.99 * OPTIMUM <= result.primal <= OPTIMUM


@pytest.mark.parametrize(
    ("name", "iterations"),
    [("lagrangian-hospital", 42), ("dantzig-wolfe-hospital", 42), ("lagrangian-area", 12), ("lns", 42)],
)
def test_threads_change_nothing(name: str, iterations: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks priced in two threads give the same bounds, allocations and counters as in one."""
    monkeypatch.setattr(pricing, "WORTH_THREADS", 0)
    one, two = (method(name).solve(EASY, Limits(iterations=iterations, threads=threads)) for threads in (1, 2))
    assert (one.primal, one.dual, one.counters) == (two.primal, two.dual, two.counters)
    assert [event.dual for event in one.trace] == [event.dual for event in two.trace]


@pytest.mark.parametrize("name", ["dantzig-wolfe-hospital", "lagrangian-area", "benders-area"])
def test_a_solve_with_more_threads_before_changes_nothing(name: str) -> None:
    """HiGHS refuses to run with another number of threads than the last solve left behind; nobody may trip over it."""
    subject = method(name)
    alone = subject.solve(EASY, Limits(iterations=5))
    method("linked@highs").solve(EASY, Limits(threads=2))
    after = subject.solve(EASY, Limits(iterations=5))
    assert (alone.primal, alone.dual, alone.counters) == (after.primal, after.dual, after.counters)
    assert after.dual is not None


def test_a_time_limit_keeps_the_best() -> None:
    """Ended by the clock, the answer has a bound or says why not."""
    result = method("dantzig-wolfe-hospital").solve(load("hard-h1"), Limits(wall_time=0.001))
    assert result.status == "time-out"
