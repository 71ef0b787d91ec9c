"""Value and the fund's account once more, as their equations read: rows of tables, fractions, no shared code.

Each stage is a field, so that a mutant departs at one place (`splgbench.testing.mutants.value`, `.fund`). Nothing here
is shared with `splgbench.value` but the contract and the account themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import floor
from typing import Any

from splgbench.instance import Instance
from splgbench.transform import from_tables, to_tables
from splgbench.value.fund import COLUMNS, Account, Contract

Columns = Mapping[str, Sequence[Any]]
ValueTables = Mapping[str, Columns]
"""`conditions`, `outcome_set`, `outcomes` and `cycle_costs`, as columns."""
SCALE = 100
"""Utility units a point."""


def rows_of(table: Columns) -> list[dict[str, Any]]:
    """The rows of a table."""
    return [dict(zip(table, cells, strict=True)) for cells in zip(*table.values(), strict=True)]


def columns_from(rows: Sequence[Mapping[str, Any]], like: Columns) -> dict[str, list[Any]]:
    """Rows as columns, those of `like`."""
    return {name: [row[name] for row in rows] for name in like}


def linear_points(value: Fraction, worst: Fraction, best: Fraction) -> Fraction:
    """0 to 100 points, linear between the ends of a scale and flat outside."""
    part = (value - worst) / (best - worst)
    return 100 * min(Fraction(1), max(Fraction(0), part))


def over_reference(points: Fraction, reference: Fraction, cost: int) -> Fraction:
    """V = P R / C."""
    return points * reference / cost


def half_up(number: Fraction) -> int:
    """The nearest whole number, halves up."""
    return floor(number + Fraction(1, 2))


def stated_or_mean(stated: Any, costs: Sequence[int]) -> Fraction:
    """The reference cost of a condition."""
    return Fraction(sum(costs), len(costs)) if stated in (None, "") else Fraction(stated)


def unread(tables: ValueTables) -> ValueTables:
    """Tables as they are."""
    return tables


@dataclass(frozen=True)
class PlainValuation:
    """An instance by value (docs/value.md): a valuation that mutants depart from.

    Parameters
    ----------
    reads : the tables as they are read.
    points : of a value between the bad and the good end of its scale.
    reference : cost of a condition, from the one that is stated, or not, and those of the hospitals.
    worth : of points, at a reference cost and a hospital's.
    part : of a condition's worth in that of its group, as it is added up.
    rounds : the utility, times `SCALE`.
    """

    reads: Callable[[ValueTables], ValueTables] = unread
    points: Callable[[Fraction, Fraction, Fraction], Fraction] = linear_points
    reference: Callable[[Any, Sequence[int]], Fraction] = stated_or_mean
    worth: Callable[[Fraction, Fraction, int], Fraction] = over_reference
    part: Callable[[Fraction], Fraction] = Fraction
    rounds: Callable[[Fraction], int] = half_up

    def __call__(self, instance: Instance, tables: ValueTables, objective: str = "value") -> Instance:
        """The instance with value in place of its utilities, and the column `cost`.

        Parameters
        ----------
        objective : "value", or "outcomes" for points alone.
        """
        read = {name: rows_of(table) for name, table in self.reads(tables).items()}
        worth: list[int] = []
        cost: list[int] = []
        for hospital, group in map(instance.offer_name, range(instance.n_offers)):
            value = mean_cost = Fraction(0)
            for row in read["conditions"]:
                if row["group"] == group:
                    share = Fraction(int(row["share_bp"]), 10_000)
                    points = self._points(read, hospital, row["condition"])
                    spent = _cycle(read, row["condition"])
                    reference = self.reference(row["reference_cost"], list(spent.values()))
                    mean_cost += share * spent[hospital]
                    whole = points if objective == "outcomes" else self.worth(points, reference, spent[hospital])
                    value += self.part(share * whole)
            worth.append(self.rounds(SCALE * value))
            cost.append(half_up(mean_cost))
        changed = to_tables(instance)
        changed["offers"] |= {"utility": worth, "cost": cost}
        return from_tables(instance, changed, utility_scale=SCALE)

    def _points(self, read: Mapping[str, list[dict[str, Any]]], hospital: str, condition: str) -> Fraction:
        """Points of a hospital; the weight of what is missing goes to the rest."""
        total = weights = Fraction(0)
        for measure in read["outcome_set"]:
            key = (hospital, condition, measure["measure"])
            found = [row for row in read["outcomes"] if (row["hospital"], row["condition"], row["measure"]) == key]
            if measure["condition"] == condition and found:
                ends = [Fraction(str(measure[end])) for end in ("low", "high")]
                worst, best = ends if measure["direction"] == "higher" else ends[::-1]
                weight = Fraction(str(measure["weight"]))
                total += weight * self.points(Fraction(str(found[0]["value"])), worst, best)
                weights += weight
        return total / weights


def _cycle(read: Mapping[str, list[dict[str, Any]]], condition: str) -> dict[str, int]:
    """Cost of a case over the cycle of care, by hospital."""
    found: dict[str, int] = {}
    for row in read["cycle_costs"]:
        if row["condition"] == condition:
            found[row["hospital"]] = found.get(row["hospital"], 0) + int(row["cost"])
    return found


def half_away(numerator: int, denominator: int) -> int:
    """The nearest whole number to a fraction, halves away from 0."""
    exact = Fraction(numerator, denominator)
    return half_up(exact) if exact >= 0 else -half_up(-exact)


def counted(groups: Sequence[Mapping[str, Any]]) -> int:
    """The norm cost of risk groups: of each what its persons cost."""
    return sum(group["insured"] * group["norm_cents"] for group in groups)


def nothing_of(_insurer: int | None) -> int:
    """What the fund's own balance has of savings."""
    return 0


