"""Shared savings for a synthetic instance, on tables that are told for all years.

Hospitals are dealt to contracts in turn; in every year a contract is held against an even part of what all demand of
the year costs at the groups' costs, which are the norm. Hospitals save by costing less than it (`cost_h`).
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from splgbench.generator.contracts import offer_quality, worth
from splgbench.generator.fixed_point import ONE, fixed
from splgbench.generator.payment import CENTS, Tables, group_francs, offer_francs
from splgbench.generator.recipe import Recipe

if TYPE_CHECKING:
    from splgbench.generator.generate import Draws

BASIS_POINTS = 10_000


def savings(recipe: Recipe, draws: Draws, tables: Tables) -> dict[str, Any]:
    """The extension `shared_savings`; nothing where the recipe has no contracts."""
    if not recipe.savings_contracts:
        return {}
    cost = group_francs(recipe, draws, tables)
    need: dict[str, int] = {}
    for group, cases in zip(tables["demand"]["group"], tables["demand"]["cases"], strict=True):
        name, _, year = group.partition("@")
        need[year] = need.get(year, 0) + cost[name] * cases
    hospitals = tables["hospitals"]["hospital"]
    names = [f"C{i}" for i in range(1, min(recipe.savings_contracts, len(hospitals)) + 1)]
    contracts, members = list[dict[str, Any]](), list[dict[str, Any]]()
    for year, francs in need.items():
        keys = [f"{name}@{year}" if year else name for name in names]
        contracts += [{"contract": key} | _terms(recipe, francs // len(names)) for key in keys]
        members += [
            {"contract": keys[h % len(keys)], "hospital": hospital} | ({"year": year} if year else {})
            for h, hospital in enumerate(hospitals)
        ]
    entry = {
        "group_costs": [
            {"group": g, "norm_cents": CENTS * cost[g.partition("@")[0]], "cents": CENTS * cost[g.partition("@")[0]]}
            for g in tables["groups"]["group"]
        ],
        "contracts": contracts,
        "members": members,
    }
    if recipe.cost_h:
        francs_of = offer_francs(recipe, draws, tables, cost)
        offers = zip(tables["offers"]["hospital"], tables["offers"]["group"], francs_of, strict=True)
        entry["offer_costs"] = [{"hospital": h, "group": g, "cents": CENTS * francs} for h, g, francs in offers]
    if recipe.savings_points:
        entry["quality"] = offer_quality(recipe, draws, tables)
    return {"shared_savings": entry | worth(recipe)}


def _terms(recipe: Recipe, francs: int) -> dict[str, int]:
    """Of a contract whose part of demand costs `francs` at the norm."""

    def cents(part: Decimal) -> int:
        return CENTS * (francs * fixed(part) // ONE)

    terms = {
        "share_bp": fixed(recipe.savings_share) * BASIS_POINTS // ONE,
        "minimum_cents": cents(recipe.savings_minimum),
        "most_cents": cents(recipe.savings_most),
    }
    if recipe.losses_share:
        terms |= {
            "loss_share_bp": fixed(recipe.losses_share) * BASIS_POINTS // ONE,
            "loss_minimum_cents": cents(recipe.savings_minimum),
            "loss_most_cents": cents(recipe.losses_most),
        }
    return terms | ({"points": recipe.savings_points} if recipe.savings_points else {})
