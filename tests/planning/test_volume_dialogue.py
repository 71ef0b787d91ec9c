"""Volume dialogue: targets, projections, levels, and withdrawals."""

from __future__ import annotations

from typing import Any

import pytest
from planning_for_tests import GROUPS, decision, instance, solver

from splgbench.errors import InputError
from splgbench.planning.hospital_list import hospital_list
from splgbench.planning.overrides import apply
from splgbench.planning.volume_dialogue import DialogueRules, monitor, targets, withdrawal


def mandates() -> dict[str, list[Any]]:
    """Agreed: HIP 40 at North, 20 at South."""
    given = instance()
    return hospital_list(given, solver().solve(given).volumes, GROUPS).mandates


def actuals(north: int, south: int, months: int = 3, **more: int) -> dict[str, list[Any]]:
    cases = {"North": north, "South": south, **more}
    rows = [(month, hospital, "HIP", number) for month in range(1, months + 1) for hospital, number in cases.items()]
    return dict(zip(("month", "hospital", "group", "cases"), map(list, zip(*rows, strict=True)), strict=True))


def test_targets_are_the_agreed_volumes() -> None:
    """Of groups under volume dialogue, by mandate and for the region."""
    assert targets(mandates()) == {("North", "HIP"): 40, ("South", "HIP"): 20, ("", "HIP"): 60}


@pytest.mark.parametrize(
    ("north", "south", "levels"),
    [
        (3, 1, ("on track", "on track", "on track")),  # 36 of 40, 12 of 20, 48 of 60
        (4, 1, ("watch", "escalate", "on track")),  # 48 of 40 is 20 % too many; region 60 of 60 is watched
    ],
)
def test_levels(north: int, south: int, levels: tuple[str, ...]) -> None:
    """A quarter of the year, projected to all of it: region, North, South."""
    assert monitor(mandates(), actuals(north, south), DialogueRules())["level"] == list(levels)


def test_the_alert_comes_before_the_target_is_exceeded() -> None:
    """15 cases a month pass the region's 60 in May; 45 are counted by March, and nothing is exceeded yet."""
    found = monitor(mandates(), actuals(10, 5), DialogueRules())
    region = [cells[0] for cells in found.values()]
    assert region == ["", "HIP", 60, 3, 45, 180, pytest.approx(3.0), 5, "escalate"]


def test_a_small_excess_is_talked_about() -> None:
    """61 or 62 of 60 is talk; above 63 it escalates."""
    rules = DialogueRules(tolerance=0.25)
    found = monitor(mandates(), actuals(4, 1), rules)
    assert dict(zip(found["hospital"], found["level"], strict=True))["North"] == "talk"


def test_a_hospital_without_mandate_shows() -> None:
    """Its target is 0."""
    found = monitor(mandates(), actuals(3, 1, East=1), DialogueRules())
    assert found["hospital"] == ["", "East", "North", "South"]
    assert (found["target"][1], found["level"][1], found["exceeded_in"][1]) == (0, "escalate", 3)


def test_the_season_counts() -> None:
    """If half the year's cases fall into the first quarter, three months of 10 are half of 60."""
    season = {"month": [1, 2, 3, 4], "share": [0.2, 0.2, 0.1, 0.5]}
    found = monitor(mandates(), actuals(7, 3), DialogueRules(), season)
    assert found["projected"][0] == 60
    with pytest.raises(InputError, match="the shares must sum to 1"):
        monitor(mandates(), actuals(7, 3), DialogueRules(), season | {"share": [0.2, 0.2, 0.1, 0.4]})
    late = actuals(7, 3, months=2) | {"month": [2, 2, 3, 3]}
    with pytest.raises(InputError, match="must have rows of month 1, for there are later ones"):
        monitor(mandates(), late, DialogueRules())


def test_what_if_a_hospital_withdraws() -> None:
    """By hand: without North its 40 hips go to South (20 more) and East (20); 100 points are lost, no case."""
    found = withdrawal(instance(), "North", solver())
    assert (found.lost, found.unmet, found.exact) == (100, 0, True)
    assert {row[0]: row[2:] for row in zip(*found.table.values(), strict=True)} == {
        "East": (0, 20, 20),
        "North": (40, 0, -40),
        "South": (20, 40, 20),
    }


def test_a_withdrawal_lifts_what_was_decided_on_the_hospital() -> None:
    """A grant to the hospital that leaves does not clash with its leaving."""
    granted = apply(instance(), decision("grant", "North", "HIP"))
    assert withdrawal(granted, "North", solver()).lost == 100
