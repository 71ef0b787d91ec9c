"""Several years and regional budgets for a synthetic instance: the tables of one year told again for each, and money.

Years are Y1, Y2, ...; the group KNEE of year Y2 is KNEE@Y2, its area likewise. Demand of a cell drifts: every year it
is multiplied by 1 + year_growth and by lognormal(year_sd). Capacities, minima, links and utilities stay. Money is in
whole francs, stated in cents."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from splgbench.extensions.years import repeated, year_names
from splgbench.generator.fixed_point import ONE, fixed, times
from splgbench.generator.recipe import Recipe
from splgbench.instance import IntArray

if TYPE_CHECKING:
    from splgbench.generator.generate import Draws

Tables = dict[str, dict[str, list[Any]]]
BASE_COST = 10_000
"""Median cost of a case in francs."""
CENTS = 100
"""Cents in a franc."""


def over_years(recipe: Recipe, draws: Draws, tables: Tables) -> tuple[Tables, dict[str, Any]]:
    """The tables for all years of the recipe, and the extension `years`; as they are where there is one year."""
    if recipe.years == 1:
        return tables, {}
    years = year_names(recipe.years)
    demand = _drift(recipe, draws, np.array(tables["demand"]["cases"], dtype=np.int64))
    told: Tables = repeated(tables, years)
    told["areas"]["name"] = [f"{name}, {year}" for year in years for name in tables["areas"]["name"]]
    told["demand"]["cases"] = demand.ravel().tolist()
    entry: dict[str, Any] = {
        "years": years,
        "groups": [{"group": f"{group}@{year}", "year": year} for year in years for group in tables["groups"]["group"]],
    }
    if recipe.yearly_change:
        entry |= {"change_bp": fixed(recipe.yearly_change) * 10_000 // ONE, "change_cases": recipe.yearly_cases}
    return told, {"years": entry}


def _drift(recipe: Recipe, draws: Draws, cases: IntArray) -> IntArray:
    """Demand by year and cell."""
    found = np.empty((recipe.years, len(cases)), dtype=np.int64)
    steps = draws.lognormal("demand of a year", (recipe.years - 1) * len(cases), recipe.year_sd)
    steps = times(steps, ONE + fixed(recipe.year_growth)).reshape(recipe.years - 1, len(cases))
    # Drift in fixed point, rounded to cases once.
    exact = np.full(len(cases), ONE, dtype=np.int64)
    found[0] = cases
    for t in range(1, recipe.years):
        exact = times(exact, steps[t - 1])
        found[t] = np.maximum(1, times(exact, cases))
    return found


def group_francs(recipe: Recipe, draws: Draws, tables: Tables) -> dict[str, int]:
    """What a case costs in whole francs, by group without its year."""
    groups = list(dict.fromkeys(group.partition("@")[0] for group in tables["groups"]["group"]))
    francs = times(draws.lognormal("cost of a group", len(groups), recipe.cost_sd), BASE_COST)
    return dict(zip(groups, np.maximum(1, francs).tolist(), strict=True))


def offer_francs(recipe: Recipe, draws: Draws, tables: Tables, cost: Mapping[str, int]) -> list[int]:
    """What a case costs in whole francs, by offer; `cost` by group without its year."""
    hospitals = tables["hospitals"]["hospital"]
    factor = dict(zip(hospitals, draws.lognormal("cost of a hospital", len(hospitals), recipe.cost_h), strict=True))
    pairs = zip(tables["offers"]["hospital"], tables["offers"]["group"], strict=True)
    return [max(1, int(factor[h]) * cost[g.partition("@")[0]] // ONE) for h, g in pairs]


def demand_francs(recipe: Recipe, draws: Draws, tables: Tables) -> dict[tuple[str, str], int]:
    """What all demand costs at the groups' costs, by region and year; "" where there are none."""
    cost = group_francs(recipe, draws, tables)
    need: dict[tuple[str, str], int] = {}
    rows = tables["demand"]
    regions = rows.get("region") or [""] * len(rows["group"])
    for group, region, cases in zip(rows["group"], regions, rows["cases"], strict=True):
        name, _, year = group.partition("@")
        need[region, year] = need.get((region, year), 0) + cost[name] * cases
    return need


def budgets(
    recipe: Recipe, draws: Draws, tables: Tables, paid: Mapping[tuple[str, str], int] | None = None
) -> dict[str, Any]:
    """The extension `regional_budget`; nothing where the recipe has no budget and nobody else pays.

    Parameters
    ----------
    paid : budgets in cents by region and year, in place of those of the recipe.
    """
    if not recipe.budget and paid is None:
        return {}
    cost = group_francs(recipe, draws, tables)
    part = fixed(recipe.budget)
    needs = demand_francs(recipe, draws, tables)
    money = paid or {place: CENTS * (francs * part // ONE) for place, francs in needs.items()}
    entry: dict[str, Any] = {
        "group_costs": [{"group": g, "cents": CENTS * cost[g.partition("@")[0]]} for g in tables["groups"]["group"]],
        "budgets": [
            {name: key for name, key in (("region", place[0]), ("year", place[1])) if key} | {"cents": cents}
            for place, cents in sorted(money.items())
        ],
    }
    if recipe.cost_h:
        francs_of = offer_francs(recipe, draws, tables, cost)
        offers = zip(tables["offers"]["hospital"], tables["offers"]["group"], francs_of, strict=True)
        entry["offer_costs"] = [{"hospital": h, "group": g, "cents": CENTS * francs} for h, g, francs in offers]
    if recipe.carry_over:
        entry["carry_over_cents"] = sum(money.values()) // len(money) * fixed(recipe.carry_over) // ONE
    return {"regional_budget": entry}
