"""A regional health fund: a budget path around the risk-adjusted norm cost, and what savings are shared.

All amounts are whole cents, and each product is rounded by itself to the nearest cent, halves away from 0. With

    N_t   norm cost of year t: the sum over risk groups of insured persons x norm cost a person
    r_t   rate of the path, basis points: above 0 a supplement, below 0 a reduction
    A_t   actual cost of the insured
    q     the insurer's part of savings, per cent
    i     interest, basis points

the account of the fund that advances the supplements and takes the reductions is

    supplement_t = N_t r_t / 10000        budget_t = N_t + supplement_t
    balance_t    = balance_{t-1} + balance_{t-1} i / 10000 - supplement_t

and a saving against the norm, whatever the budget, is shared in full:

    saving_t = N_t - A_t      insurer_t = saving_t q / 100      integrator_t = saving_t - insurer_t
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from splgbench.campaign.tables import TableReader
from splgbench.errors import InputError, Problem
from splgbench.extensions.base import LARGEST_NUMBER
from splgbench.files import read_text
from splgbench.planning.tables import Columns, columns_of, read_sheet, sheet
from splgbench.value.schemas import ACTUAL, RISK_GROUPS

LOSSES = ("shared", "insurer")
BASIS_POINTS = 10_000
COLUMNS = (
    "year",
    "norm",
    "rate_bp",
    "supplement",
    "budget",
    "interest",
    "balance",
    "actual",
    "saving",
    "insurer",
    "integrator",
    "balance_with_savings",
)
"""Of the account; all but the first and third in cents."""


@dataclass(frozen=True)
class Step:
    """Years of the contract, the first and last included, and their rate in basis points of the norm cost."""

    first: int
    last: int
    rate_bp: int


PATH = (Step(1, 3, 300), Step(4, 6, 100), Step(7, 10, 0), Step(11, 20, -200))
"""Supplement 3 % in the years 1 to 3, 1 % in 4 to 6, none in 7 to 10; reduction of 2 % in 11 to 20."""


@dataclass(frozen=True)
class Contract:
    """What insurer and integrator agreed.

    Parameters
    ----------
    path : its steps follow each other without a gap from year 1 on; the last year is the contract's.
    insurer_share : per cent of savings; the integrator has the rest.
    losses : "shared" likewise, or all the "insurer"'s.
    interest_bp : on the balance of the year before, on advances and on surpluses.
    growth_bp : of the norm cost after the last year whose risk groups are given.
    carry_over_cents : most that the integrator may take from a year's budget to the next (`splgbench.value.fund_path`).

    Raises
    ------
    InputError
        A rule of these is broken.
    """

    path: Sequence[Step] = PATH
    insurer_share: int = 25
    losses: Literal["shared", "insurer"] = "shared"
    interest_bp: int = 0
    growth_bp: int = 0
    carry_over_cents: int = 0

    def __post_init__(self) -> None:
        starts = [1, *(step.last + 1 for step in self.path)]
        rules = (
            (bool(self.path), "the path must have a step"),
            (all(step.first <= step.last for step in self.path), "a step must not end before it begins"),
            (
                all(step.first == start for step, start in zip(self.path, starts, strict=False)),
                "the steps must follow each other from year 1 without gap or overlap",
            ),
            (starts[-1] <= 101, "a contract has 100 years at most"),
            (all(abs(step.rate_bp) <= BASIS_POINTS for step in self.path), "a rate must lie within 10000 basis points"),
            (0 <= self.insurer_share <= 100, "the insurer's share must lie between 0 and 100 per cent"),
            (self.losses in LOSSES, f"losses must be {' or '.join(LOSSES)}"),
            (0 <= self.interest_bp <= BASIS_POINTS, "the interest must lie between 0 and 10000 basis points"),
            (abs(self.growth_bp) <= BASIS_POINTS, "the growth must lie within 10000 basis points"),
            (0 <= self.carry_over_cents < LARGEST_NUMBER, "what is carried over must be at least 0 and below 2^53"),
        )
        broken = [text for holds, text in rules if not holds]
        if broken:
            raise InputError("; ".join(broken), "contract")

    @property
    def years(self) -> int:
        return self.path[-1].last

    def rate_bp(self, year: int) -> int:
        """The rate of a year of the contract."""
        return next(step.rate_bp for step in self.path if step.first <= year <= step.last)


@dataclass(frozen=True)
class Account:
    """A contract's account.

    Parameters
    ----------
    table : one row a year, `COLUMNS`; what needs an actual cost that is not known is None, and so is
        `balance_with_savings` (the balance with the insurer's parts of all savings so far) from then on.
    break_even : first year from which on the balance, once it was below 0, stays at 0 or above; None without one.
    break_even_with_savings : likewise of `balance_with_savings`.
    """

    table: Columns
    break_even: int | None
    break_even_with_savings: int | None

    @property
    def balance(self) -> int:
        """At the contract's end, cents."""
        final: int = self.table["balance"][-1]
        return final


def rounded(numerator: int, denominator: int) -> int:
    """The whole number nearest to a fraction, halves away from 0; `denominator` above 0."""
    whole = (2 * abs(numerator) + denominator) // (2 * denominator)
    return whole if numerator >= 0 else -whole


def norm_costs(contract: Contract, risk_groups: Any) -> list[int]:
    """Norm cost of each year of the contract, cents.

    Parameters
    ----------
    risk_groups : table of this schema: every year from 1 to the last one given, which growth carries on.

    Raises
    ------
    InputError
        It breaks its schema; a year is missing, or lies beyond the contract.
    """
    table = sheet(RISK_GROUPS, risk_groups)
    sums: dict[int, int] = {}
    for row, year, insured, norm in table.rows("year", "insured", "norm_cents"):
        if year > contract.years:
            table.report(row, "year", f"must lie within the contract's {contract.years} years", year)
        sums[year] = sums.get(year, 0) + insured * norm
    missing = [year for year in range(1, max(sums, default=1) + 1) if year not in sums]
    if missing:
        table.report(None, "year", "must name every year from 1 to the last", f"without {missing[0]}")
    table.finish()
    costs = [sums[year] for year in sorted(sums)]
    while len(costs) < contract.years:
        costs.append(rounded(costs[-1] * (BASIS_POINTS + contract.growth_bp), BASIS_POINTS))
    return costs


def account(contract: Contract, risk_groups: Any, actual: Any = None) -> Account:
    """The contract's account, year by year.

    Parameters
    ----------
    risk_groups, actual : tables of these schemas; the second may be missing, or have some of the years.

    Raises
    ------
    InputError
        A table breaks its schema, or names a year beyond the contract.
    """
    norms = norm_costs(contract, risk_groups)
    costs = {} if actual is None else _actual(contract, actual)
    rows: list[tuple[int | None, ...]] = []
    balance = 0
    insurers: int | None = 0
    for year, norm in enumerate(norms, 1):
        supplement = rounded(norm * contract.rate_bp(year), BASIS_POINTS)
        interest = rounded(balance * contract.interest_bp, BASIS_POINTS)
        balance += interest - supplement
        cost = costs.get(year)
        saving, insurer, integrator = (None,) * 3 if cost is None else _shared(contract, norm - cost)
        insurers = None if insurers is None or insurer is None else insurers + insurer
        with_savings = None if insurers is None else balance + insurers
        path = (year, norm, contract.rate_bp(year), supplement, norm + supplement, interest, balance)
        rows.append((*path, cost, saving, insurer, integrator, with_savings))
    table = columns_of(COLUMNS, rows)
    return Account(table, _break_even(table["balance"]), _break_even(table["balance_with_savings"]))


def _shared(contract: Contract, saving: int) -> tuple[int, int, int]:
    """A saving, the insurer's and the integrator's part of it."""
    if saving < 0 and contract.losses == "insurer":
        return saving, saving, 0
    insurer = rounded(saving * contract.insurer_share, 100)
    return saving, insurer, saving - insurer


def _actual(contract: Contract, actual: Any) -> dict[int, int]:
    table = sheet(ACTUAL, actual)
    for row, year in table.rows("year"):
        if year > contract.years:
            table.report(row, "year", f"must lie within the contract's {contract.years} years", year)
    table.finish()
    return dict(zip(table["year"], table["cost_cents"], strict=True))


def _break_even(balances: Sequence[int | None]) -> int | None:
    """First year after the last one below 0; None where it never was, or still is, below 0, or a year is not known."""
    below = [year for year, balance in enumerate(balances, 1) if balance is not None and balance < 0]
    if not below or None in balances or below[-1] == len(balances):
        return None
    return below[-1] + 1


@dataclass(frozen=True)
class FundFile:
    """A contract file and the tables that it names.

    Parameters
    ----------
    title : what the file says of itself.
    risk_groups, actual : where the tables lie; the second may be missing.
    """

    title: str
    contract: Contract
    risk_groups: Path
    actual: Path | None = None

    def account(self) -> Account:
        """The account of the file's tables.

        Raises
        ------
        InputError
            With file, row, column and rule of everything that is wrong.
        """
        actual = None if self.actual is None else read_sheet(ACTUAL, self.actual)
        return account(self.contract, read_sheet(RISK_GROUPS, self.risk_groups), actual)


def read_fund(path: Path) -> FundFile:
    """Read a contract file (TOML); paths in it are relative to its folder.

    Raises
    ------
    InputError
        With the key and the rule of everything that is wrong.
    """
    try:
        given = tomllib.loads(read_text(path))
    except (ValueError, RecursionError) as error:
        raise InputError(f"must be TOML: {error}", str(path)) from None
    problems: list[Problem] = []
    table = TableReader(str(path), "", given, problems)
    title = table.text("title", path.stem)
    risk_groups, actual = table.text("risk_groups"), table.text("actual")
    if not risk_groups:
        table.problem("risk_groups", "must name the table of risk groups")
    arguments: dict[str, Any] = {
        "insurer_share": table.whole("insurer_share", 25, 0, 100),
        "losses": table.text("losses", LOSSES[0], LOSSES),
        "interest_bp": table.whole("interest_bp", 0, 0, BASIS_POINTS),
        "growth_bp": table.whole("growth_bp", 0, -BASIS_POINTS, BASIS_POINTS),
        "carry_over_cents": table.whole("carry_over_cents", 0, 0, LARGEST_NUMBER - 1),
    }
    if table.given("path"):
        arguments["path"] = _path(str(path), given["path"], problems)
    table.finish()
    contract = Contract()
    if not problems:
        try:
            contract = Contract(**arguments)
        except InputError as error:
            problems += [Problem(str(path), None, None, each.rule) for each in error.problems]
    if problems:
        raise InputError(problems)
    folder = path.parent
    return FundFile(title, contract, folder / risk_groups, folder / actual if actual else None)


def fund_text(title: str, contract: Contract, risk_groups: str) -> str:
    """A contract as the file that `read_fund` reads.

    Parameters
    ----------
    title : without quotation marks or backslashes.
    risk_groups : file of the table, relative to that of the contract.
    """
    lines = [f'title = "{title}"', f'risk_groups = "{risk_groups}"']
    lines += [f'losses = "{contract.losses}"']
    for name in ("insurer_share", "interest_bp", "growth_bp", "carry_over_cents"):
        lines.append(f"{name} = {getattr(contract, name)}")
    for step in contract.path:
        lines += ["", "[[path]]", f"from = {step.first}", f"to = {step.last}", f"rate_bp = {step.rate_bp}"]
    return "\n".join(lines) + "\n"


def _path(file: str, given: Any, problems: list[Problem]) -> tuple[Step, ...]:
    if not isinstance(given, list):
        problems.append(Problem(file, None, None, "path must be a list of tables [[path]]", given))
        return ()
    steps = []
    for number, entry in enumerate(given, 1):
        table = TableReader(file, f"path {number}", entry, problems)
        steps.append(
            Step(
                table.whole("from", 1, 1, 100),
                table.whole("to", 1, 1, 100),
                table.whole("rate_bp", 0, -BASIS_POINTS, BASIS_POINTS),
            )
        )
        table.finish()
    return tuple(steps)
