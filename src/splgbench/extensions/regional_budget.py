"""Regional budgets (population payment): what a region's cases cost in a year stays within its budget.

With f_k the cost of a case of offer k in cents, stated by group and, where it differs, by offer, F_{r,t} the budget of
region r in year t, and s_{r,t} what the region saves of it for the year after, at most S (0 without carry-over):

    sum_{k of r, t} f_k x_k + s_{r,t} <= F_{r,t} + s_{r,t-1}      every region r and year t with a budget        (1)
    0 <= s_{r,t} <= S,   s_{r,t} = 0 where the year after has no budget                                          (2)

A case is paid for by the region whose demand it serves. The entry:

    "regional_budget": {
      "group_costs": [{"group": "G1", "cents": 950000}, ...],
      "offer_costs": [{"hospital": "H1", "group": "G1", "cents": 910000}, ...],
      "budgets": [{"region": "R1", "year": "2025", "cents": 120000000000}, ...],
      "carry_over_cents": 5000000000
    }

`region` stands where the instance has regions, `year` and carry_over_cents where it has the extension `years`. A
region and year that is not named has no budget: nothing limits it.
Source: budgets of purchasers by population (capitation), as rows of a knapsack.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, ClassVar

import numpy as np

from splgbench.checker import Violation
from splgbench.coupling import UNLIMITED, WholeRows
from splgbench.extensions.base import LARGEST, Entry, carried_rows
from splgbench.extensions.years import calendar
from splgbench.instance import Instance, IntArray
from splgbench.volumes import largest_volumes

Place = tuple[str, str]
"""Region and year, "" where the instance has none."""


@dataclass(frozen=True, eq=False)
class RegionalBudget:
    """Budgets of the regions of an instance.

    Parameters
    ----------
    group_costs : group to cents a case.
    offer_costs : (hospital, group) to cents a case, where it is not the group's.
    places : shape (R,), region and year of each budget, by region and in the order of the years.
    cents : shape (R,), F.
    carry_over : S in cents.
    before : shape (R,), the budget of the same region in the year before, -1 where there is none.
    cost : shape (K,), f_k in cents; 0 where no budget pays.
    budget : shape (K,), the budget that pays for the offer's cases, -1 where none does.
    """

    name: ClassVar[str] = "regional_budget"
    pays: ClassVar[bool] = False
    limits: ClassVar[bool] = True

    group_costs: Mapping[str, int]
    offer_costs: Mapping[tuple[str, str], int]
    places: tuple[Place, ...]
    cents: IntArray
    carry_over: int
    before: IntArray
    cost: IntArray
    budget: IntArray

    @classmethod
    def read(cls, entry: Any, instance: Instance, entries: Mapping[str, Any]) -> RegionalBudget:
        """See `splgbench.extensions.base.Extension.read`."""
        reader = Entry(cls.name, entry, ("group_costs", "offer_costs", "budgets", "carry_over_cents"))
        years, group_year = calendar(entries)
        group_costs = {group: f for group, (f,) in reader.by_group("group_costs", instance, "cents").items()}
        by_offer = reader.by_offer("offer_costs", instance, "cents")
        offer_costs = {pair: f for pair, (f,) in by_offer.items() if f is not None}
        budgets = _budgets(reader, instance, years)
        carry_over = reader.whole("carry_over_cents", reader.fields.get("carry_over_cents", 0))
        if carry_over and not years:
            reader.report("carry_over_cents", "needs the extension years", carry_over)
        reader.done()
        order = {year: t for t, year in enumerate(years)}
        places = tuple(sorted(budgets, key=lambda place: (place[0], order.get(place[1], 0))))
        number = {place: position for position, place in enumerate(places)}
        earlier = {year: before for before, year in pairwise(years)}
        before = [number.get((region, earlier.get(year, "")), -1) if year else -1 for region, year in places]
        budget = np.full(instance.n_offers, -1, dtype=np.int64)
        cost = np.zeros(instance.n_offers, dtype=np.int64)
        for k in range(instance.n_offers):
            hospital, group = instance.offer_name(k)
            region = instance.regions[int(instance.cell_region[instance.offer_cell[k]])] if instance.regions else ""
            budget[k] = number.get((region, group_year.get(group, "")), -1)
            cents = offer_costs.get((hospital, group), group_costs.get(group))
            if budget[k] >= 0 and cents is None:
                reader.report("group_costs", f"must name the cost of {group}, which {hospital} offers under a budget")
                reader.done()
            cost[k] = (cents or 0) if budget[k] >= 0 else 0
        _check_sums(reader, cost, largest_volumes(instance), budgets.values(), carry_over)
        found = [np.array(cells, dtype=np.int64) for cells in ([budgets[place] for place in places], before)]
        for array in (cost, budget, *found):
            array.flags.writeable = False
        return cls(group_costs, offer_costs, places, found[0], carry_over, found[1], cost, budget)

    def entry(self) -> dict[str, Any]:
        """See `splgbench.extensions.base.Extension.entry`."""
        found: dict[str, Any] = {
            "group_costs": [{"group": group, "cents": cents} for group, cents in sorted(self.group_costs.items())],
            "budgets": [
                {name: key for name, key in (("region", region), ("year", year)) if key} | {"cents": cents}
                for (region, year), cents in zip(self.places, self.cents.tolist(), strict=True)
            ],
        }
        if self.offer_costs:
            found["offer_costs"] = [
                {"hospital": hospital, "group": group, "cents": cents}
                for (hospital, group), cents in sorted(self.offer_costs.items())
            ]
        if self.carry_over:
            found["carry_over_cents"] = self.carry_over
        return found

    def carried(self, keys: Mapping[str, Mapping[str, str]]) -> dict[str, Any] | None:
        """See `splgbench.extensions.base.Extension.carried`: costs of what is gone go, budgets stay as they are."""
        found = self.entry()
        for table in ("group_costs", "offer_costs"):
            found[table] = carried_rows(found.get(table, ()), keys)
        for row in found["budgets"]:
            if "region" in row:
                row["region"] = keys["region"][row["region"]]
        return found

    @property
    def saves(self) -> IntArray:
        """Budgets of which something may be carried over, in order."""
        if not self.carry_over:
            return np.zeros(0, dtype=np.int64)
        return np.sort(self.before[self.before >= 0])

    @property
    def unit(self) -> IntArray:
        """Shape (R,), cents that one unit of each row of (1) stands for."""
        of = np.flatnonzero(self.cost > 0)
        unit = np.zeros(len(self.places), dtype=np.int64)
        np.gcd.at(unit, self.budget[of], self.cost[of])
        if self.carry_over:
            unit[self.before >= 0] = unit[self.saves] = 1
        return np.maximum(unit, 1)

    def rows(self) -> WholeRows:
        """(1) with a column for each s of (2).

        Where nothing is carried over a row is divided by the greatest common divisor of its costs and rounded down.
        """
        n_offers, n_rows = len(self.cost), len(self.places)
        saves, unit = self.saves, self.unit
        of = np.flatnonzero(self.cost > 0)
        own = np.full(n_rows, -1, dtype=np.int64)
        own[saves] = 2 * n_offers + np.arange(len(saves))
        takes = np.flatnonzero((self.before >= 0) & (own[self.before] >= 0))
        return WholeRows(
            family="regional_budget",
            n_offers=n_offers,
            own_lower=np.zeros(len(saves), dtype=np.int64),
            own_upper=np.full(len(saves), self.carry_over, dtype=np.int64),
            own_worth=np.zeros(len(saves), dtype=np.int64),
            row=np.concatenate((self.budget[of], saves, takes)),
            column=np.concatenate((of, own[saves], own[self.before[takes]])),
            value=np.concatenate((self.cost[of] // unit[self.budget[of]], 0 * saves + 1, 0 * takes - 1)),
            lower=np.full(n_rows, -UNLIMITED, dtype=np.int64),
            upper=self.cents // unit,
            own_free=True,
            texts=tuple(
                f"budget{_of(place)} ({cents} cents)"
                for place, cents in zip(self.places, self.cents.tolist(), strict=True)
            ),
        )

    def spent(self, volumes: Sequence[int]) -> list[int]:
        """What volumes over offers cost each budget, in cents."""
        total = [0] * len(self.places)
        for cases, cost, budget in zip(volumes, self.cost.tolist(), self.budget.tolist(), strict=True):
            if budget >= 0:
                total[budget] += cost * int(cases)
        return total

    def violations(self, volumes: Sequence[int]) -> Iterator[Violation]:
        """See `splgbench.extensions.base.Extension.violations`; amounts in cents.

        A region saves as much as it may: nobody is worse off for it the year after.
        """
        saved = [0] * len(self.places)
        for position, (place, spent) in enumerate(zip(self.places, self.spent(volumes), strict=True)):
            before = int(self.before[position])
            cents = int(self.cents[position]) + (saved[before] if before >= 0 else 0)
            saved[position] = min(self.carry_over, max(0, cents - spent))
            if spent > cents:
                text = f"the budget{_of(place)} is {cents} cents with what was carried over, {spent} are spent"
                yield Violation("regional_budget", None, None, spent - cents, text)

    def payment(self, volumes: Sequence[int]) -> int:
        """Nothing: a budget limits."""
        return 0


def _of(place: Place) -> str:
    region, year = place
    return f"{f' of {region}' if region else ''}{f' in {year}' if year else ''}"


def _check_sums(reader: Entry, cost: IntArray, largest: IntArray, budgets: Iterable[int], carry_over: int) -> None:
    """Sums stay exact in int64."""
    most = sum(f * x for f, x in zip(cost.tolist(), largest.tolist(), strict=True))
    if most >= LARGEST:
        reader.report("group_costs", "all cases that could be treated must cost less than 2^62 cents", most)
    total = sum(budgets) + carry_over
    if total >= LARGEST:
        reader.report("budgets", "all budgets must come to less than 2^62 cents", total)
    reader.done()


def _budgets(reader: Entry, instance: Instance, years: Sequence[str]) -> dict[Place, int]:
    """Cents by region and year."""
    budgets: dict[Place, int] = {}
    for row in reader.rows("budgets", "region", "year", "cents", optional=("region", "year")):
        place, region, year = row["place"], row.get("region", ""), row.get("year", "")
        if instance.regions and region not in instance.regions:
            reader.report(f"{place}.region", "must be a region of the instance", region)
        elif not instance.regions and region != "":
            reader.report(f"{place}.region", "needs a regions table in the package", region)
        elif years and year not in years:
            reader.report(f"{place}.year", "must be a year of the extension years", year)
        elif not years and year != "":
            reader.report(f"{place}.year", "needs the extension years", year)
        elif (region, year) in budgets:
            reader.report(place, "a region has one budget a year", (region, year))
        else:
            budgets[region, year] = reader.whole(f"{place}.cents", row["cents"])
    return budgets


extension = RegionalBudget
