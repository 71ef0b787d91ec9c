"""The model statement once more, in dictionaries straight from the tables: slow, plain and shared with nothing.

It is what the exact checker, the presolve stage, the polish and the formulations are compared with.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from scipy.optimize import LinearConstraint, milp
from scipy.sparse import csr_array, lil_array

from splgbench.model import MipModel

Cases = dict[tuple[str, str], int]


class Naive:
    """An instance as dictionaries.

    Parameters
    ----------
    tables : columns of the package tables.
    mode : the capacity mode.
    """

    def __init__(self, tables: dict[str, dict[str, list[Any]]], mode: str) -> None:
        self.mode = mode
        groups, offers, demand = tables["groups"], tables["offers"], tables["demand"]
        n_groups, n_demand, n_offers = len(groups["group"]), len(demand["group"]), len(offers["group"])
        self.area = dict(zip(groups["group"], groups["area"], strict=True))
        minimum = dict(zip(groups["group"], groups.get("minimum_cases") or [0] * n_groups, strict=True))
        share = dict(zip(groups["group"], groups.get("minimum_share_bp") or [0] * n_groups, strict=True))
        regions = demand.get("region") or [""] * n_demand
        self.demand = dict(zip(zip(demand["group"], regions, strict=True), demand["cases"], strict=True))
        pairs = list(zip(offers["hospital"], offers["group"], strict=True))
        self.capacity = dict(zip(pairs, offers["capacity"], strict=True))
        self.utility = dict(zip(pairs, offers["utility"], strict=True))
        self.region = dict(zip(pairs, offers.get("region") or [""] * n_offers, strict=True))
        self.area_capacity: dict[tuple[str, str], int] = {}
        for (h, g), cases in self.capacity.items():
            self.area_capacity[h, self.area[g]] = self.area_capacity.get((h, self.area[g]), 0) + cases
        stated = tables.get("area_capacity", {"hospital": [], "area": [], "capacity": []})
        for h, a, cases in zip(stated["hospital"], stated["area"], stated["capacity"], strict=True):
            self.area_capacity[h, a] = cases
        network = dict(zip(tables["hospitals"]["hospital"], tables["hospitals"]["cooperation"], strict=True))
        self.partners = {
            h: [other for other in network if other == h or (network[h] and network[other] == network[h])]
            for h in network
        }
        links = tables.get("links", {"group": [], "clause": [], "mode": [], "required": [], "scope": []})
        self.clauses: dict[tuple[str, str], tuple[str, list[tuple[str, str]]]] = {}
        for g, clause, kind, required, scope in zip(
            *(links[name] for name in ("group", "clause", "mode", "required", "scope")), strict=True
        ):
            self.clauses.setdefault((g, clause), (kind, []))[1].append((required, scope))
        overrides = tables.get("overrides", {"hospital": [], "group": [], "action": [], "cases": [], "rule": []})
        self.fixed: dict[tuple[str, str], tuple[str, int | None]] = {}
        self.exempt: set[tuple[str, str, str]] = set()
        for h, g, action, cases, rule in zip(
            *(overrides[name] for name in ("hospital", "group", "action", "cases", "rule")), strict=True
        ):
            if action == "exempt":
                self.exempt.add((h, g, rule))
            else:
                self.fixed[h, g] = (action, cases)
        self.threshold: Cases = {}
        self.largest: Cases = {}
        for h, g in pairs:
            b = self.demand.get((g, self.region[h, g]), 0)
            t = max(1, minimum[g], -((-share[g] * b) // 10_000))
            self.threshold[h, g] = 1 if (h, g, "threshold") in self.exempt else t
            limits = [b]
            if mode in ("group", "both"):
                limits.append(self.capacity[h, g])
            if mode in ("area", "both"):
                limits.append(self.area_capacity[h, self.area[g]])
            self.largest[h, g] = min(limits)

    def requirements(self, h: str, g: str) -> Iterator[tuple[str, str, set[tuple[str, str]]]]:
        """(clause, mode, offers one of which must stand) of everything that (h, g) needs."""
        if (h, g, "links") in self.exempt:
            return
        for (group, clause), (kind, members) in self.clauses.items():
            if group != g:
                continue
            places = [
                {
                    (place, required)
                    for place in (self.partners[h] if scope == "cooperation" else [h])
                    if (place, required) in self.capacity
                }
                for required, scope in members
            ]
            if kind == "any":
                yield clause, kind, set().union(*places)
            else:
                yield from ((clause, kind, place) for place in places)

    def value(self, cases: Cases) -> int:
        """Utility of the cases that stand at offers."""
        return sum(self.utility[pair] * x for pair, x in cases.items() if pair in self.utility)

    def violations(self, cases: Cases) -> list[tuple[str, str | None, str | None, int]]:
        """(rule, hospital, group or area, amount) of everything that is broken, sorted."""
        found: list[tuple[str, str | None, str | None, int]] = []
        cases = {pair: x for pair, x in cases.items() if x}
        for (h, g), x in cases.items():
            if (h, g) not in self.capacity:
                found.append(("offer", h, g, abs(x)))
            elif x < 0:
                found.append(("whole", h, g, -x))
        held = {pair: x for pair, x in cases.items() if pair in self.capacity}
        for cell in {(g, self.region[h, g]) for h, g in held}:
            total = sum(x for (h, g), x in held.items() if (g, self.region[h, g]) == cell)
            if total > self.demand.get(cell, 0):
                found.append(("demand", None, cell[0], total - self.demand.get(cell, 0)))
        if self.mode in ("group", "both"):
            found += [
                ("capacity", h, g, x - self.capacity[h, g]) for (h, g), x in held.items() if x > self.capacity[h, g]
            ]
        if self.mode in ("area", "both"):
            for h, a in {(h, self.area[g]) for h, g in held}:
                total = sum(x for (other, g), x in held.items() if (other, self.area[g]) == (h, a))
                if total > self.area_capacity[h, a]:
                    found.append(("area_capacity", h, None, total - self.area_capacity[h, a]))
        mandates = {pair for pair, x in held.items() if x > 0}
        for h, g in mandates:
            if held[h, g] < self.threshold[h, g]:
                found.append(("threshold", h, g, self.threshold[h, g] - held[h, g]))
            broken = {clause for clause, _, offers in self.requirements(h, g) if not offers & mandates}
            found += [("link", h, g, 1)] * len(broken)
        for (h, g), (action, wanted) in self.fixed.items():
            x = cases.get((h, g), 0)
            if action == "grant" and x <= 0:
                found.append(("override", h, g, 1))
            elif action == "refuse" and x != 0:
                found.append(("override", h, g, abs(x)))
            elif action == "fix" and wanted is not None and x != wanted:
                found.append(("override", h, g, abs(x - wanted)))
        return sorted(found, key=str)

    def volumes(self, h: str, g: str) -> list[int]:
        """Cases that the offer may have by the rules that concern it alone."""
        choices = [0, *range(self.threshold[h, g], self.largest[h, g] + 1)]
        action, wanted = self.fixed.get((h, g), ("", None))
        if action == "grant":
            return choices[1:]
        if action == "refuse":
            return [0]
        return [x for x in choices if action != "fix" or x == wanted]

    def allocations(self) -> Iterator[Cases]:
        """Every allocation that breaks no rule."""
        pairs = sorted(self.capacity)
        left_cell = dict(self.demand)
        left_pair = dict(self.area_capacity)
        bounded = self.mode in ("area", "both")
        needs = {pair: [offers for _, _, offers in self.requirements(*pair)] for pair in pairs}
        options = {pair: self.volumes(*pair) for pair in pairs}
        chosen: Cases = {}

        def extend(position: int) -> Iterator[Cases]:
            if position == len(pairs):
                mandates = {pair for pair, x in chosen.items() if x}
                if all(offers & mandates for pair in mandates for offers in needs[pair]):
                    yield {pair: x for pair, x in chosen.items() if x}
                return
            h, g = pair = pairs[position]
            cell, place = (g, self.region[pair]), (h, self.area[g])
            for x in options[pair]:
                if x and (x > left_cell.get(cell, 0) or (bounded and x > left_pair[place])):
                    break
                chosen[pair] = x
                left_cell[cell] = left_cell.get(cell, 0) - x
                left_pair[place] -= x
                yield from extend(position + 1)
                left_cell[cell] += x
                left_pair[place] += x
            chosen.pop(pair, None)

        yield from extend(0)

    def optimum(self) -> int | None:
        """The best value over all allocations, by enumeration; None without one."""
        return max(map(self.value, self.allocations()), default=None)

    def solved(self, mandates: set[tuple[str, str]] | None = None) -> int | None:
        """The optimum by a MILP of SciPy, written row by row; None where there is none.

        Parameters
        ----------
        mandates : the mandates that stand; None leaves them free.
        """
        pairs = sorted(self.capacity)
        n = len(pairs)
        if not n:
            return 0
        at = {pair: k for k, pair in enumerate(pairs)}
        rows: list[tuple[dict[int, float], float]] = []
        for cell in {(g, self.region[h, g]) for h, g in pairs}:
            members = {at[h, g]: 1.0 for h, g in pairs if (g, self.region[h, g]) == cell}
            rows.append((members, self.demand.get(cell, 0)))
        if self.mode in ("area", "both"):
            for place in {(h, self.area[g]) for h, g in pairs}:
                members = {at[h, g]: 1.0 for h, g in pairs if (h, self.area[g]) == place}
                rows.append((members, self.area_capacity[place]))
        low, high = np.zeros(2 * n), np.ones(2 * n)
        for pair, k in at.items():
            rows.append(({k: 1.0, n + k: -self.largest[pair]}, 0))
            rows.append(({k: -1.0, n + k: self.threshold[pair]}, 0))
            for _, _, offers in self.requirements(*pair):
                if pair not in offers:
                    rows.append(({n + k: 1.0} | {n + at[other]: -1.0 for other in offers}, 0))
            high[k] = max(self.largest[pair], 0)
            action, wanted = self.fixed.get(pair, ("", None))
            if action == "grant":
                low[n + k] = 1
            elif action == "refuse":
                high[n + k] = 0
            elif action == "fix":
                low[k] = high[k] = wanted or 0
            if mandates is not None:
                if pair in mandates:
                    low[n + k] = 1
                else:
                    high[n + k] = 0
        if (low > high).any():
            return None
        matrix = lil_array((len(rows), 2 * n))
        for i, (entries, _) in enumerate(rows):
            for column, value in entries.items():
                matrix[i, column] = value
        objective = np.concatenate((-np.array([self.utility[pair] for pair in pairs], dtype=float), np.zeros(n)))
        answer = milp(
            objective,
            constraints=LinearConstraint(matrix.tocsr(), -np.inf, [limit for _, limit in rows]),
            integrality=np.ones(2 * n),
            bounds=(low, high),
            options={"mip_rel_gap": 0},
        )
        return None if answer.status == 2 else round(-answer.fun)


def solved(model: MipModel) -> int | None:
    """The optimum of a model without semicontinuous and conditional parts, by SciPy; None where it is infeasible."""
    assert not model.semicontinuous.any()
    assert not len(model.indicator_row)
    if not model.n_columns:
        return 0
    matrix = csr_array((model.row_values, model.row_columns, model.row_start), shape=(model.n_rows, model.n_columns))
    answer = milp(
        -model.objective,
        constraints=LinearConstraint(matrix, model.row_lower, model.row_upper) if model.n_rows else (),
        integrality=model.integer.astype(int),
        bounds=(model.lower, model.upper),
        options={"mip_rel_gap": 0},
    )
    return None if answer.status == 2 else round(-answer.fun)
