"""Outcomes, costs and a fund for a synthetic instance, on tables that are told for all years.

Groups of each year (`splgbench.generator.payment`) have the conditions, outcomes and costs of their service group. What
a case costs over the cycle of care is the cost of its offer, as in budgets, moved by up to a fifth for each condition.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np

from splgbench.generator.fixed_point import ONE, fixed, times
from splgbench.generator.payment import CENTS, Tables, demand_francs, group_francs, offer_francs
from splgbench.generator.recipe import Recipe
from splgbench.planning.tables import Columns
from splgbench.value.fund import PATH, Contract, account
from splgbench.value.schemas import REPORTED_BY, WHOLE_BP

if TYPE_CHECKING:
    from splgbench.generator.generate import Draws

POINTS = 60
"""Points of the median outcome; there are 1 to 99, so that no case is worth nothing."""
LEAST_FACTOR, MOST_FACTOR = Decimal("0.8"), Decimal("1.2")
"""Of a condition's cost, relative to its group's."""
FOLLOW_UP = Decimal("0.2")
"""Part of the cycle's cost after the hospital."""
PERSON_SD = Decimal("0.8")
"""Logarithmic standard deviation of the norm cost of a person, from one risk group to another."""


def value_columns(recipe: Recipe, draws: Draws, tables: Tables) -> dict[str, Columns]:
    """The tables `conditions`, `outcome_set`, `outcomes` and `cycle_costs`; a recipe without conditions has none."""
    if not recipe.conditions:
        return {}
    groups = list(dict.fromkeys(group.partition("@")[0] for group in tables["groups"]["group"]))
    hospitals = tables["hospitals"]["hospital"]
    shape = (len(groups), recipe.conditions, recipe.measures)
    size, n_measures = shape[0] * shape[1], shape[2]
    count = (1 + draws.below("conditions of a group", len(groups), recipe.conditions)).tolist()
    low, high = ONE // 2, ONE + ONE // 2
    share = draws.uniform("share of a condition", size, low, high).reshape(shape[:2])
    weight = draws.uniform("weight of a measure", size * n_measures, low, high).reshape(shape)
    factor = draws.uniform("cost of a condition", size, fixed(LEAST_FACTOR), fixed(MOST_FACTOR)).reshape(shape[:2])
    moved = times(draws.normal("outcome", len(hospitals) * size * n_measures), fixed(recipe.outcome_sd))
    points = np.clip(POINTS + (moved + ONE // 2) // ONE, 1, 99).reshape(len(hospitals), *shape)

    position, place = ({name: at for at, name in enumerate(names)} for names in (groups, hospitals))
    conditions = Columns(condition=[], group=[], share_bp=[])
    outcome_set = Columns(condition=[], measure=[], tier=[], reported_by=[], weight=[], direction=[], low=[], high=[])
    outcomes = Columns(hospital=[], condition=[], measure=[], value=[], patients=[])
    costs = Columns(hospital=[], condition=[], phase=[], cost=[])
    for group in tables["groups"]["group"]:
        g = position[group.partition("@")[0]]
        for c, part in enumerate(_parts(share[g, : count[g]].tolist(), WHOLE_BP)):
            name = _condition(group, c)
            _add(conditions, name, group, part)
            for m, hundredths in enumerate(_parts(weight[g, c].tolist(), 100)):
                reporter, direction = REPORTED_BY[m % len(REPORTED_BY)], _direction(m)
                told = str(Decimal(hundredths) / 100)
                _add(outcome_set, name, f"M{m + 1}", 1 + m % 3, reporter, told, direction, 0, 100)
    francs = offer_francs(recipe, draws, tables, group_francs(recipe, draws, tables))
    offers = tables["offers"]
    for hospital, group, cases, cost in zip(
        offers["hospital"], offers["group"], offers["capacity"], francs, strict=True
    ):
        h, g = place[hospital], position[group.partition("@")[0]]
        for c in range(count[g]):
            name, cycle = _condition(group, c), max(2, cost * int(factor[g, c]) // ONE)
            later = cycle * fixed(FOLLOW_UP) // ONE
            _add(costs, hospital, name, "hospital", cycle - later)
            _add(costs, hospital, name, "follow-up", later)
            for m, value in enumerate(points[h, g, c].tolist()):
                _add(outcomes, hospital, name, f"M{m + 1}", value if _direction(m) == "higher" else 100 - value, cases)
    return {"conditions": conditions, "outcome_set": outcome_set, "outcomes": outcomes, "cycle_costs": costs}


def _condition(group: str, number: int) -> str:
    name, at, year = group.partition("@")
    return f"{name}-{number + 1}{at}{year}"


def _direction(measure: int) -> str:
    return "lower" if measure % 2 else "higher"


def _parts(drawn: Sequence[int], whole: int) -> list[int]:
    """A whole dealt in proportion to drawn numbers; the last part has what rounding leaves."""
    found = [whole * number // sum(drawn) for number in drawn[:-1]]
    return [*found, whole - sum(found)]


def _add(table: Columns, *cells: Any) -> None:
    for kept, cell in zip(table.values(), cells, strict=True):
        kept.append(cell)


def fund_terms(recipe: Recipe, draws: Draws, tables: Tables) -> tuple[Contract, Columns] | None:
    """The contract of a fund over the recipe's years and its risk groups; None where the recipe has no fund.

    The norm cost of a year is `fund` times what its demand costs at the groups' costs, less what is left over when it
    is dealt to persons in whole cents.
    """
    if not recipe.fund:
        return None
    part = fixed(recipe.fund)
    names = [f"R{number}" for number in range(1, recipe.risk_groups + 1)]
    dealt = draws.uniform("size of a risk group", len(names), ONE // 2, ONE + ONE // 2).tolist()
    persons = _parts(dealt, recipe.insured)
    dear = draws.lognormal("norm cost of a person", len(names), PERSON_SD).tolist()
    weights = sum(one * other for one, other in zip(persons, dear, strict=True))
    found = Columns(year=[], risk_group=[], insured=[], norm_cents=[])
    needs = demand_francs(recipe, draws, tables)
    for year, francs in enumerate(needs.values(), 1):
        for name, insured, each in zip(names, persons, dear, strict=True):
            _add(found, year, name, insured, CENTS * (francs * part // ONE) * each // weights)
    path = tuple(replace(step, last=min(step.last, recipe.years)) for step in PATH if step.first <= recipe.years)
    contract = Contract(path)
    budgets = account(contract, found).table["budget"]
    return replace(contract, carry_over_cents=sum(budgets) // len(budgets) * fixed(recipe.carry_over) // ONE), found
