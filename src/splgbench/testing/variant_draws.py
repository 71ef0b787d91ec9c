"""Draws of extensions for tiny instances: entries as the package has them, made so that they bite."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from splgbench.testing.contract_draws import bundled_payment, pay_for_performance
from splgbench.testing.savings_draws import shared_savings

Tables = dict[str, dict[str, list[Any]]]
Entries = dict[str, Any]


def years(draw: st.DrawFn, tables: Tables, _: Entries) -> dict[str, Any]:
    """Two years; groups are dealt to them, the first two one each, and to one or two units."""
    groups = tables["groups"]["group"]
    unit = st.sampled_from(["", "", "U"])
    found: dict[str, Any] = {
        "years": ["1", "2"],
        "groups": [
            {"group": group, "year": "12"[draw(st.integers(0, 1)) if g > 1 else g], "unit": draw(unit)}
            for g, group in enumerate(groups)
        ],
    }
    if draw(st.integers(0, 3)):
        found |= {
            "change_bp": draw(st.sampled_from([0, 1, 3333, 5000, 10_000])),
            "change_cases": draw(st.integers(0, 2)),
        }
    return found


def regional_budget(draw: st.DrawFn, tables: Tables, entries: Entries) -> dict[str, Any]:
    """Costs of 1 to 9 cents and, for every region and year, a budget below what its offers could spend, or none."""
    offers, groups = tables["offers"], tables["groups"]["group"]
    factor = draw(st.sampled_from([1, 1, 2, 3]))
    costs = {group: factor * draw(st.integers(1, 9)) for group in groups}
    pairs = list(zip(offers["hospital"], offers["group"], strict=True))
    own = {pair: factor * draw(st.integers(0, 9)) for pair in pairs if draw(st.integers(0, 3)) == 3}
    where = offers.get("region") or [""] * len(pairs)
    calendar = entries.get("years", {"years": [""], "groups": [{"group": group, "year": ""} for group in groups]})
    year = {row["group"]: row["year"] for row in calendar["groups"]}
    places = [(r, t) for r in tables.get("regions", {"region": [""]})["region"] for t in calendar["years"]]
    most = dict.fromkeys(places, 0)
    for pair, capacity, region in zip(pairs, offers["capacity"], where, strict=True):
        most[region, year[pair[1]]] += capacity * own.get(pair, costs[pair[1]])
    kept = [place for place in places if draw(st.integers(0, 3)) < 3] or places[:1]
    found: dict[str, Any] = {
        "group_costs": [{"group": group, "cents": cents} for group, cents in costs.items()],
        "offer_costs": [{"hospital": h, "group": g, "cents": cents} for (h, g), cents in own.items()],
        "budgets": [
            {name: key for name, key in (("region", place[0]), ("year", place[1])) if key}
            | {"cents": draw(st.integers(0, max(1, 2 * most[place] // 3)))}
            for place in kept
        ],
    }
    if "years" in entries:
        found["carry_over_cents"] = draw(st.integers(0, 9))
    return found


VARIANT_DRAWS: dict[str, Callable[[st.DrawFn, Tables, Entries], dict[str, Any]]] = {
    "years": years,
    "regional_budget": regional_budget,
    "bundled_payment": bundled_payment,
    "pay_for_performance": pay_for_performance,
    "shared_savings": shared_savings,
}
"""By the name of the extension; those that others lean on stand first."""
