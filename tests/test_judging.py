"""From a claim to a verdict: statuses, bounds and gaps follow one formula, and no claim is believed."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest
from instances_for_tests import make, plain_tables

from splgbench import judging
from splgbench.checker import check
from splgbench.errors import SplgbenchError, UnsupportedError
from splgbench.judging import judge
from splgbench.limits import NO_LIMITS, Limits
from splgbench.polish import Polished
from splgbench.result import Result, Status, contradicts, relative_gap, rounded_dual

# Offers A (utility 3, U 5) and B (utility 2, U 4) in one cell of 7: the optimum is 19, A alone is worth 15.
INSTANCE = make(plain_tables({("A", "G"): (5, 3), ("B", "G"): (4, 2)}, {"G": 7}, minimum={"G": 2}))
BOTH, FIRST, NONE = np.array([True, True]), np.array([True, False]), np.array([False, False])


@pytest.mark.parametrize(
    ("ended", "mandates", "dual", "gap", "expected"),
    [
        (Status.OPTIMAL, BOTH, 19.0, 0, (Status.OPTIMAL, 19, 19)),
        (Status.OPTIMAL, BOTH, 19.9, 0, (Status.OPTIMAL, 19, 19)),
        (Status.TIME_OUT, BOTH, 19.9, 0, (Status.OPTIMAL, 19, 19)),
        (Status.OPTIMAL, BOTH, 19.0000000001, 0, (Status.OPTIMAL, 19, 19)),
        (Status.OPTIMAL, BOTH, 18.6, 0, (Status.OPTIMAL, 19, 19)),
        (Status.OPTIMAL, BOTH, 18.4, 0, (Status.WRONG, 19, 18.4)),
        (Status.OPTIMAL, FIRST, 19.0, 0, (Status.ERROR, 15, 19)),
        (Status.TIME_OUT, FIRST, 19.0, 0, (Status.TIME_OUT, 15, 19)),
        (Status.TIME_OUT, FIRST, 19.0, 0.3, (Status.GAP_CLOSED, 15, 19)),
        (Status.NODE_LIMIT, FIRST, 19.0, 0.1, (Status.NODE_LIMIT, 15, 19)),
        (Status.TIME_OUT, None, 19.0, 0, (Status.TIME_OUT, None, 19)),
        (Status.TIME_OUT, None, None, 0, (Status.TIME_OUT, None, None)),
        (Status.TIME_OUT, BOTH, None, 0, (Status.TIME_OUT, 19, None)),
        (Status.INTERRUPTED, BOTH, math.inf, 0, (Status.INTERRUPTED, 19, None)),
        (Status.OPTIMAL, None, 19.0, 0, (Status.ERROR, None, 19)),
        (Status.OPTIMAL, NONE, 0.0, 0, (Status.OPTIMAL, 0, 0)),
        (Status.OPTIMAL, NONE, -1.0, 0, (Status.WRONG, 0, -1)),
        (Status.ERROR, BOTH, 25.0, 0, (Status.ERROR, 19, 25)),
    ],
)
def test_statuses(ended: Status, mandates: Any, dual: float | None, gap: float, expected: tuple[Any, ...]) -> None:
    """`optimal` needs dual < checked primal + 1; a bound below the checked value is `wrong`; else it is as it ended."""
    found = judge(INSTANCE, Limits(gap=gap), ended, mandates, dual)
    assert (found.status, found.primal, found.dual) == expected
    if found.volumes is not None:
        assert check(INSTANCE, found.volumes).objective == found.primal


def test_mandates_that_admit_nothing_are_wrong() -> None:
    """Mandates without an allocation make the answer wrong, with the reason."""
    instance = make(plain_tables({("A", "G"): (5, 3), ("B", "G"): (4, 2)}, {"G": 7}, minimum={"G": 4}))
    found = judge(instance, NO_LIMITS, Status.OPTIMAL, BOTH, 19.0)
    assert (found.status, found.primal, found.volumes) == (Status.WRONG, None, None)
    assert found.message == "its mandates are not feasible: demand: G: 8 cases given, 7 needed"


def test_a_better_start_is_kept() -> None:
    """A start that is feasible and better than what was found is the answer; a broken one is not."""
    start = np.array([5, 2])
    found = judge(INSTANCE, NO_LIMITS, Status.TIME_OUT, FIRST, 21.0, start)
    assert (found.status, found.primal, found.message) == (
        Status.TIME_OUT,
        19,
        "the start is better than what the method found",
    )
    assert judge(INSTANCE, NO_LIMITS, Status.TIME_OUT, None, None, start).primal == 19
    assert judge(INSTANCE, NO_LIMITS, Status.OPTIMAL, FIRST, 15.0, start).status is Status.WRONG
    for broken in (np.array([5, 3]), np.array([5, 1]), np.array([6, 0])):
        assert judge(INSTANCE, NO_LIMITS, Status.TIME_OUT, FIRST, 21.0, broken).primal == 15
    assert judge(INSTANCE, NO_LIMITS, Status.TIME_OUT, BOTH, 21.0, np.array([5, 0])).primal == 19


def test_polish_and_checker_must_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    """Volumes the checker refuses, or values it does not confirm, are wrong, wherever they come from."""
    monkeypatch.setattr(judging, "polish", lambda *_: Polished(np.array([5, 3]), 21))
    found = judge(INSTANCE, NO_LIMITS, Status.OPTIMAL, BOTH, 21.0)
    assert found.status is Status.WRONG
    assert found.message == "the checker refuses it: demand: G: 8 cases given, 7 needed"
    monkeypatch.setattr(judging, "polish", lambda *_: Polished(np.array([5, 2]), 20))
    found = judge(INSTANCE, NO_LIMITS, Status.OPTIMAL, BOTH, 20.0)
    assert (found.status, found.primal) == (Status.WRONG, 19)
    assert found.message == "the polish says 20, the checker 19"


@pytest.mark.parametrize(
    ("error", "status"),
    [(UnsupportedError("too large"), Status.UNSUPPORTED), (SplgbenchError("gave up"), Status.ERROR)],
)
def test_a_polish_that_fails_is_no_crash(error: Exception, status: Status, monkeypatch: pytest.MonkeyPatch) -> None:
    """Methods never raise for what the solver does: a flow that cannot be solved is a status with its reason."""

    def fail(*_: Any) -> Polished:
        raise error

    monkeypatch.setattr(judging, "polish", fail)
    found = judge(INSTANCE, NO_LIMITS, Status.OPTIMAL, BOTH, 19.0)
    assert (found.status, found.primal, found.message) == (status, None, str(error))


def test_utilities_beyond_the_flow_solver() -> None:
    """Utilities too large for the integer flow are unsupported, not a wrong answer."""
    tables = plain_tables({("H1", "G"): (2, 2**60), ("H2", "G"): (2, 1)}, {"G": 3})
    found = judge(make(tables, "both"), NO_LIMITS, Status.OPTIMAL, BOTH, 2.0**61)
    assert found.status is Status.UNSUPPORTED
    assert "lower utility_scale" in found.message


def test_gap() -> None:
    """|dual - primal| / |primal|; 0 where equal, also at 0; unknown without one of them or where only primal is 0."""
    assert relative_gap(200, 201) == pytest.approx(0.005)
    assert relative_gap(200, 199) == pytest.approx(0.005)
    assert relative_gap(0, 0) == 0
    assert relative_gap(7, 7) == 0
    assert relative_gap(0, 5) is None
    assert relative_gap(None, 5) is None
    assert relative_gap(5, None) is None


def test_rounded_bounds() -> None:
    """A bound is rounded down to what whole numbers allow, never below what rounding errors explain."""
    assert rounded_dual(12.7, None) == 12
    assert rounded_dual(12.9999999, None) == 13
    assert rounded_dual(12.99999, None) == 12
    assert rounded_dual(-0.5, None) == -1
    assert rounded_dual(4e9, None) == 4e9 + 4
    assert rounded_dual(11.6, 12) == 12
    assert rounded_dual(11.4, 12) == 11
    for unknown in (None, math.inf, -math.inf, math.nan):
        assert rounded_dual(unknown, 12) is None


def test_contradictions() -> None:
    """dual < primal - max(0.5, 1e-9 |primal|)."""
    assert contradicts(9.49, 10)
    assert not contradicts(9.5, 10)
    assert not contradicts(10**12 - 999, 10**12)
    assert contradicts(10**12 - 1001, 10**12)


def test_results_are_json() -> None:
    """Every entry of a result can be written; unknown numbers are null and a whole bound is a whole number."""
    result = Result(Status.TIME_OUT, "linked@highs", "small", "abc", primal=15, dual=19.0, volumes=np.array([5, 0]))
    data = json.loads(json.dumps(result.as_json(), allow_nan=False))
    assert (data["status"], data["primal"], data["dual"], data["gap"]) == ("time-out", 15, 19, pytest.approx(4 / 15))
    assert (data["claimed_primal"], data["trace"], data["clash"]) == (None, [], [])
    allocation = result.allocation(INSTANCE)
    assert allocation is not None
    assert (allocation.cases, allocation.objective) == ({("A", "G"): 5}, 15)
    empty = Result(Status.ERROR, "m", "i", "h")
    assert (empty.gap, empty.allocation(INSTANCE), empty.as_json()["dual"]) == (None, None, None)
