"""The checker and the polish against the plain search, which shares no code with them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import strategies as st

from splgbench.checker import Verdict
from splgbench.extensions import entries_of
from splgbench.instance import BoolArray, Instance
from splgbench.polish import Polished
from splgbench.testing.oracles import by_search
from splgbench.testing.relations.agreement import DENSE_LINKS
from splgbench.testing.relations.base import Relation
from splgbench.testing.search import Pair, search
from splgbench.testing.strategies import Knobs, allocations
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
    return search(tables, instance.capacity_mode, entries_of(instance))[0]


def _relaxations(mode: str) -> list[dict[str, Any]]:
    """Rules that an allocation under judgement is made without."""
    rest = {"both": ("none", "group", "area"), "none": ()}.get(mode, ("none",))
    return [
        *({"capacity_mode": other} for other in rest),
        {"minimum_cases": False},
        {"minimum_share": False},
        {"links": False},
        {"overrides": False},
    ]


def _near(draw: st.DrawFn, trial: Trial) -> list[dict[Pair, int]]:
    """Allocations at the edge of what is feasible.

    The best ones without one rule, which mostly break that rule alone; all that differ from an optimum in one number;
    and one that differs in several.
    """
    instance, best = trial.instance, trial.answer.cases or {}
    relaxed = [by_search(instance.with_rules(**rules)).cases for rules in _relaxations(instance.capacity_mode)]
    most = int(instance.capacity.max(initial=0)) + 1
    moved = [{**best, pair: x} for pair in instance.offer_index for x in range(most + 1) if x != best.get(pair, 0)]
    several = dict(draw(allocations(instance, best)))
    found = [*(cases for cases in relaxed if cases is not None), *moved, several]
    return [{pair: x for pair, x in cases.items() if x} for cases in found]


def _judges_wrongly(check: Checks, trial: Trial, allocations: list[dict[Pair, int]]) -> str | None:
    return next(filter(None, (_misjudged(check, trial.instance, cases) for cases in allocations)), None)


def _misjudged(check: Checks, instance: Instance, cases: dict[Pair, int]) -> str | None:
    verdict, expected = check(instance, cases), value_of(instance, cases)
    if verdict.feasible != (expected is not None):
        found = f"accepts {cases}" if verdict.feasible else f"refuses {cases} ({verdict.violations[0]})"
        return f"the checker {found}; the search says {'infeasible' if expected is None else 'feasible'}"
    if expected is not None and verdict.objective != expected:
        return f"the checker values {cases} at {verdict.objective}; the search at {expected}"
    return None


def _mandate_sets(draw: st.DrawFn, trial: Trial) -> list[BoolArray]:
    """The best mandates, all sets that differ from them in one, the best without one rule, and any set."""
    instance = trial.instance
    rules = _relaxations(instance.capacity_mode)
    answers = [trial.answer.cases, *(by_search(instance.with_rules(**without)).cases for without in rules)]
    sets = [np.array([pair in (cases or {}) for pair in instance.offer_index], dtype=np.bool_) for cases in answers]
    moved = [sets[0] ^ (np.arange(instance.n_offers) == k) for k in range(instance.n_offers)]
    number = draw(st.integers(0, 2**instance.n_offers - 1))
    return [*sets, *moved, np.array([bool(number >> k & 1) for k in range(instance.n_offers)], dtype=np.bool_)]


def _polishes_wrongly(polish: Polishes, trial: Trial, sets: list[BoolArray]) -> str | None:
    return next(filter(None, (_mispolished(polish, trial.instance, mandates) for mandates in sets)), None)


def _mispolished(polish: Polishes, instance: Instance, mandates: BoolArray) -> str | None:
    polished, expected = polish(instance, mandates), best_of(instance, mandates)
    held = [instance.offer_name(int(k)) for k in np.flatnonzero(mandates)]
    if polished.objective != expected:
        return f"the polish finds {polished.objective} for the mandates {held}; the search {expected}"
    if polished.volumes is None:
        return None
    cases = {instance.offer_name(int(k)): int(polished.volumes[k]) for k in np.flatnonzero(polished.volumes)}
    worth = value_of(instance, cases)
    if worth != polished.objective:
        return f"the polish gives {cases} as {polished.objective}; the search values it at {worth}"
    return None


PARTNERS = Knobs(
    groups=2,
    areas=1,
    regions=1,
    minima=False,
    shares=False,
    area_capacity=False,
    sparse=False,
    one_network=True,
)
"""Few groups at several hospitals, so that a partner often holds what a hospital lacks."""

TOOLS = (
    Relation(
        "checker judges",
        "An allocation is feasible, and worth its cases times utilities, exactly if it obeys every row.",
        _judges_wrongly,
        _near,
        subject="checker",
    ),
    Relation(
        "checker judges, partners",
        "The same where links, cooperation and overrides decide.",
        _judges_wrongly,
        _near,
        PARTNERS,
        subject="checker",
    ),
    Relation(
        "polish is best",
        "With y fixed the best whole volumes are those of the transportation flow (fact 1).",
        _polishes_wrongly,
        _mandate_sets,
        subject="polish",
    ),
    Relation(
        "polish is best, dense links",
        "The same where an area capacity joins the cells of several groups.",
        _polishes_wrongly,
        _mandate_sets,
        DENSE_LINKS,
        subject="polish",
    ),
)
