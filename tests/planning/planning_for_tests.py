"""A small instance whose optimum, prices and clashes are worked out by hand."""

from __future__ import annotations

from typing import Any

from splgbench.instance import Instance
from splgbench.planning.solving import Solver

SOLVER = "strengthened@highs"
GROUPS: dict[str, list[Any]] = {
    "group": ["HIP", "KNEE"],
    "area": ["B", "B"],
    "level": ["extended", "extended"],
    "minimum_cases": [10, 10],
    "cost_weight": [2.0, 1.0],
    "stay": [6, 5],
    "volume_dialogue": [1, 0],
}


def instance() -> Instance:
    """Three hospitals; HIP has 60 cases and room for 40 each, KNEE 30 cases and room for 30 each.

    Optimum: HIP 40 North (9 points) + 20 South (8), KNEE 30 South (7): 360 + 160 + 210 = 730.
    """
    return Instance.from_tables(
        hospitals=["East", "North", "South"],
        groups={key: GROUPS[key] for key in ("group", "area", "minimum_cases")},
        demand={"group": ["HIP", "KNEE"], "cases": [60, 30]},
        offers={
            "hospital": ["East", "North", "South", "East", "South"],
            "group": ["HIP", "HIP", "HIP", "KNEE", "KNEE"],
            "capacity": [40, 40, 40, 30, 30],
            "utility": [5, 9, 8, 6, 7],
        },
        name="three-hospitals",
    )


def decision(action: str, hospital: str, group: str, **more: Any) -> dict[str, list[Any]]:
    """One override."""
    row = {"hospital": hospital, "group": group, "action": action, "reason": "why", "author": "A. Planner", **more}
    return {name: [cell] for name, cell in row.items()}


def both(*tables: dict[str, list[Any]]) -> dict[str, list[Any]]:
    """Tables of one kind, one below the other."""
    names = dict.fromkeys(name for table in tables for name in table)
    return {name: [cell for table in tables for cell in table.get(name, [None])] for name in names}


def solver() -> Solver:
    return Solver(SOLVER)
