"""Extensions once more, as the plain search reads them: entries of the package as dictionaries, judged case by case.

Nothing here is shared with `splgbench.extensions`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from splgbench.testing.contracts import Bonuses, Bundles
from splgbench.testing.savings import Savings

Pair = tuple[str, str]
Tables = Mapping[str, Mapping[str, Any]]


class Variant(Protocol):
    """An extension as the search sees it; `most` is the most it can pay."""

    most: int

    def judge(self, cases: Mapping[Pair, int]) -> int | None:
        """What an allocation is paid, in utility units; None where it breaks the extension."""


class Years:
    """Years and how fast volumes change."""

    most = 0

    def __init__(self, entry: Any, _tables: Tables, _entries: Mapping[str, Any]) -> None:
        order = {year: t for t, year in enumerate(entry["years"])}
        self.place = {row["group"]: (row.get("unit", ""), order[row["year"]]) for row in entry["groups"]}
        offers = _tables["offers"]
        self.there = {(h, *self.place[g]) for h, g in zip(offers["hospital"], offers["group"], strict=True)}
        self.limited = "change_bp" in entry or "change_cases" in entry
        self.part, self.step = entry.get("change_bp", 0), entry.get("change_cases", 0)

    def judge(self, cases: Mapping[Pair, int]) -> int | None:
        total = dict.fromkeys(self.there, 0)
        for (hospital, group), x in cases.items():
            total[(hospital, *self.place[group])] += x
        for (hospital, unit, t), then in total.items():
            now = total.get((hospital, unit, t + 1))
            if self.limited and now is not None and 10_000 * abs(now - then) > self.part * then + 10_000 * self.step:
                return None
        return 0


class Budgets:
    """Regional budgets."""

    most = 0

    def __init__(self, entry: Any, tables: Tables, entries: Mapping[str, Any]) -> None:
        offers = tables["offers"]
        regions = offers.get("region") or [""] * len(offers["group"])
        calendar = entries.get("years", {"years": [""], "groups": []})
        year = {row["group"]: row["year"] for row in calendar["groups"]}
        self.years = calendar["years"]
        pairs = list(zip(offers["hospital"], offers["group"], strict=True))
        self.place = {(h, g): (r, year.get(g, "")) for (h, g), r in zip(pairs, regions, strict=True)}
        self.by_group = {row["group"]: row["cents"] for row in entry["group_costs"]}
        self.by_offer = {(row["hospital"], row["group"]): row["cents"] for row in entry.get("offer_costs", ())}
        self.budgets = {(row.get("region", ""), row.get("year", "")): row["cents"] for row in entry["budgets"]}
        self.carry = entry.get("carry_over_cents", 0)

    def judge(self, cases: Mapping[Pair, int]) -> int | None:
        left = dict(self.budgets)
        for pair, x in cases.items():
            if self.place[pair] in left and x:
                left[self.place[pair]] -= x * (self.by_offer[pair] if pair in self.by_offer else self.by_group[pair[1]])
        for region in {region for region, _ in left}:
            saved = 0
            for year in self.years:
                rest = left.get((region, year))
                if rest is not None and rest + saved < 0:
                    return None
                saved = 0 if rest is None else min(self.carry, rest + saved)
        return 0


VARIANTS: dict[str, Any] = {
    "years": Years,
    "regional_budget": Budgets,
    "bundled_payment": Bundles,
    "pay_for_performance": Bonuses,
    "shared_savings": Savings,
}
"""By the name of the extension."""
