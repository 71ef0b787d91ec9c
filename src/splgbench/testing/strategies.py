"""Hypothesis strategies for instances with every feature of the model, allocations near feasibility and relabelings.

Instances are built from whole numbers without rejecting a draw. Numbers shrink towards few hospitals, few groups and
small values; a rule that is not drawn is absent, so that a minimal example shows only what matters.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from hypothesis import strategies as st

from splgbench.extensions import carried
from splgbench.instance import Instance
from splgbench.tables import CAPACITY_MODES
from splgbench.testing.variant_draws import VARIANT_DRAWS
from splgbench.transform import from_tables

Tables = dict[str, dict[str, list[Any]]]


@dataclass(frozen=True)
class Knobs:
    """How large and how tight instances are, and which features they may have.

    Parameters
    ----------
    hospitals, groups, areas, regions : most of each; at least one of the first three.
    offers : most offers.
    cases : largest demand and capacity.
    utility : largest utility.
    modes : capacity modes.
    minima, shares, links, cooperation, area_capacity, overrides : whether the feature may occur.
    members : most members of a clause.
    shared_clauses : whether groups of a hospital often ask for the same thing.
    one_network : whether all hospitals cooperate.
    sparse : whether hospital-group pairs may be missing, cells unstated.
    extensions : what every instance has of them; draws without are the same as ever.
    """

    hospitals: int = 3
    groups: int = 4
    areas: int = 2
    regions: int = 2
    offers: int = 10
    cases: int = 12
    utility: int = 9
    modes: tuple[str, ...] = CAPACITY_MODES
    minima: bool = True
    shares: bool = True
    links: bool = True
    cooperation: bool = True
    area_capacity: bool = True
    overrides: bool = True
    members: int = 2
    shared_clauses: bool = False
    one_network: bool = False
    sparse: bool = True
    extensions: tuple[str, ...] = ()

    def without(self, *features: str) -> Knobs:
        """The same knobs with features off."""
        off: dict[str, Any] = dict.fromkeys(features, False)
        return replace(self, **off)


DEFAULT_KNOBS = Knobs()


def instances(knobs: Knobs = DEFAULT_KNOBS) -> st.SearchStrategy[Instance]:
    """Instances of the size and with the features that `knobs` allow.

    Capacities are drawn around demand and thresholds around capacity, so that most draws have a rule that bites.
    """
    return _tables(knobs).map(lambda drawn: _instance(*drawn))


def _instance(tables: Tables, mode: str, extensions: dict[str, Any] | None = None) -> Instance:
    columns: dict[str, Any] = dict(tables)
    return Instance.from_tables(**columns, capacity_mode=mode, name="drawn", extensions=extensions)


@st.composite
def _tables(draw: st.DrawFn, knobs: Knobs) -> tuple[Tables, str, dict[str, Any]]:
    hospitals = [f"H{i}" for i in range(1, draw(_mostly_large(knobs.hospitals)) + 1)]
    groups = [f"G{i}" for i in range(1, draw(_mostly_large(knobs.groups)) + 1)]
    areas = [f"A{i}" for i in range(1, draw(_mostly_large(min(knobs.areas, len(groups)))) + 1)]
    regions = [f"R{i}" for i in range(1, draw(st.sampled_from([1, 1, max(1, knobs.regions)])) + 1)]
    mode = draw(st.sampled_from(knobs.modes))
    tables: Tables = {
        "hospitals": {"hospital": hospitals},
        "areas": {"area": areas},
        "groups": {
            "group": groups,
            "area": [areas[(i + draw(st.integers(0, 1))) % len(areas)] for i in range(len(groups))],
        },
    }
    if len(regions) > 1:
        tables["regions"] = {"region": regions}
    _draw_offers(draw, knobs, tables, regions)
    _draw_demand(draw, knobs, tables, regions)
    _draw_minima(draw, knobs, tables)
    if knobs.area_capacity:
        _draw_area_capacity(draw, tables)
    if knobs.links:
        _draw_links(draw, knobs, tables)
    if knobs.overrides and draw(st.booleans()):
        _draw_overrides(draw, tables, mode)
    entries: dict[str, Any] = {}
    for name in knobs.extensions:
        entries[name] = VARIANT_DRAWS[name](draw, tables, entries)
    return tables, mode, entries


_LIKELY = st.sampled_from([False, True, True])


def _mostly_large(most: int) -> st.SearchStrategy[int]:
    """1 .. most, larger numbers more often; shrinks towards 1."""
    return st.sampled_from([size for size in range(1, most + 1) for _ in range(size)])


def _draw_offers(draw: st.DrawFn, knobs: Knobs, tables: Tables, regions: list[str]) -> None:
    hospitals, groups = tables["hospitals"]["hospital"], tables["groups"]["group"]
    pairs = [(h, g) for g in groups for h in hospitals]
    if knobs.sparse:
        # Missing offers come as a set of pairs to leave out, so that shrinking removes whole offers.
        masks = st.integers(0, 2 ** len(pairs) - 1)
        missing = draw(masks) & draw(masks) if draw(st.booleans()) else 0
        pairs = [pair for position, pair in enumerate(pairs) if not missing >> position & 1]
    pairs = sorted(pairs[: knobs.offers])
    # Mostly some capacity: the range starts at 1 and 0 comes on its own.
    cases = st.one_of(st.integers(1, knobs.cases), st.integers(0, knobs.cases))
    utility = st.integers(1, knobs.utility)
    tables["offers"] = {
        "hospital": [h for h, _ in pairs],
        "group": [g for _, g in pairs],
        "capacity": [draw(cases) for _ in pairs],
        "utility": [draw(utility) for _ in pairs],
    }
    if len(regions) > 1:
        tables["offers"]["region"] = [draw(st.sampled_from(regions)) for _ in pairs]


def _draw_demand(draw: st.DrawFn, knobs: Knobs, tables: Tables, regions: list[str]) -> None:
    """Demand of a cell between nothing and a little more than its capacity."""
    offers = tables["offers"]
    where = offers.get("region", [""] * len(offers["group"]))
    capacity: dict[tuple[str, str], int] = {}
    for group, region, cases in zip(offers["group"], where, offers["capacity"], strict=True):
        capacity[group, region] = capacity.get((group, region), 0) + cases
    cells = [(g, r) for g in tables["groups"]["group"] for r in (regions if len(regions) > 1 else [""])]
    if knobs.sparse:
        cells = [cell for cell in cells if cell in capacity or draw(st.booleans())]
        cells = [cell for cell in cells if draw(st.integers(0, 15)) < 15]
    most = {cell: min(knobs.cases, capacity.get(cell, 0) + 2) for cell in cells}
    need = [draw(st.one_of(st.integers(1, most[cell]), st.integers(0, most[cell]))) for cell in cells]
    tables["demand"] = {"group": [g for g, _ in cells], "cases": need}
    if len(regions) > 1:
        tables["demand"]["region"] = [r for _, r in cells]


def _draw_minima(draw: st.DrawFn, knobs: Knobs, tables: Tables) -> None:
    offers, groups = tables["offers"], tables["groups"]["group"]
    if knobs.minima and draw(st.booleans()):
        largest = {
            g: max((k for g2, k in zip(offers["group"], offers["capacity"], strict=True) if g2 == g), default=1)
            for g in groups
        }
        # Up to the largest capacity, now and then one case more than anybody can treat.
        tables["groups"]["minimum_cases"] = [
            min(draw(st.integers(0, largest[g])) + draw(st.integers(0, 7)) // 7, knobs.cases + 1) for g in groups
        ]
    if knobs.shares and draw(st.booleans()):
        share = st.sampled_from([0, 0, 0, 1, 700, 2500, 3333, 3334, 5000, 10_000])
        tables["groups"]["minimum_share_bp"] = [draw(share) for _ in groups]


def _draw_area_capacity(draw: st.DrawFn, tables: Tables) -> None:
    """Some pairs get a capacity below the sum of their offers' capacities, or any."""
    offers = tables["offers"]
    area = dict(zip(tables["groups"]["group"], tables["groups"]["area"], strict=True))
    total: dict[tuple[str, str], int] = {}
    for hospital, group, cases in zip(offers["hospital"], offers["group"], offers["capacity"], strict=True):
        total[hospital, area[group]] = total.get((hospital, area[group]), 0) + cases
    stated = [(pair, draw(st.integers(0, cases + 1))) for pair, cases in total.items() if draw(st.booleans())]
    if stated:
        tables["area_capacity"] = {
            "hospital": [pair[0] for pair, _ in stated],
            "area": [pair[1] for pair, _ in stated],
            "capacity": [cases for _, cases in stated],
        }


