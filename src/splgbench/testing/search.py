"""A third model of the problem: branch and bound in plain Python over dictionaries.

It reads package tables and the entries of extensions and shares no code with the rest of the project, so that no
mistake can be common to both. Meant for instances of up to about fifteen offers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from splgbench.testing.variants import VARIANTS

Pair = tuple[str, str]
Tables = Mapping[str, Mapping[str, Sequence[Any]]]


def search(
    tables: Tables, mode: str, extensions: Mapping[str, Any] | None = None
) -> tuple[int | None, dict[Pair, int] | None]:
    """The optimum and an optimal allocation; (None, None) where no allocation exists.

    Parameters
    ----------
    tables : columns of the package tables, as `Instance.to_tables` gives them.
    mode : the capacity mode.
    extensions : entries of the package by name. With any the volumes of each set of mandates are tried one by one, so
        numbers must be tiny.
    """
    return _Search(tables, mode, extensions or {}).run()


class _Search:
    def __init__(self, tables: Tables, mode: str, extensions: Mapping[str, Any]) -> None:
        self.variants = [VARIANTS[name](entry, tables, extensions) for name, entry in extensions.items()]
        self.most_pay = sum(variant.most for variant in self.variants)
        self.by_area = mode in ("area", "both")
        groups, offers, demand = tables["groups"], tables["offers"], tables["demand"]
        area = dict(zip(groups["group"], groups["area"], strict=True))
        regions = demand.get("region") or [""] * len(demand["group"])
        need = {(g, r): int(cases) for g, r, cases in zip(demand["group"], regions, demand["cases"], strict=True)}
        where = offers.get("region") or [""] * len(offers["group"])
        self.offers: list[Pair] = list(zip(offers["hospital"], offers["group"], strict=True))
        capacity = dict(zip(self.offers, map(int, offers["capacity"]), strict=True))
        self.utility = dict(zip(self.offers, map(int, offers["utility"]), strict=True))
        self.cell = {o: (o[1], r) for o, r in zip(self.offers, where, strict=True)}
        self.place = {(h, g): (h, area[g]) for h, g in self.offers}
        self.room: dict[Any, int] = {("cell", cell): need.get(cell, 0) for cell in self.cell.values()}
        total: dict[Pair, int] = {}
        for offer, place in self.place.items():
            total[place] = total.get(place, 0) + capacity[offer]
        stated = tables.get("area_capacity", {"hospital": [], "area": [], "capacity": []})
        for h, a, cases in zip(stated["hospital"], stated["area"], stated["capacity"], strict=True):
            if (h, a) in total:
                total[h, a] = int(cases)
        if self.by_area:
            self.room |= {("place", place): cases for place, cases in total.items()}
        self.least: dict[Pair, int] = {}
        self.most: dict[Pair, int] = {}
        self._read_bounds(tables, groups, capacity, need, mode)
        self.clauses = self._read_clauses(tables)
        # Best offers first: good answers early.
        self.order = sorted(self.offers, key=lambda o: -self.utility[o] * self.most[o])

    def _read_bounds(
        self, tables: Tables, groups: Any, capacity: dict[Pair, int], need: dict[Pair, int], mode: str
    ) -> None:
        """Least and most cases of a mandate, and what overrides make of them."""
        zeros = [0] * len(groups["group"])
        minimum = dict(zip(groups["group"], groups.get("minimum_cases") or zeros, strict=True))
        share = dict(zip(groups["group"], groups.get("minimum_share_bp") or zeros, strict=True))
        self.must: set[Pair] = set()
        self.cannot: set[Pair] = set()
        self.free_of_links: set[Pair] = set()
        fixed: dict[Pair, int] = {}
        no_threshold: set[Pair] = set()
        rows = tables.get("overrides", {})
        for h, g, action, cases, rule in zip(
            *(rows.get(name, ()) for name in ("hospital", "group", "action", "cases", "rule")), strict=True
        ):
            offer = (h, g)
            if action == "grant":
                self.must.add(offer)
            elif action == "refuse" or (action == "fix" and int(cases) == 0):
                self.cannot.add(offer)
            elif action == "fix":
                self.must.add(offer)
                fixed[offer] = int(cases)
            elif rule == "threshold":
                no_threshold.add(offer)
            else:
                self.free_of_links.add(offer)
        for offer in self.offers:
            b = need.get(self.cell[offer], 0)
            part, rest = divmod(int(share[offer[1]]) * b, 10_000)
            least = max(1, int(minimum[offer[1]]), part + (rest > 0))
            most = min(b, capacity[offer]) if mode in ("group", "both") else b
            self.least[offer] = max(1 if offer in no_threshold else least, fixed.get(offer, 0))
            self.most[offer] = min(most, fixed.get(offer, most))

    def _read_clauses(self, tables: Tables) -> dict[Pair, list[set[Pair]]]:
        """For each offer the sets of which one member each must stand."""
        hospitals = tables["hospitals"]
        network = dict(zip(hospitals["hospital"], hospitals.get("cooperation") or [""] * 10**6, strict=False))
        links = tables.get("links", {})
        clauses: dict[tuple[str, str], tuple[str, list[tuple[str, str]]]] = {}
        for g, clause, kind, required, scope in zip(
            *(links.get(name, ()) for name in ("group", "clause", "mode", "required", "scope")), strict=True
        ):
            clauses.setdefault((g, clause), (kind, []))[1].append((required, scope))
        known = set(self.offers)
        found: dict[Pair, list[set[Pair]]] = {offer: [] for offer in self.offers}
        for (g, _), (kind, members) in clauses.items():
            for offer in self.offers:
                if offer[1] != g or offer in self.free_of_links:
                    continue
                sets = []
                for required, scope in members:
                    homes = {offer[0]}
                    if scope == "cooperation" and network[offer[0]]:
                        homes |= {h for h, name in network.items() if name == network[offer[0]]}
                    sets.append({(h, required) for h in homes} & known)
                found[offer] += sets if kind == "all" else [set().union(*sets)]
        return found

    def run(self) -> tuple[int | None, dict[Pair, int] | None]:
        self.best: int | None = None
        self.answer: dict[Pair, int] | None = None
        for offer in self.must:
            if self.least[offer] > self.most[offer]:
                return None, None
        self._branch(0, set(), set())
        return self.best, self.answer

    def _branch(self, position: int, held: set[Pair], out: set[Pair]) -> None:
        """Decide the offers from `position` on; `held` have a mandate, `out` have none."""
        if not self._least_fits(held) or self._link_broken(held, out):
            return
        if self.best is not None and self._optimistic(held, position) + self.most_pay <= self.best:
            return
        if position == len(self.order):
            value, cases = self._tried(held) if self.variants else self._volumes(held)
            if value is not None and (self.best is None or value > self.best):
                self.best, self.answer = value, cases
            return
        offer = self.order[position]
        if offer not in self.cannot and self.least[offer] <= self.most[offer]:
            self._branch(position + 1, held | {offer}, out)
        if offer not in self.must:
            self._branch(position + 1, held, out | {offer})

    def _rows_of(self, offer: Pair) -> list[Any]:
        rows: list[Any] = [("cell", self.cell[offer])]
        return [*rows, ("place", self.place[offer])] if self.by_area else rows

    def _least_fits(self, held: set[Pair]) -> bool:
        used: dict[Any, int] = {}
        for offer in held:
            for row in self._rows_of(offer):
                used[row] = used.get(row, 0) + self.least[offer]
        return all(cases <= self.room[row] for row, cases in used.items())

    def _link_broken(self, held: set[Pair], out: set[Pair]) -> bool:
        return any(needed <= out for offer in held for needed in self.clauses[offer])

    def _optimistic(self, held: set[Pair], position: int) -> int:
        """Every cell filled by its best offers that are held or still open."""
        left = {cell: self.room["cell", cell] for cell in self.cell.values()}
        value = 0
        for offer in sorted(held | set(self.order[position:]), key=lambda o: -self.utility[o]):
            cases = max(0, min(left[self.cell[offer]], self.most[offer]))
            left[self.cell[offer]] -= cases
            value += cases * self.utility[offer]
        return value

    def _tried(self, held: set[Pair]) -> tuple[int | None, dict[Pair, int]]:
        """Best volumes of the mandates by trying all that fit, as extensions judge them; None where none obeys."""
        order, cases = sorted(held), dict[Pair, int]()
        best: tuple[int | None, dict[Pair, int]] = (self.best, {})
        room = dict(self.room)
        for offer in order:
            for row in self._rows_of(offer):
                room[row] -= self.least[offer]
        rest = [0]
        for offer in reversed(order):
            rest.append(rest[-1] + self.utility[offer] * self.most[offer])
        rest.reverse()

        def give(position: int, value: int) -> None:
            nonlocal best
            if best[0] is not None and value + rest[position] + self.most_pay <= best[0]:
                return
            if position == len(order):
                verdicts = [variant.judge(cases) for variant in self.variants]
                if None not in verdicts:
                    total = value + sum(pay for pay in verdicts if pay is not None)
                    if best[0] is None or total > best[0]:
                        best = (total, dict(cases))
                return
            offer = order[position]
            rows = self._rows_of(offer)
            spare = min([self.most[offer] - self.least[offer], *(room[row] for row in rows)])
            for more in range(spare, -1, -1):
                cases[offer] = self.least[offer] + more
                for row in rows:
                    room[row] -= more
                give(position + 1, value + self.utility[offer] * cases[offer])
                for row in rows:
                    room[row] += more
            del cases[offer]

        give(0, 0)
        return best if best[1] or not held else (None, {})

    def _volumes(self, held: set[Pair]) -> tuple[int, dict[Pair, int]]:
        """Best volumes of the mandates: least ones first, then augmenting paths of largest gain one case at a time.

        The paths alternate between offers that gain and offers that lose a case (successive shortest paths in the
        transportation network of places and cells); each keeps the flow optimal for its size, and gains fall.
        """
        cases = {offer: self.least[offer] for offer in held}
        room = dict(self.room)
        for offer in held:
            for row in self._rows_of(offer):
                room[row] -= cases[offer]
        while True:
            path = self._best_path(cases, room)
            if path is None:
                return sum(self.utility[o] * x for o, x in cases.items()), cases
            start, end, steps = path
            for offer, change in steps:
                cases[offer] += change
            for row in (start, end):
                if row is not None:
                    room[row] -= 1

    def _best_path(
        self, cases: dict[Pair, int], room: dict[Any, int]
    ) -> tuple[Any, Any, list[tuple[Pair, int]]] | None:
        """The path of largest positive gain from a place with room to a cell with room (Bellman-Ford)."""
        free = ("everywhere", None)
        source = {("place", self.place[o]) if self.by_area else free for o in cases}
        gain: dict[Any, int] = {node: 0 for node in source if node == free or room[node] > 0}
        came: dict[Any, tuple[Any, tuple[Pair, int]]] = {}
        arcs: list[tuple[Any, Any, int, tuple[Pair, int]]] = []
        for offer, now in cases.items():
            tail, head = ("place", self.place[offer]) if self.by_area else free, ("cell", self.cell[offer])
            if now < self.most[offer]:
                arcs.append((tail, head, self.utility[offer], (offer, 1)))
            if now > self.least[offer]:
                arcs.append((head, tail, -self.utility[offer], (offer, -1)))
        for _ in range(len(gain) + len(self.room) + len(source) + 1):
            changed = False
            for tail, head, worth, step in arcs:
                if tail in gain and gain[tail] + worth > gain.get(head, -(10**18)):
                    gain[head] = gain[tail] + worth
                    came[head] = (tail, step)
                    changed = True
            if not changed:
                break
        ends = [node for node in gain if node[0] == "cell" and room[node] > 0 and gain[node] > 0]
        if not ends:
            return None
        end = max(ends, key=lambda node: gain[node])
        steps, node = [], end
        while node in came:
            node, step = came[node]
            steps.append(step)
        return (None if node == free else node), end, steps
