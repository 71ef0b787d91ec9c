"""An instance as the verifier sees it: whole numbers over numbered offers, read from the package tables alone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

Place = tuple[str, str, str]
Key = tuple[str, str | None]


class Numbers:
    """What the tables state, by the definitions of docs/model.md.

    Offers k are numbered in the order of their table: `name` (hospital, group), `utility` u_k, `low` the least and
    `most` the largest volume of a mandate, `pair` its hospital-area. A place ("cell", group, region), or
    ("pair", hospital, area) where area capacities hold, limits the sum of x over its offers: `places` of each offer,
    `limit` of each place. `needs`: of each set of offers one must hold a mandate if k does. `granted` and `refused`
    come from overrides.
    """

    def __init__(self, tables: Mapping[str, Mapping[str, Any]], mode: str) -> None:
        offers = _rows(tables["offers"], "hospital", "group", "region", "capacity", "utility")
        groups = _rows(tables["groups"], "group", "area", "minimum_cases", "minimum_share_bp")
        by_group = {g: rest for g, *rest in groups}
        self.name = [(h, g) for h, g, *_ in offers]
        self.offer = {name: k for k, name in enumerate(self.name)}
        self.utility: list[int] = [u for *_, u in offers]
        self.pair = [("pair", h, by_group[g][0]) for h, g in self.name]
        cells = [("cell", g, r) for _, g, r, *_ in offers]
        self.limit: dict[Place, int] = dict.fromkeys(cells, 0)
        self.limit |= {("cell", g, r): b for g, r, b in _rows(tables["demand"], "group", "region", "cases")}
        if mode in ("area", "both"):
            for pair, offer in zip(self.pair, offers, strict=True):
                self.limit[pair] = self.limit.get(pair, 0) + offer[3]
            stated = _rows(tables.get("area_capacity"), "hospital", "area", "capacity")
            self.limit |= {("pair", h, a): capacity for h, a, capacity in stated}
        self.places = [[p for p in both if p in self.limit] for both in zip(cells, self.pair, strict=True)]
        overrides = _rows(tables.get("overrides"), "hospital", "group", "action", "cases", "rule")
        acts = [(self.offer[h, g], *act) for h, g, *act in overrides]
        fixed = {k: cases for k, action, cases, _ in acts if action == "fix"}
        self.granted = {k for k, action, cases, _ in acts if action == "grant" or cases}
        self.refused = {k for k, action, cases, _ in acts if action == "refuse" or cases == 0}
        exempt = {rule: {k for k, *_, named in acts if named == rule} for rule in ("threshold", "links")}
        self.low, self.most = list[int](), list[int]()
        for k, (_, g) in enumerate(self.name):
            _, least, share = by_group[g]
            low = 1 if k in exempt["threshold"] else max(1, least, -(-share * self.limit[cells[k]] // 10_000))
            high = min(self.limit[p] for p in self.places[k])
            if mode in ("group", "both"):
                high = min(high, offers[k][3])
            self.low.append(max(low, fixed.get(k, 0)))
            self.most.append(min(high, fixed.get(k) or high))
        self.needs = self._needs(tables, exempt["links"])

    def _needs(self, tables: Mapping[str, Mapping[str, Any]], exempt: set[int]) -> list[dict[Key, frozenset[int]]]:
        """Sets of offers of which one must stand, by clause and, for an all-clause, required group (else None)."""
        network = dict(_rows(tables["hospitals"], "hospital", "cooperation"))
        clauses = defaultdict(list)
        for g, *link in _rows(tables.get("links"), "group", "clause", "mode", "required", "scope"):
            clauses[g].append(link)
        needs: list[dict[Key, frozenset[int]]] = []
        for k, (h, g) in enumerate(self.name):
            found: dict[Key, set[int]] = defaultdict(set)
            for clause, mode, required, scope in clauses[g] if k not in exempt else ():
                wide = scope == "cooperation" and network[h]
                places = [p for p in network if network[p] == network[h]] if wide else [h]
                members = {self.offer[p, required] for p in places if (p, required) in self.offer}
                found[clause, required if mode == "all" else None] |= members
            needs.append({key: frozenset(at) for key, at in found.items() if k not in at})
        return needs


def _rows(table: Mapping[str, Sequence[Any]] | None, *columns: str) -> list[tuple[Any, ...]]:
    blank = [""] * len(next(iter((table or {"": ""}).values())))
    return list(zip(*((table or {}).get(column, blank) for column in columns), strict=True))