def _draw_links(draw: st.DrawFn, knobs: Knobs, tables: Tables) -> None:
    groups = tables["groups"]["group"]
    several = len(tables["hospitals"]["hospital"]) > 1
    networks = knobs.one_network or (knobs.cooperation and several and draw(_LIKELY))
    if networks:
        names = st.just("N1") if knobs.one_network else st.sampled_from(["N1", "N1", "N2", ""])
        tables["hospitals"]["cooperation"] = [draw(names) for _ in tables["hospitals"]["hospital"]]
    rows: list[tuple[str, str, str, str, str]] = []
    drawn: list[tuple[str, list[str]]] = []
    for group in groups:
        for clause in range(draw(st.sampled_from([0, 1, 0, 1, 2]))):
            mode = draw(st.sampled_from(["any", "all"]))
            required = draw(st.lists(st.sampled_from(groups), min_size=1, max_size=knobs.members, unique=True))
            if knobs.shared_clauses and drawn and draw(_LIKELY):
                mode, required = drawn[-1]
            drawn.append((mode, required))
            for other in required:
                wide = networks and draw(_LIKELY)
                rows.append((group, str(clause + 1), mode, other, "cooperation" if wide else "inhouse"))
    if rows:
        columns = ("group", "clause", "mode", "required", "scope")
        tables["links"] = {name: [row[i] for row in rows] for i, name in enumerate(columns)}