def of_the_norm(norm: int, _before: int) -> int:
    """What a rate is taken of: the norm cost, not the budget of the year before."""
    return norm


def balance_before(before: int, _supplement: int) -> int:
    """What interest is taken of: the balance of the year before."""
    return before


def against_norm(norm: int, _budget: int, cost: int) -> int:
    """A saving: what the cost lies below the norm, whatever the budget."""
    return norm - cost


def rest(saving: int, insurer: int, _contract: Contract) -> int:
    """The integrator's part: what the insurer's leaves."""
    return saving - insurer


def lasting(balances: Sequence[int | None]) -> int | None:
    """The first year after the last one below 0."""
    below = [t for t, balance in enumerate(balances, 1) if balance is None or balance < 0]
    if None in balances or not below or below[-1] == len(balances):
        return None
    return below[-1] + 1


@dataclass(frozen=True)
class PlainAccount:
    """A contract's account (docs/value.md): one that mutants depart from.

    Parameters
    ----------
    rounds : a fraction to whole cents.
    norms : norm cost of the risk groups of a year.
    ahead : years by which the rate of the path runs ahead.
    base : what a rate is taken of, from the norm cost and the budget of the year before (0 in year 1).
    bears : what interest is taken of, from the balance of the year before and the supplement.
    saves : a saving, from norm cost, budget and actual cost.
    keeps : what the balance takes of the insurer's part.
    remains : the integrator's part, from the saving, the insurer's part and the contract.
    breaks_even : year of break-even, from the balances.
    """

    rounds: Callable[[int, int], int] = half_away
    norms: Callable[[Sequence[Mapping[str, Any]]], int] = counted
    ahead: int = 0
    base: Callable[[int, int], int] = of_the_norm
    bears: Callable[[int, int], int] = balance_before
    saves: Callable[[int, int, int], int] = against_norm
    keeps: Callable[[int | None], int] = nothing_of
    remains: Callable[[int, int, Contract], int] = rest
    breaks_even: Callable[[Sequence[int | None]], int | None] = lasting

    def __call__(self, contract: Contract, risk_groups: Columns, actual: Columns | None = None) -> Account:
        """The account; see `splgbench.value.fund.account`."""
        rates = [step.rate_bp for step in contract.path for _ in range(step.first, step.last + 1)]
        costs = {} if actual is None else dict(zip(actual["year"], actual["cost_cents"], strict=True))
        groups = rows_of(risk_groups)
        norm = budget = balance = 0
        insurers: int | None = 0
        rows: list[tuple[int | None, ...]] = []
        for t in range(1, contract.years + 1):
            given = [row for row in groups if row["year"] == t]
            norm = self.norms(given) if given else self.rounds(norm * (10_000 + contract.growth_bp), 10_000)
            rate = rates[min(len(rates), t + self.ahead) - 1]
            supplement = self.rounds(self.base(norm, budget) * rate, 10_000)
            interest = self.rounds(self.bears(balance, supplement) * contract.interest_bp, 10_000)
            budget, balance = norm + supplement, balance + interest - supplement
            saving = insurer = integrator = None
            if t in costs:
                saving = self.saves(norm, budget, costs[t])
                if saving < 0 and contract.losses == "insurer":
                    insurer, integrator = saving, 0
                else:
                    insurer = self.rounds(saving * contract.insurer_share, 100)
                    integrator = self.remains(saving, insurer, contract)
            balance += self.keeps(insurer)
            insurers = None if insurers is None or insurer is None else insurers + insurer
            with_savings = None if insurers is None else balance + insurers
            cells = (t, norm, rates[t - 1], supplement, budget, interest, balance, costs.get(t))
            rows.append((*cells, saving, insurer, integrator, with_savings))
        table = {name: [row[at] for row in rows] for at, name in enumerate(COLUMNS)}
        return Account(table, self.breaks_even(table["balance"]), self.breaks_even(table["balance_with_savings"]))
