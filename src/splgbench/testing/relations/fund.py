"""What must hold of a fund's account.

A subject "account" is called with a contract and the tables `risk_groups` and `actual` (or None) and gives a
`splgbench.value.fund.Account`; that module's `account` is one. Accounts need no instance: the smallest one stands in.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from hypothesis import strategies as st

from splgbench.testing.plain_value import PlainAccount
from splgbench.testing.relations.base import Relation
from splgbench.testing.strategies import Knobs
from splgbench.testing.trial import Trial
from splgbench.testing.value_draws import actual_costs, fund_contract, risk_groups
from splgbench.value.fund import Account, Contract, Step
from splgbench.value.fund_check import account_errors

Columns = dict[str, list[Any]]
Accounts = Callable[[Contract, Columns, Columns | None], Account]
Rows = list[dict[str, Any]]

ALONE = Knobs(hospitals=1, groups=1, offers=1, cases=1, regions=1).without(
    "minima", "shares", "links", "cooperation", "area_capacity", "overrides", "sparse"
)
OWN = ("norm", "rate_bp", "supplement", "budget", "interest", "balance")
"""Columns that no actual cost moves."""
EXACT = 10_000
"""Norm costs in multiples of this need no rounding."""


@dataclass(frozen=True)
class FundCase:
    """A contract with its tables."""

    contract: Contract
    risk_groups: Columns
    actual: Columns

    def of(self, accounts: Accounts) -> Account:
        """Its account."""
        return accounts(self.contract, self.risk_groups, self.actual)

    def rows(self, accounts: Accounts) -> Rows:
        """The rows of its account."""
        return _rows(self.of(accounts))


def _rows(account: Account) -> Rows:
    return [dict(zip(account.table, cells, strict=True)) for cells in zip(*account.table.values(), strict=True)]


def _case(draw: st.DrawFn, _: Trial) -> FundCase:
    contract = fund_contract(draw)
    return FundCase(contract, risk_groups(draw, contract), actual_costs(draw, contract))


def _first_difference(here: Rows, there: Rows, columns: Sequence[str]) -> str | None:
    """The first cell in which rows differ."""
    for one, other in zip(here, there, strict=True):
        for name in columns:
            if one[name] != other[name]:
                return f"{name} of year {one['year']} is {one[name]} and {other[name]}"
    return None


def _errs(accounts: Accounts, _: Trial, case: FundCase) -> str | None:
    found, right = case.of(accounts), case.of(PlainAccount())
    told = _first_difference(_rows(found), _rows(right), tuple(right.table))
    if told is None and (found.break_even, found.break_even_with_savings) != (
        right.break_even,
        right.break_even_with_savings,
    ):
        told = f"break-even in {found.break_even}, {found.break_even_with_savings}"
        told += f" and {right.break_even}, {right.break_even_with_savings}"
    return told


def _fails_the_check(accounts: Accounts, _: Trial, case: FundCase) -> str | None:
    errors = account_errors(case.contract, case.risk_groups, case.actual, case.of(accounts))
    return errors[0] if errors else None


def _does_not_add_up(accounts: Accounts, _: Trial, case: FundCase) -> str | None:
    total = 0
    for row in case.rows(accounts):
        total += row["interest"] - row["supplement"]
        if row["balance"] != total:
            return f"supplements and interest up to year {row['year']} come to {total}, the balance is {row['balance']}"
        if row["saving"] is not None and row["insurer"] + row["integrator"] != row["saving"]:
            return f"{row['insurer']} and {row['integrator']} of a saving of {row['saving']} in year {row['year']}"
    return None


def _split(draw: st.DrawFn, trial: Trial) -> tuple[FundCase, FundCase]:
    """A risk group in two of the same norm cost."""
    case = _case(draw, trial)
    found: Columns = {name: [] for name in case.risk_groups}
    for year, group, insured, norm in zip(*case.risk_groups.values(), strict=True):
        part = draw(st.integers(0, insured)) if group == "A" else None
        rows = [(group, insured)] if part is None else [("A", part), ("A-twin", insured - part)]
        for name, persons in rows:
            for cell, kept in zip((year, name, persons, norm), found.values(), strict=True):
                kept.append(cell)
    return case, replace(case, risk_groups=found)


def _differ(accounts: Accounts, _: Trial, both: tuple[FundCase, FundCase]) -> str | None:
    here, there = (case.rows(accounts) for case in both)
    return _first_difference(here, there, tuple(here[0]))


def _doubled(draw: st.DrawFn, trial: Trial) -> tuple[FundCase, FundCase]:
    """Twice the insured, and twice what they cost; no interest and no growth, which round from year to year."""
    case = _case(draw, trial)
    case = replace(case, contract=replace(case.contract, interest_bp=0, growth_bp=0))
    twice = {**case.risk_groups, "insured": [2 * persons for persons in case.risk_groups["insured"]]}
    costs = {**case.actual, "cost_cents": [2 * cost for cost in case.actual["cost_cents"]]}
    return case, replace(case, risk_groups=twice, actual=costs)


def _not_twice(accounts: Accounts, _: Trial, both: tuple[FundCase, FundCase]) -> str | None:
    here, there = (case.rows(accounts) for case in both)
    for one, two in zip(here, there, strict=True):
        # Rounded by half a cent at most each: twice the one and the other are less than two cents apart.
        for name, room in (("norm", 0), ("supplement", 1), ("saving", 0), ("insurer", 1), ("balance", one["year"])):
            if one[name] is not None and abs(two[name] - 2 * one[name]) > room:
                return f"{name} of year {one['year']} is {one[name]}, and {two[name]} with everything twice"
    return None


def _scaled(draw: st.DrawFn, trial: Trial) -> tuple[FundCase, FundCase, int]:
    """Norm costs that need no rounding, times a number."""
    case = _case(draw, trial)
    norms = [EXACT * norm for norm in case.risk_groups["norm_cents"]]
    contract = replace(case.contract, interest_bp=0, growth_bp=0)
    years = list(range(1, contract.years + 1))
    costs = [100 * draw(st.integers(0, 9999)) for _ in years]
    case = FundCase(contract, {**case.risk_groups, "norm_cents": norms}, {"year": years, "cost_cents": costs})
    factor = draw(st.integers(2, 9))
    more = {**case.risk_groups, "norm_cents": [factor * norm for norm in norms]}
    other = replace(case, risk_groups=more, actual={"year": years, "cost_cents": [factor * cost for cost in costs]})
    return case, other, factor


def _does_not_scale(accounts: Accounts, _: Trial, both: tuple[FundCase, FundCase, int]) -> str | None:
    here, there, factor = both[0].of(accounts), both[1].of(accounts), both[2]
    grown = [
        {name: cell if name in ("year", "rate_bp") else factor * cell for name, cell in row.items()}
        for row in _rows(here)
    ]
    told = _first_difference(grown, _rows(there), tuple(here.table))
    if told is None and here.break_even != there.break_even:
        told = f"break-even in year {here.break_even} and {there.break_even}"
    return told and f"{told}, with {factor} times the money"


def _without_rates(draw: st.DrawFn, trial: Trial) -> FundCase:
    case = _case(draw, trial)
    path = tuple(replace(step, rate_bp=0) for step in case.contract.path)
    return replace(case, contract=replace(case.contract, path=path))


def _has_a_balance(accounts: Accounts, _: Trial, case: FundCase) -> str | None:
    found = case.of(accounts)
    if any(found.table["balance"]) or found.table["budget"] != found.table["norm"] or found.break_even is not None:
        return f"balances {found.table['balance']} without supplements, break-even in year {found.break_even}"
    return None


def _continued(draw: st.DrawFn, trial: Trial) -> tuple[FundCase, FundCase]:
    """A contract, and one that ends sooner."""
    case = _case(draw, trial)
    last = draw(st.integers(1, case.contract.years))
    path = tuple(replace(step, last=min(step.last, last)) for step in case.contract.path if step.first <= last)
    tables = [
        {
            name: [cell for cell, year in zip(cells, table["year"], strict=True) if year <= last]
            for name, cells in table.items()
        }
        for table in (case.risk_groups, case.actual)
    ]
    return case, FundCase(replace(case.contract, path=path), *tables)


def _is_not_continued(accounts: Accounts, _: Trial, both: tuple[FundCase, FundCase]) -> str | None:
    whole, part = (case.rows(accounts) for case in both)
    return _first_difference(whole[: len(part)], part, tuple(whole[0]))


def _later(draw: st.DrawFn, trial: Trial) -> tuple[FundCase, FundCase]:
    """A contract that begins a year later, after a year without supplement in which costs are the norm."""
    case = _case(draw, trial)
    norm = draw(st.integers(0, 999))
    path = (Step(1, 1, 0), *(Step(step.first + 1, step.last + 1, step.rate_bp) for step in case.contract.path))
    groups = {name: list(cells) for name, cells in case.risk_groups.items()}
    groups["year"] = [1, *(year + 1 for year in groups["year"])]
    for name, cell in (("risk_group", "A"), ("insured", 1), ("norm_cents", norm)):
        groups[name].insert(0, cell)
    actual = {
        "year": [1, *(year + 1 for year in case.actual["year"])],
        "cost_cents": [norm, *case.actual["cost_cents"]],
    }
    return case, FundCase(replace(case.contract, path=path), groups, actual)


def _is_not_shifted(accounts: Accounts, _: Trial, both: tuple[FundCase, FundCase]) -> str | None:
    here, there = (case.of(accounts) for case in both)
    names = [name for name in here.table if name != "year"]
    told = _first_difference(_rows(here), _rows(there)[1:], names)
    if told is None and there.break_even != (None if here.break_even is None else here.break_even + 1):
        told = f"break-even in year {here.break_even} and {there.break_even}"
    return told


def _mirrored(draw: st.DrawFn, trial: Trial) -> tuple[FundCase, FundCase]:
    """Rates and savings with the other sign."""
    case = _case(draw, trial)
    contract = replace(case.contract, losses="shared", growth_bp=0)
    norms = {row["year"]: row["norm"] for row in replace(case, contract=contract).rows(PlainAccount())}
    # A cost mirrored in the norm must not fall below 0.
    costs = [min(cost, 2 * norms[year]) for year, cost in zip(*case.actual.values(), strict=True)]
    case = replace(case, contract=contract, actual={**case.actual, "cost_cents": costs})
    path = tuple(replace(step, rate_bp=-step.rate_bp) for step in contract.path)
    other = [2 * norms[year] - cost for year, cost in zip(*case.actual.values(), strict=True)]
    return case, FundCase(replace(contract, path=path), case.risk_groups, {**case.actual, "cost_cents": other})


def _is_not_mirrored(accounts: Accounts, _: Trial, both: tuple[FundCase, FundCase]) -> str | None:
    names = ("rate_bp", "supplement", "interest", "balance", "saving", "insurer", "integrator")
    here, there = (case.rows(accounts) for case in both)
    back = [{name: None if row[name] is None else -row[name] for name in names} for row in there]
    return _first_difference(
        here, [row | {"year": row_here["year"]} for row, row_here in zip(back, here, strict=True)], names
    )


def _other_terms(draw: st.DrawFn, trial: Trial) -> tuple[FundCase, FundCase]:
    """Another share of savings, other losses, other costs."""
    case = _case(draw, trial)
    contract = replace(
        case.contract,
        insurer_share=draw(st.sampled_from([10, 90])),
        losses=draw(st.sampled_from(["shared", "insurer"])),
    )
    return case, replace(case, contract=contract, actual=actual_costs(draw, contract))


def _fund_is_moved(accounts: Accounts, _: Trial, both: tuple[FundCase, FundCase]) -> str | None:
    here, there = (case.rows(accounts) for case in both)
    return _first_difference(here, there, OWN)


def _returning(draw: st.DrawFn, _: Trial) -> FundCase:
    """The same norm cost every year, and small rates of their own, so that balances come back to 0 and fall again."""
    years = draw(st.integers(3, 6))
    path = tuple(Step(t, t, draw(st.sampled_from([100, -100, 200, -200, 0]))) for t in range(1, years + 1))
    groups: Columns = {"year": [1], "risk_group": ["A"], "insured": [1], "norm_cents": [EXACT]}
    contract = replace(fund_contract(draw), path=path, interest_bp=0, growth_bp=0)
    return FundCase(contract, groups, actual_costs(draw, contract))


def _breaks_even_wrongly(accounts: Accounts, _: Trial, case: FundCase) -> str | None:
    found = case.of(accounts)
    balances, year = found.table["balance"], found.break_even
    ends_above, was_below = balances[-1] >= 0, any(balance < 0 for balance in balances)
    if (year is not None) != (ends_above and was_below):
        return f"break-even in year {year} with the balances {balances}"
    if year is not None and (balances[year - 2] >= 0 or min(balances[year - 1 :]) < 0):
        return f"year {year} is not the first that lasts of the balances {balances}"
    return None


def _relation(name: str, reason: str, contradiction: Any, vary: Any = _case) -> Relation:
    return Relation(f"fund: {name}", reason, contradiction, vary, ALONE, subject="account")


FUND = (
    _relation(
        "sums",
        "The balance is interest less supplements so far; insurer and integrator have the saving, to the cent.",
        _does_not_add_up,
    ),
    _relation("risk group split", "Risk groups count by what they cost together.", _differ, _split),
    _relation(
        "doubled",
        "Twice the insured, who cost twice: amounts are twice as large, but for a cent of rounding each year.",
        _not_twice,
        _doubled,
    ),
    _relation(
        "scaled",
        "Where nothing is rounded, amounts scale with norm and actual costs, and break-even stays.",
        _does_not_scale,
        _scaled,
    ),
    _relation(
        "no rates",
        "Without supplements the balance is 0 and there is nothing to recover.",
        _has_a_balance,
        _without_rates,
    ),
    _relation("continued", "A year knows the years before, not those after.", _is_not_continued, _continued),
    _relation(
        "later", "A contract that begins a year later has the same account a year later.", _is_not_shifted, _later
    ),
    _relation(
        "mirrored",
        "Reductions are supplements below 0, losses savings below 0: halves are rounded away from 0 on both sides.",
        _is_not_mirrored,
        _mirrored,
    ),
    _relation("own balance", "How savings are shared moves no balance of the fund.", _fund_is_moved, _other_terms),
    _relation(
        "break-even",
        "Break-even is the first year from which on the balance, once below 0, stays at 0 or above.",
        _breaks_even_wrongly,
        _returning,
    ),
    _relation("check", "Every cell follows from the contract and the years before, in whole cents.", _fails_the_check),
    _relation("oracle", "Every cell is that of the equations in fractions, each product rounded by itself.", _errs),
)

BY_VARIANT: dict[str, tuple[Relation, ...]] = {"fund": FUND}
"""By the variant that they are about."""
