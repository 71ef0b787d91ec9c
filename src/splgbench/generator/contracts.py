"""Bundles and bonuses for a synthetic instance, on tables that are told for all years.

Keys end in the year where there are several (`splgbench.generator.payment`): areas and groups of each year have
contracts of their own, with the same terms.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from splgbench.generator.fixed_point import ONE, fixed, times
from splgbench.generator.payment import BASE_COST, CENTS, Tables, group_francs
from splgbench.generator.recipe import Recipe

if TYPE_CHECKING:
    from splgbench.generator.generate import Draws

POINTS, MOST_POINTS = 80, 100
"""Quality of the median offer, which bonuses ask for, and the best there is."""


def bundles(recipe: Recipe, draws: Draws, tables: Tables) -> dict[str, Any]:
    """The extension `bundled_payment`; nothing where the recipe has no bundles."""
    if not recipe.bundles:
        return {}
    members: dict[str, list[str]] = {}
    for group, area in zip(tables["groups"]["group"], tables["groups"]["area"], strict=True):
        members.setdefault(area, []).append(group)
    areas = list(dict.fromkeys(area.partition("@")[0] for area in members))[1:]
    drawn = dict(zip(areas, draws.happens("bundle", len(areas), recipe.bundles).tolist(), strict=True))
    cost = group_francs(recipe, draws, tables)
    keeps = ONE - fixed(recipe.bundle_discount)
    found: dict[str, list[dict[str, Any]]] = {"bundles": [], "members": [], "group_prices": []}
    for area, groups in members.items():
        if len(groups) < 2 or not drawn.get(area.partition("@")[0]):
            continue
        taken = groups[: recipe.bundle_groups]
        cents = {group: CENTS * cost[group.partition("@")[0]] for group in taken}
        found["bundles"].append({"bundle": area, "cents": sum(cents.values()) * keeps // ONE})
        found["members"] += [{"bundle": area, "group": group, "cases": 1} for group in taken]
        found["group_prices"] += [{"group": group, "cents": cents[group]} for group in taken]
    return {"bundled_payment": found | worth(recipe)} if found["bundles"] else {}


def bonuses(recipe: Recipe, draws: Draws, tables: Tables) -> dict[str, Any]:
    """The extension `pay_for_performance`; nothing where the recipe has no steps."""
    if not recipe.bonus_steps:
        return {}
    area = dict(zip(tables["groups"]["group"], tables["groups"]["area"], strict=True))
    offers = tables["offers"]
    room: dict[tuple[str, str], int] = {}
    for hospital, group, capacity in zip(offers["hospital"], offers["group"], offers["capacity"], strict=True):
        place = (hospital, area[group])
        if place[1].partition("@")[0] != tables["areas"]["area"][0].partition("@")[0]:
            room[place] = room.get(place, 0) + capacity
    stated = tables["area_capacity"]
    for hospital, name, capacity in zip(stated["hospital"], stated["area"], stated["capacity"], strict=True):
        if (hospital, name) in room:
            room[hospital, name] = capacity
    count = recipe.bonus_steps
    asks = draws.happens("quality of a step", count * len(room), recipe.bonus_quality).reshape(-1, count)
    steps: list[dict[str, Any]] = []
    for ((hospital, name), most), of_place in zip(room.items(), asks.tolist(), strict=True):
        before = 0
        for number, asked in enumerate(of_place, 1):
            cases = most * number // (count + 1)
            if cases > before:
                francs = (cases - before) * BASE_COST * fixed(recipe.bonus) // ONE
                step = {"hospital": hospital, "area": name, "cases": cases, "cents": CENTS * francs}
                steps.append(step | ({"points": POINTS} if asked else {}))
                before = cases
    if not steps:
        return {}
    quality = [row for row in offer_quality(recipe, draws, tables) if (row["hospital"], area[row["group"]]) in room]
    return {"pay_for_performance": {"steps": steps, "quality": quality} | worth(recipe)}


def offer_quality(recipe: Recipe, draws: Draws, tables: Tables) -> list[dict[str, Any]]:
    """Quality points of every offer, as extensions have them."""
    pairs = list(zip(tables["offers"]["hospital"], tables["offers"]["group"], strict=True))
    moved = (times(draws.normal("quality", len(pairs)), fixed(recipe.quality_sd)) + ONE // 2) // ONE
    points = np.clip(POINTS + moved, 0, MOST_POINTS).tolist()
    return [{"hospital": h, "group": g, "points": q} for (h, g), q in zip(pairs, points, strict=True)]


def worth(recipe: Recipe) -> dict[str, int]:
    """What money is worth, in the instance's utility units."""
    return {
        "worth_units": recipe.utility_scale * fixed(recipe.money) // ONE,
        "worth_cents": CENTS * BASE_COST,
    }
