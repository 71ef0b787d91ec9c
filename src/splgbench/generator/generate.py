"""From a recipe to an instance: whole-number arithmetic on named streams of bits.

Each kind of draw has its own stream, so that a knob moves its own draws and nothing else: the same seed gives the same
hospital sizes whatever the links. Symbols: hospital h, group g, area a, region r, offer k.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import numpy as np
from numpy.typing import NDArray

from splgbench.generator import fixed_point
from splgbench.generator.contracts import bonuses, bundles
from splgbench.generator.fixed_point import ONE, exp, fixed, ratio, times
from splgbench.generator.payment import budgets, over_years
from splgbench.generator.recipe import REFERENCE_HOSPITALS, Recipe
from splgbench.generator.savings import savings
from splgbench.generator.value import fund_terms, value_columns
from splgbench.instance import BoolArray, Instance, IntArray
from splgbench.planning.tables import Columns
from splgbench.random_bits import raw_bits
from splgbench.value.fund import Contract, account
from splgbench.value.outcomes import Value, with_value

GENERATOR = "splgbench generator 1"
"""Begins the name of every stream; a change of the drawn numbers takes a new one."""
BASIC_PACKAGE, BASIC_PACKAGE_ELECTIVE = 0, 1
"""Positions of BP and BPE among the groups."""
BASE = 0
"""Position of their area among the areas."""
ALL_REGIONS = "ALL"
"""The region of groups that are planned for all regions as one."""
MOST_IN_AREA, MOST_ACROSS = 3, 2
"""Members a link clause has at most."""


def generate(recipe: Recipe) -> Instance:
    """The instance of a recipe; the same recipe gives the same bytes on every machine."""
    draws = Draws(recipe.seed)
    tables, extensions = _told(recipe, draws)
    paid = None
    if (terms := fund_terms(recipe, draws, tables)) is not None:
        years = extensions["years"]["years"]
        paid = {("", year): cents for year, cents in zip(years, account(*terms).table["budget"], strict=True)}
    extensions |= budgets(recipe, draws, tables, paid)
    extensions |= bundles(recipe, draws, tables) | bonuses(recipe, draws, tables)
    extensions |= savings(recipe, draws, tables)
    instance = Instance.from_tables(
        **tables,
        extensions=extensions,
        capacity_mode=recipe.capacity_mode,
        utility_scale=recipe.utility_scale,
        name=f"{recipe.name}-s{recipe.seed}",
        metadata=_metadata(recipe),
    )
    if not (drawn := value_columns(recipe, draws, tables)):
        return instance
    value = Value(drawn["conditions"], drawn["outcome_set"], drawn["outcomes"], drawn["cycle_costs"])
    return replace(with_value(instance, value, utility_scale=recipe.utility_scale), name=instance.name)


def value_tables(recipe: Recipe) -> dict[str, Columns]:
    """The tables of outcomes and costs behind the utilities of a recipe; nothing where it has no conditions.

    Returns
    -------
    dict
        `conditions`, `outcome_set`, `outcomes` and `cycle_costs`, as `splgbench.value.outcomes.Value` takes them.
    """
    draws = Draws(recipe.seed)
    return value_columns(recipe, draws, _told(recipe, draws)[0])


def fund_contract(recipe: Recipe) -> tuple[Contract, Columns] | None:
    """The contract and the risk groups behind the budgets of a recipe; None where it has no fund."""
    draws = Draws(recipe.seed)
    return fund_terms(recipe, draws, _told(recipe, draws)[0])


def _told(recipe: Recipe, draws: Draws) -> tuple[dict[str, Any], dict[str, Any]]:
    """The tables for all years, and the extension `years` where there are several."""
    layout = _layout(recipe, draws)
    offers = _offers(recipe, draws, layout)
    tables: dict[str, Any] = {
        "hospitals": {"hospital": layout.hospitals, "cooperation": _cooperation(recipe, draws)},
        "areas": {"area": layout.areas, "name": _area_names(layout)},
        "groups": {
            "group": layout.groups,
            "area": [layout.areas[a] for a in layout.group_area.tolist()],
            "minimum_cases": _minimum_cases(recipe, draws, offers).tolist(),
            "minimum_share_bp": _minimum_shares(recipe, draws, layout).tolist(),
        },
        "demand": {
            "group": [layout.groups[g] for g in layout.cell_group.tolist()],
            "cases": offers.demand.tolist(),
        },
        "offers": {
            "hospital": [layout.hospitals[h] for h in offers.hospital.tolist()],
            "group": [layout.groups[g] for g in offers.group.tolist()],
            "capacity": offers.capacity.tolist(),
            "utility": _utilities(recipe, draws, offers).tolist(),
        },
        "links": _links(recipe, draws, layout),
        "area_capacity": _area_capacity(recipe, layout, offers),
    }
    if layout.regions:
        tables["regions"] = {"region": layout.regions}
        tables["demand"]["region"] = [layout.regions[r] for r in layout.cell_region.tolist()]
        tables["offers"]["region"] = [layout.regions[r] for r in layout.cell_region[offers.cell].tolist()]
    return over_years(recipe, draws, tables)


@dataclass(frozen=True)
class Draws:
    """The random numbers of one seed: each kind from its own stream, in fixed point."""

    seed: int

    def bits(self, kind: str, count: int) -> NDArray[np.uint64]:
        return raw_bits(f"{GENERATOR}, seed {self.seed}: {kind}", count)

    def happens(self, kind: str, count: int, probability: Decimal) -> BoolArray:
        """Whether each of `count` events happens."""
        return fixed_point.fraction(self.bits(kind, count)) < fixed(probability)

    def uniform(self, kind: str, count: int, low: int, high: int) -> IntArray:
        return fixed_point.uniform(self.bits(kind, count), low, high)

    def below(self, kind: str, count: int, bound: IntArray | int) -> IntArray:
        return fixed_point.below(self.bits(kind, count), bound)

    def normal(self, kind: str, count: int) -> IntArray:
        return fixed_point.normal(self.bits(kind, count))

    def lognormal(self, kind: str, count: int, sd: Decimal) -> IntArray:
        """Median 1, logarithmic standard deviation `sd`."""
        return exp(times(self.normal(kind, count), fixed(sd)))


@dataclass(frozen=True)
class _Layout:
    """Keys and where they belong.

    Parameters
    ----------
    regions : empty where the recipe has one region.
    group_area, rank_in_area : shape (G,); rank 0 is the area's first group.
    cell_group, cell_region : shape (C,).
    cell_hospitals : shape (C,), hospitals that plan the cell.
    cell_of : shape (H, G), the cell of an offer.
    """

    hospitals: list[str]
    areas: list[str]
    groups: list[str]
    regions: list[str]
    group_area: IntArray
    rank_in_area: IntArray
    cell_group: IntArray
    cell_region: IntArray
    cell_hospitals: IntArray
    cell_of: IntArray


def _layout(recipe: Recipe, draws: Draws) -> _Layout:
    n_ordinary_areas = recipe.areas - 1
    spare = recipe.groups - 2 - n_ordinary_areas
    at_random = draws.happens("area at random", spare, recipe.uneven_areas)
    in_turn = np.arange(spare) % n_ordinary_areas
    dealt = np.where(at_random, draws.below("area of a group", spare, n_ordinary_areas), in_turn)
    area_size = 1 + np.bincount(dealt, minlength=n_ordinary_areas)
    group_area = np.repeat(np.arange(recipe.areas), np.concatenate(([2], area_size)))
    rank_in_area = np.arange(recipe.groups) - np.searchsorted(group_area, group_area)
    areas = ["BASE", *_numbered("A", n_ordinary_areas)]
    ranks = _numbered("G", int(area_size.max()))
    ordinary = range(2, recipe.groups)
    groups = ["BP", "BPE", *(areas[group_area[g]] + ranks[rank_in_area[g]] for g in ordinary)]

    n_regions = recipe.regions
    region_of = np.arange(recipe.hospitals) * n_regions // recipe.hospitals
    together = draws.happens("supraregional group", recipe.groups, recipe.supraregional) & (n_regions > 1)
    regions = _numbered("R", n_regions) if n_regions > 1 else []
    if together.any():
        regions.append(ALL_REGIONS)
    cells_per_group = np.where(together, 1, n_regions)
    first_cell = np.cumsum(cells_per_group) - cells_per_group
    cell_group = np.repeat(np.arange(recipe.groups), cells_per_group)
    cell_region = np.where(together[cell_group], n_regions, np.arange(len(cell_group)) - first_cell[cell_group])
    in_region = np.append(np.bincount(region_of, minlength=n_regions), recipe.hospitals)
    return _Layout(
        hospitals=_numbered("H", recipe.hospitals),
        areas=areas,
        groups=groups,
        regions=regions,
        group_area=group_area,
        rank_in_area=rank_in_area,
        cell_group=cell_group,
        cell_region=cell_region,
        cell_hospitals=in_region[cell_region],
        cell_of=first_cell + np.where(together, 0, region_of[:, np.newaxis]),
    )


def _numbered(letter: str, count: int) -> list[str]:
    width = len(str(count))
    return [f"{letter}{i:0{width}}" for i in range(1, count + 1)]


def _area_names(layout: _Layout) -> list[str]:
    return ["Basic package", *(f"Area {area[1:]}" for area in layout.areas[1:])]


@dataclass(frozen=True)
class _Offers:
    """Offers by hospital and group, and the demand they compete for.

    Parameters
    ----------
    pair : shape (K,), h G + g, the offer's place in draws that have one number per hospital and group.
    hospital, group, cell, capacity : shape (K,).
    demand : shape (C,), cases.
    """

    pair: IntArray
    hospital: IntArray
    group: IntArray
    cell: IntArray
    capacity: IntArray
    demand: IntArray


def _offers(recipe: Recipe, draws: Draws, layout: _Layout) -> _Offers:
    n_pairs = recipe.hospitals * recipe.groups
    size = draws.lognormal("hospital size", recipe.hospitals, recipe.size_sd)
    eligible = np.repeat(_eligibility(recipe, size), recipe.groups)
    pair = np.flatnonzero(fixed_point.fraction(draws.bits("offer", n_pairs)) < eligible)
    hospital, group = np.divmod(pair, recipe.groups)
    cell = layout.cell_of[hospital, group]

    per_ten = times(draws.lognormal("demand", recipe.groups, recipe.demand_sd), fixed(recipe.demand_median))
    demand = np.maximum(1, times(per_ten[layout.cell_group] // 10, layout.cell_hospitals))

    # K = rho x B x share of the hospital's size among those that offer in the cell x noise.
    size_of_cell = np.zeros(len(demand), dtype=np.int64)
    np.add.at(size_of_cell, cell, size[hospital])
    share = ratio(size[hospital], size_of_cell[cell])
    noise = draws.lognormal("capacity", n_pairs, recipe.cap_sd)[pair]
    capacity = times(times(times(share, fixed(recipe.rho)), noise), demand[cell])
    return _Offers(pair, hospital, group, cell, capacity, demand)


def _eligibility(recipe: Recipe, size: IntArray) -> IntArray:
    """Probability that a hospital offers a group, shape (H,) in fixed point; equal sizes rank in their order."""
    n = len(size)
    rank = np.empty(n, dtype=np.int64)
    rank[np.argsort(size, kind="stable")] = np.arange(n)
    spread = fixed(recipe.breadth) * (2 * rank - (n - 1)) // max(1, n - 1)
    return np.clip(fixed(recipe.eligibility) + spread, 0, ONE)


def _minimum_cases(recipe: Recipe, draws: Draws, offers: _Offers) -> IntArray:
    """m_g: the median capacity of the group's offers (0 without offers) times its position."""
    order = np.lexsort((offers.capacity, offers.group))
    group, capacity = offers.group[order], offers.capacity[order]
    start = np.searchsorted(group, np.arange(recipe.groups), side="left")
    end = np.searchsorted(group, np.arange(recipe.groups), side="right")
    median = np.zeros(recipe.groups, dtype=np.int64)
    some = end > start
    middle = (start + end)[some]
    median[some] = (capacity[(middle - 1) // 2] + capacity[middle // 2]) // 2
    low, high = fixed(recipe.threshold_low), fixed(recipe.threshold_high)
    return times(draws.uniform("minimum cases", recipe.groups, low, high), median)


def _minimum_shares(recipe: Recipe, draws: Draws, layout: _Layout) -> IntArray:
    """v_g in basis points, scaled by the hospitals of the group's smallest cell."""
    hospitals = np.full(recipe.groups, recipe.hospitals, dtype=np.int64)
    np.minimum.at(hospitals, layout.cell_group, layout.cell_hospitals)
    most = np.minimum(ratio(recipe.share_max_bp * REFERENCE_HOSPITALS, hospitals), fixed(10_000))
    return times(draws.uniform("minimum share", recipe.groups, 0, ONE), most) >> fixed_point.FRACTION_BITS


def _area_capacity(recipe: Recipe, layout: _Layout, offers: _Offers) -> dict[str, list[Any]]:
    """Q_{h,a} = rho_area x demand of the area x the hospital's share in the capacities of the area's offers.

    BASE is left out: where nothing is stated, Q is the sum of the capacities.
    """
    area = layout.group_area[offers.group]
    pairs, position = np.unique(offers.hospital * recipe.areas + area, return_inverse=True)
    own = np.zeros(len(pairs), dtype=np.int64)
    np.add.at(own, position, offers.capacity)
    all_capacity, demand = (np.zeros(recipe.areas, dtype=np.int64) for _ in range(2))
    np.add.at(all_capacity, area, offers.capacity)
    np.add.at(demand, layout.group_area[layout.cell_group], offers.demand)
    stated = pairs % recipe.areas != BASE
    hospital, area = np.divmod(pairs[stated], recipe.areas)
    share = ratio(own[stated], np.maximum(1, all_capacity[area]))
    return {
        "hospital": [layout.hospitals[h] for h in hospital.tolist()],
        "area": [layout.areas[a] for a in area.tolist()],
        "capacity": times(times(share, fixed(recipe.rho_area)), demand[area]).tolist(),
    }


def _utilities(recipe: Recipe, draws: Draws, offers: _Offers) -> IntArray:
    of_hospital = times(draws.normal("utility of a hospital", recipe.hospitals), fixed(recipe.util_h))
    of_offer = times(draws.normal("utility of an offer", recipe.hospitals * recipe.groups), fixed(recipe.util_hl))
    points = np.maximum(ONE + of_hospital[offers.hospital] + of_offer[offers.pair], fixed(recipe.utility_floor))
    return np.maximum(1, times(points, recipe.utility_scale))


def _cooperation(recipe: Recipe, draws: Draws) -> list[str]:
    if recipe.cooperation_groups == 0:
        return [""] * recipe.hospitals
    keys = _numbered("C", recipe.cooperation_groups)
    member = draws.happens("cooperation member", recipe.hospitals, recipe.cooperation_members).tolist()
    which = draws.below("cooperation group", recipe.hospitals, recipe.cooperation_groups).tolist()
    return [keys[c] if joins else "" for c, joins in zip(which, member, strict=True)]


def _links(recipe: Recipe, draws: Draws, layout: _Layout) -> dict[str, list[Any]]:
    """Clauses "basic", "in-area" and "cross" of the ordinary groups; BP and BPE need nothing."""
    n = recipe.groups
    basic = _clauses(recipe, draws, "basic", 2, recipe.basic_links, Decimal(0))
    in_area = _clauses(recipe, draws, "in-area", MOST_IN_AREA, recipe.in_area_links, recipe.in_area_all)
    cross = _clauses(recipe, draws, "cross", MOST_ACROSS, recipe.cross_links, recipe.cross_all)
    takes_basic = draws.happens("cross: BP", n * MOST_ACROSS, recipe.cross_basic).reshape(n, MOST_ACROSS).tolist()
    first = (np.arange(n) - layout.rank_in_area).tolist()
    end = np.searchsorted(layout.group_area, layout.group_area, side="right").tolist()

    rows: list[tuple[int, str, str, int, str]] = []
    for g in range(2, n):
        rows += basic.rows(g, [BASIC_PACKAGE, BASIC_PACKAGE_ELECTIVE])
        rows += in_area.rows(g, [first[g] + i for i in in_area.distinct(g, g - first[g])])
        own = end[g] - first[g]
        outside = [2 + i if 2 + i < first[g] else 2 + i + own for i in cross.distinct(g, n - 2 - own)]
        picks = outside + [BASIC_PACKAGE] * (cross.count[g] - len(outside))
        rows += cross.rows(g, [BASIC_PACKAGE if bp else q for bp, q in zip(takes_basic[g], picks, strict=False)])
    return {
        "group": [layout.groups[row[0]] for row in rows],
        "clause": [row[1] for row in rows],
        "mode": [row[2] for row in rows],
        "required": [layout.groups[row[3]] for row in rows],
        "scope": [row[4] for row in rows],
    }


@dataclass(frozen=True)
class _Clauses:
    """What is drawn for the clauses of one kind: one entry a group, then one a member."""

    kind: str
    present: list[bool]
    is_all: list[bool]
    count: list[int]
    picks: list[list[int]]
    wide: list[list[bool]]

    def distinct(self, g: int, available: int) -> list[int]:
        """Different numbers below `available`: `count` of them, or all."""
        chosen: list[int] = []
        for i, pick in enumerate(self.picks[g][: min(self.count[g], available)]):
            number = pick * (available - i) // ONE
            for other in sorted(chosen):
                number += number >= other
            chosen.append(number)
        return chosen

    def rows(self, g: int, required: list[int]) -> list[tuple[int, str, str, int, str]]:
        """The clause of group g, a member named twice once: (group, clause, mode, required, scope)."""
        if not self.present[g]:
            return []
        mode = "all" if self.is_all[g] else "any"
        scopes = ["cooperation" if wide else "inhouse" for wide in self.wide[g]]
        members = dict(reversed(list(zip(required, scopes, strict=False))))
        return [(g, self.kind, mode, q, scope) for q, scope in reversed(members.items())]


def _clauses(
    recipe: Recipe, draws: Draws, kind: str, most: int, probability: Decimal, all_probability: Decimal
) -> _Clauses:
    n = recipe.groups
    picks = fixed_point.fraction(draws.bits(f"{kind}: members", n * most))
    wide = draws.happens(f"{kind}: cooperation", n * most, recipe.cooperation_links)
    return _Clauses(
        kind,
        draws.happens(f"{kind}: clause", n, probability).tolist(),
        draws.happens(f"{kind}: all", n, all_probability).tolist(),
        (1 + draws.below(f"{kind}: count", n, most)).tolist(),
        picks.reshape(n, most).tolist(),
        wide.reshape(n, most).tolist(),
    )


def _metadata(recipe: Recipe) -> dict[str, Any]:
    title = f"Synthetic instance {recipe.name}, seed {recipe.seed}"
    about = (
        f"Made by {GENERATOR} from the recipe recorded here; no hospital and no patient is real. "
        "The same recipe gives the same bytes."
    )
    return {
        "title": title,
        "description": f"{recipe.description} {about}".strip(),
        "licenses": [
            {
                "name": "CC0-1.0",
                "title": "CC0 1.0 Universal",
                "path": "https://creativecommons.org/publicdomain/zero/1.0/",
            }
        ],
        "generator": GENERATOR,
        "recipe": recipe.as_text(),
    }
