"""The checker and the polish against the plain search, which shares no code with them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import strategies as st

from splgbench.checker import Verdict
from splgbench.instance import BoolArray, Instance
from splgbench.polish import Polished
from splgbench.testing.relations.base import Relation
from splgbench.testing.search import Pair, search
from splgbench.testing.strategies import allocations
from splgbench.testing.trial import Trial

Checks = Callable[[Instance, dict[Pair, int]], Verdict]
Polishes = Callable[[Instance, BoolArray], Polished]


def value_of(instance: Instance, cases: dict[Pair, int]) -> int | None:
    """What the search says an allocation is worth; None where it is not feasible.

    Every offer gets a decision of its own: fixed at its cases, or refused. Decisions of the planner that these
    contradict make it infeasible; exemptions stay.
    """
    if any(pair not in instance.offer_index or x < 0 for pair, x in cases.items()):
        return None
    decided: dict[Pair, tuple[str, int | None]] = {
        pair: ("fix", cases[pair]) if cases.get(pair) else ("refuse", None) for pair in instance.offer_index
    }
    for pair, action, value in _decisions(instance):
        x = cases.get(pair, 0)
        if (action == "grant" and x == 0) or (action == "refuse" and x > 0) or (action == "fix" and x != value):
            return None
    return _searched(instance, decided)


def best_of(instance: Instance, mandates: BoolArray) -> int | None:
    """What the search says the mandates are worth at best; None where they admit no allocation."""
    decided: dict[Pair, tuple[str, int | None]] = {
        pair: ("grant" if mandates[k] else "refuse", None) for pair, k in instance.offer_index.items()
    }
    for pair, action, value in _decisions(instance):
        held = bool(mandates[instance.offer_index[pair]])
        if held == (action == "refuse" or (action == "fix" and value == 0)):
            return None
        if action == "fix" and held:
            decided[pair] = ("fix", value)
    return _searched(instance, decided)


def _decisions(instance: Instance) -> list[tuple[Pair, str, int | None]]:
    rows = instance.to_tables().get("overrides", {})
    columns = (rows.get(name, ()) for name in ("hospital", "group", "action", "cases"))
    return [((h, g), action, cases) for h, g, action, cases in zip(*columns, strict=True) if action != "exempt"]


def _searched(instance: Instance, decided: dict[Pair, tuple[str, int | None]]) -> int | None:
    tables: dict[str, Any] = dict(instance.to_tables())
    old = tables.get("overrides", {})
    columns = ("hospital", "group", "action", "cases", "rule")
    exempt = [row for row in zip(*(old.get(name, ()) for name in columns), strict=True) if row[2] == "exempt"]
    rows = exempt + [(*pair, action, cases, "") for pair, (action, cases) in decided.items()]
    tables["overrides"] = {name: [row[i] for row in rows] for i, name in enumerate(columns)}
    return search(tables, instance.capacity_mode)[0]


def _near(draw: st.DrawFn, trial: Trial) -> dict[Pair, int]:
    return dict(draw(allocations(trial.instance, trial.answer.cases)))


def _judges_wrongly(check: Checks, trial: Trial, cases: dict[Pair, int]) -> str | None:
    verdict, expected = check(trial.instance, cases), value_of(trial.instance, cases)
    if verdict.feasible != (expected is not None):
        found = f"accepts {cases}" if verdict.feasible else f"refuses {cases} ({verdict.violations[0]})"
        return f"the checker {found}; the search says {'infeasible' if expected is None else 'feasible'}"
    if expected is not None and verdict.objective != expected:
        return f"the checker values {cases} at {verdict.objective}; the search at {expected}"
    return None


def _some_mandates(draw: st.DrawFn, trial: Trial) -> BoolArray:
    """The optimal mandates with up to two changed, or any."""
    n = trial.instance.n_offers
    mandates = np.zeros(n, dtype=np.bool_)
    for pair in trial.answer.cases or ():
        mandates[trial.instance.offer_index[pair]] = True
    if n:
        for k in draw(st.lists(st.integers(0, n - 1), max_size=2, unique=True)):
            mandates[k] = ~mandates[k]
    return mandates


def _polishes_wrongly(polish: Polishes, trial: Trial, mandates: BoolArray) -> str | None:
    polished, expected = polish(trial.instance, mandates), best_of(trial.instance, mandates)
    held = [trial.instance.offer_name(int(k)) for k in np.flatnonzero(mandates)]
    if polished.objective != expected:
        return f"the polish finds {polished.objective} for the mandates {held}; the search {expected}"
    if polished.volumes is None:
        return None
    cases = {trial.instance.offer_name(int(k)): int(polished.volumes[k]) for k in np.flatnonzero(polished.volumes)}
    worth = value_of(trial.instance, cases)
    if worth != polished.objective:
        return f"the polish gives {cases} as {polished.objective}; the search values it at {worth}"
    return None


TOOLS = (
    Relation(
        "checker judges",
        "An allocation is feasible, and worth its cases times utilities, exactly if it obeys every row.",
        _judges_wrongly,
        _near,
        subject="checker",
    ),
    Relation(
        "polish is best",
        "With y fixed the best whole volumes are those of the transportation flow (fact 1).",
        _polishes_wrongly,
        _some_mandates,
        subject="polish",
    ),
)