def _draw_overrides(draw: st.DrawFn, tables: Tables, mode: str) -> None:
    """Up to two planner's decisions and up to two exemptions; a fix is legal by construction."""
    offers = tables["offers"]
    pairs = list(zip(offers["hospital"], offers["group"], strict=True))
    if not pairs:
        return
    rows: list[tuple[str, str, str, int | None, str]] = []
    some = st.lists(st.sampled_from(pairs), max_size=2, unique=True)
    for hospital, group in draw(some):
        rule = draw(st.sampled_from(["threshold", "links"]))
        rows.append((hospital, group, "exempt", None, rule))
    plain = _instance({**tables, **({"overrides": _override_table(rows)} if rows else {})}, mode)
    for pair in draw(some):
        action = draw(st.sampled_from(["refuse", "grant", "fix"]))
        cases = None
        if action == "fix":
            lowest, highest = _fix_range(plain, pair)
            # 0 stands for a refusal; between the two bounds every number is legal.
            cases = draw(st.one_of(st.just(0), st.integers(lowest, highest))) if lowest <= highest else 0
        rows.append((*pair, action, cases, ""))
    if rows:
        tables["overrides"] = _override_table(rows)


def _override_table(rows: list[tuple[str, str, str, int | None, str]]) -> dict[str, list[Any]]:
    columns = ("hospital", "group", "action", "cases", "rule")
    return {name: [row[i] for row in rows] for i, name in enumerate(columns)} | {"reason": ["drawn"] * len(rows)}


def _fix_range(instance: Instance, pair: tuple[str, str]) -> tuple[int, int]:
    """The legal volumes above 0 of an offer."""
    from splgbench.volumes import largest_volumes, thresholds

    k = instance.offer_index[pair]
    return int(thresholds(instance)[k]), int(largest_volumes(instance)[k])


@st.composite
def allocations(draw: st.DrawFn, instance: Instance, best: dict[tuple[str, str], int] | None = None) -> Any:
    """Cases by (hospital, group) near feasibility: some allocation with up to three numbers changed.

    Parameters
    ----------
    best : the allocation to start from, e.g. an optimum; None starts from nothing.
    """
    cases = dict(best or {})
    pairs = list(instance.offer_index)
    if not pairs:
        return cases
    volume = st.integers(0, int(instance.capacity.max(initial=0)) + 1)
    for pair in draw(st.lists(st.sampled_from(pairs), max_size=3)):
        cases[pair] = draw(st.one_of(st.just(max(0, cases.get(pair, 0) - 1)), st.just(cases.get(pair, 0) + 1), volume))
    return {pair: x for pair, x in cases.items() if x}


@dataclass(frozen=True)
class Relabeling:
    """New keys for hospitals, groups, areas and regions, in another alphabetical order."""

    keys: dict[str, dict[str, str]]

    def of(self, instance: Instance) -> Instance:
        """The instance under its new keys; rows keep their order."""
        kinds = {"hospital": "hospital", "group": "group", "required": "group", "area": "area", "region": "region"}
        tables = {
            table: {
                column: [self.keys[kinds[column]][cell] for cell in cells] if column in kinds else cells
                for column, cells in columns.items()
            }
            for table, columns in instance.to_tables().items()
        }
        extensions = carried(instance, self.keys)
        return from_tables(instance, tables, extensions=extensions, metadata={})


@st.composite
def relabelings(draw: st.DrawFn, instance: Instance) -> Relabeling:
    """Permutations of the keys of an instance."""
    kinds = {
        "hospital": instance.hospitals,
        "group": instance.groups,
        "area": instance.areas,
        "region": instance.regions,
    }
    return Relabeling({kind: dict(zip(keys, draw(st.permutations(keys)), strict=True)) for kind, keys in kinds.items()})
