"""Bundles and bonuses once more, as the plain search reads them (`splgbench.testing.variants`).

Nothing here is shared with `splgbench.extensions`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Pair = tuple[str, str]
Tables = Mapping[str, Mapping[str, Any]]


class Bundles:
    """Bundled payment: episodes are counted one by one."""

    def __init__(self, entry: Any, tables: Tables, _entries: Mapping[str, Any]) -> None:
        price = {row["group"]: row["cents"] for row in entry["group_prices"]}
        self.bundles: list[tuple[dict[str, int], int]] = []
        for row in entry["bundles"]:
            takes = {m["group"]: m.get("cases", 1) for m in entry["members"] if m["bundle"] == row["bundle"]}
            saved = sum(n * price[group] for group, n in takes.items()) - row["cents"]
            self.bundles.append((takes, saved * entry["worth_units"] // entry["worth_cents"]))
        self.hospitals = sorted(set(tables["offers"]["hospital"]))
        every_case = sum(tables["demand"]["cases"])
        self.most = every_case * sum(worth for _, worth in self.bundles)

    def judge(self, cases: Mapping[Pair, int]) -> int | None:
        paid = 0
        for hospital in self.hospitals:
            for takes, worth in self.bundles:
                left = {group: cases.get((hospital, group), 0) for group in takes}
                if any(left.values()) and not all(left.values()):
                    return None
                while all(left[group] >= n for group, n in takes.items()):
                    paid += worth
                    left = {group: left[group] - n for group, n in takes.items()}
        return paid


class Bonuses:
    """Pay for performance: quality as an average."""

    def __init__(self, entry: Any, tables: Tables, entries: Mapping[str, Any]) -> None:
        groups = tables["groups"]
        self.area = dict(zip(groups["group"], groups["area"], strict=True))
        self.year = {row["group"]: row["year"] for row in entries.get("years", {"groups": []})["groups"]}
        self.points = {(row["hospital"], row["group"]): row["points"] for row in entry.get("quality", ())}
        self.steps = entry["steps"]
        self.units, self.cents = entry["worth_units"], entry["worth_cents"]
        self.most = sum(self.units * step["cents"] // self.cents for step in self.steps)

    def judge(self, cases: Mapping[Pair, int]) -> int | None:
        paid = 0
        for step in self.steps:
            if self._reached(step, cases):
                paid += self.units * step["cents"] // self.cents
        return paid

    def _reached(self, step: Mapping[str, Any], cases: Mapping[Pair, int]) -> bool:
        patients = [
            pair
            for pair, x in cases.items()
            if pair[0] == step["hospital"]
            and step.get("area") in (None, self.area[pair[1]])
            and step.get("group") in (None, pair[1])
            and step.get("year") in (None, self.year.get(pair[1]))
            for _ in range(x)
        ]
        if len(patients) < step["cases"]:
            return False
        return "points" not in step or sum(self.points[pair] for pair in patients) >= step["points"] * len(patients)
