"""What a method says of its own result is held against the instance and against what was asked."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from campaigns_for_tests import tiny

from splgbench import Limits, Result, Status
from splgbench.campaign.recheck import rechecked


def _result(status: Status, volumes: tuple[int, int], dual: float, gap: float) -> Result:
    """A result on the tiny instance: 3 and 4 units a case."""
    instance = tiny()
    primal = 3 * volumes[0] + 4 * volumes[1]
    allotted = np.array(volumes, dtype=np.int64)
    empty = Result(status, "m", instance.name, instance.instance_hash)
    return replace(empty, primal=primal, dual=dual, volumes=allotted, limits=Limits(gap=gap))


@pytest.mark.parametrize(
    ("gap", "dual", "words"),
    [
        (0.0, 26.0, "no gap was asked for"),
        (0.01, 26.0, "its gap 0.0833 is above 0.01"),
    ],
)
def test_a_gap_that_is_not_closed(gap: float, dual: float, words: str) -> None:
    """Value and bound stand, the status does not: an error that keeps both."""
    found = rechecked(_result(Status.GAP_CLOSED, (0, 6), dual, gap), tiny())
    assert (found.status, found.primal, found.dual) == (Status.ERROR, 24, dual)
    assert words in found.message


def test_a_gap_that_is_closed() -> None:
    """2 of 24 are below a tenth."""
    assert rechecked(_result(Status.GAP_CLOSED, (0, 6), 26.0, 0.1), tiny()).status is Status.GAP_CLOSED


def test_an_unknown_gap_is_not_closed() -> None:
    """Above a value of 0 there is no relative gap."""
    found = rechecked(_result(Status.GAP_CLOSED, (0, 0), 5.0, 0.1), tiny())
    assert (found.status, found.message) == (Status.ERROR, "it says gap-closed, but its gap is unknown")


def test_infeasible_with_an_allocation_at_hand() -> None:
    """Its own allocation refutes it, or that of nobody having a mandate."""
    found = rechecked(_result(Status.INFEASIBLE, (0, 6), 26.0, 0.0), tiny())
    assert (found.status, found.message) == (Status.WRONG, "it says infeasible, but has an allocation of 24")
    bare = replace(found, status=Status.INFEASIBLE, primal=None, dual=None, volumes=None, message="")
    assert rechecked(bare, tiny()).status is Status.WRONG
