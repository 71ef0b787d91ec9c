"""What every loop makes of bounds."""

from __future__ import annotations

import math

import pytest
from instances_for_tests import make, plain_tables

from splgbench import load, method
from splgbench.backends.base import Solution, SolverStatus
from splgbench.backends.highs import HighsBackend
from splgbench.campaign.run_files import parse_trace, trace_text
from splgbench.decomposition.loop import Loop, rounded_down
from splgbench.errors import InfeasibleError
from splgbench.limits import Limits
from splgbench.result import Status
from splgbench.trace import Recorder, Stop

# A must stand and needs B or C, none of which fits the area capacity beside it: presolve sees no clash.
CLASH = plain_tables(
    {("H", "A"): (5, 1), ("H", "B"): (5, 1), ("H", "C"): (5, 1)},
    {"A": 5, "B": 5, "C": 5},
    minimum={"A": 3, "B": 3, "C": 3},
    links=[("A", "one", "any", "B", "inhouse"), ("A", "one", "any", "C", "inhouse")],
    pairs={("H", "A"): 5},
    overrides=[("H", "A", "grant", None, "")],
)


def test_bounds_are_rounded_down_with_room_for_rounding() -> None:
    """A whole optimum that a solver misses by its tolerance stays allowed; more than that is cut off."""
    assert rounded_down(100 - 1e-7) == 100
    assert rounded_down(100 - 1e-5) == 99
    assert rounded_down(1e9 - 0.05) == 1e9
    assert rounded_down(0.0) == 0


def test_minus_infinity_says_infeasible() -> None:
    """It is no bound that could be stored."""
    loop = Loop(make(plain_tables({("H", "A"): (5, 2)}, {"A": 3}), "group"), Limits(), None, Recorder("t"), Stop())
    with pytest.raises(InfeasibleError):
        loop.bounded(-math.inf, "t")
    assert loop.bound is None


def test_events_and_traces_carry_the_iteration() -> None:
    """Each event says after how many iterations it came; a direct method has none, and its events carry none."""
    result = method("dantzig-wolfe-hospital").solve(load("easy"), Limits(iterations=70))
    told = [event.iteration for event in result.trace]
    assert told == sorted(told)  # type: ignore[type-var]
    assert max(number for number in told if number is not None) in range(2, 71)
    assert all(event.as_json()["iteration"] == event.iteration for event in result.trace)
    rows = trace_text(result.trace).splitlines()
    assert rows[0] == "time,primal,dual,source,iteration"
    assert [int(row.rsplit(",", 1)[1]) for row in rows[1:]] == told
    assert parse_trace("\n".join(rows)) == [
        (round(event.time, 6), event.primal, event.dual, event.source, event.iteration) for event in result.trace
    ]
    direct = method("strengthened@highs").solve(load("easy"))
    assert {event.iteration for event in direct.trace} == {None}


def test_a_solver_s_error_is_in_the_message(monkeypatch: pytest.MonkeyPatch) -> None:
    """What HiGHS says went wrong reaches the result of the decomposition it works for, once."""
    broken = Solution(SolverStatus.ERROR, message="out of luck")
    monkeypatch.setattr(HighsBackend, "solve_here", lambda *_, **__: broken)
    for name in ("auto", "dantzig-wolfe-hospital"):
        result = method(name).solve(load("easy"))
        assert result.message.count("highs: out of luck") == 1, name
        assert result.status is Status.NODE_LIMIT


@pytest.mark.parametrize("name", ["lagrangian-hospital", "dantzig-wolfe-hospital", "auto", "lns"])
def test_blocks_without_a_plan_are_an_infeasible_instance(name: str) -> None:
    """Overrides that only the pricing finds to clash; events hold numbers alone."""
    result = method(name).solve(make(CLASH, "both"))
    assert result.status is Status.INFEASIBLE, result.message
    assert result.clash
    assert all(event.dual is None or math.isfinite(event.dual) for event in result.trace)
