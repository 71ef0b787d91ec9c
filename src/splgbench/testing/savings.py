"""Shared savings once more, as the plain search reads them (`splgbench.testing.variants`).

Nothing here is shared with `splgbench.extensions`.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from math import floor
from typing import Any

Pair = tuple[str, str]
Tables = Mapping[str, Mapping[str, Any]]


class Savings:
    """Shared savings: norm and actual cost of every case added up, payments in fractions."""

    def __init__(self, entry: Any, tables: Tables, entries: Mapping[str, Any]) -> None:
        groups, offers = tables["groups"], tables["offers"]
        area = dict(zip(groups["group"], groups["area"], strict=True))
        year = {row["group"]: row["year"] for row in entries.get("years", {"groups": []})["groups"]}
        regions = offers.get("region") or [""] * len(offers["group"])
        self.norm, self.cost = dict[Pair, int](), dict[Pair, int]()
        self.under: dict[Pair, set[str]] = {}
        for hospital, group, region in zip(offers["hospital"], offers["group"], regions, strict=True):
            pair = (hospital, group)
            of_group = [row for row in entry["group_costs"] if row["group"] == group]
            own = [row for row in entry.get("offer_costs", ()) if (row["hospital"], row["group"]) == pair]
            for row in (*of_group, *own):
                self.norm[pair] = row.get("norm_cents", self.norm.get(pair, 0))
                self.cost[pair] = row.get("cents", self.cost.get(pair, 0))
            has = {"hospital": hospital, "group": group, "area": area[group], "region": region, "year": year.get(group)}
            self.under[pair] = {
                row["contract"]
                for row in entry["members"]
                if all(has[name] == key for name, key in row.items() if name != "contract")
            }
        self.points = {(row["hospital"], row["group"]): row["points"] for row in entry.get("quality", ())}
        self.contracts = entry["contracts"]
        self.worth = Fraction(entry["worth_units"], entry["worth_cents"])
        best: dict[str, int] = {}
        for pair, cost in self.cost.items():
            best[pair[1]] = max(best.get(pair[1], 0), self.norm[pair] - cost)
        demand = tables["demand"]
        saved = sum(best.get(g, 0) * cases for g, cases in zip(demand["group"], demand["cases"], strict=True))
        self.most = sum(floor(self.worth * self._gain(row, saved, 0)) for row in self.contracts)

    def _gain(self, row: Mapping[str, Any], savings: int, minimum: int) -> Fraction:
        if savings <= 0 or savings < minimum:
            return Fraction(0)
        if row.get("basis") == "above_minimum":
            savings -= minimum
        paid = Fraction(savings * row["share_bp"], 10_000)
        return min(paid, Fraction(row["most_cents"])) if "most_cents" in row else paid

    def judge(self, cases: Mapping[Pair, int]) -> int | None:
        total = 0
        for row in self.contracts:
            patients = [pair for pair, x in cases.items() if row["contract"] in self.under[pair] for _ in range(x)]
            savings = sum(self.norm[pair] for pair in patients) - sum(self.cost[pair] for pair in patients)
            good = "points" not in row or sum(self.points[p] for p in patients) >= row["points"] * len(patients)
            if savings >= 0:
                paid = self._gain(row, savings, row.get("minimum_cents", 0)) if good else Fraction(0)
            else:
                losses = {name.removeprefix("loss_"): value for name, value in row.items() if name.startswith("loss_")}
                losses = {"share_bp": 0, **losses, "basis": row.get("basis")}
                paid = -self._gain(losses, -savings, losses.get("minimum_cents", 0))
            total += floor(self.worth * paid)
        return total
