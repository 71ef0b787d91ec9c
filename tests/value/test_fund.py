"""The fund: its account is the page's hand-computed table, and every cent has a place."""

from __future__ import annotations

import json
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from splgbench.cli import main
from splgbench.errors import InputError
from splgbench.planning.tables import read_sheet
from splgbench.value.fund import PATH, Account, Contract, Step, account, read_fund, rounded
from splgbench.value.fund_check import account_errors
from splgbench.value.schemas import RISK_GROUPS

CONTRACT = Path("docs/examples/fund/contract.toml")
PAGE = Path("docs/value.md")
HEADER = {
    "year": "year",
    "rate": "rate_bp",
    "supplement": "supplement",
    "balance": "balance",
    "actual": "actual",
    "saving": "saving",
    "insurer": "insurer",
    "integrator": "integrator",
    "balance with savings": "balance_with_savings",
}


def risk(*norms: int) -> dict[str, list[Any]]:
    """One insured person; norm costs of the first years."""
    years = list(range(1, len(norms) + 1))
    return {"year": years, "risk_group": ["all"] * len(norms), "insured": [1] * len(norms), "norm_cents": list(norms)}


def table_of_the_page() -> dict[str, list[int]]:
    """The page's table in cents, basis points and years."""
    lines = [line.strip("| ").split(" | ") for line in PAGE.read_text("utf-8").splitlines() if line.startswith("| ")]
    start = next(at for at, cells in enumerate(lines) if cells == list(HEADER))
    rows = [cells for cells in lines[start + 2 :] if len(cells) == len(HEADER)][:20]
    return {
        HEADER[name]: [int(cell.replace(",", "").replace(".", "")) for cell in cells]
        for name, cells in zip(lines[start], zip(*rows, strict=True), strict=True)
    }


def told_actual(told: dict[str, list[int]]) -> dict[str, list[int]]:
    """The actual costs of the page's table."""
    return {"year": told["year"], "cost_cents": told["actual"]}


def test_the_account_is_the_page_s_table() -> None:
    """Twenty years, cell by cell, to the cent; and the two break-even years that the page works out."""
    found = read_fund(CONTRACT).account()
    told = table_of_the_page()
    assert len(told["year"]) == 20
    for column, cells in told.items():
        assert found.table[column] == cells, column
    assert found.table["norm"] == [100_000_000_00] * 20
    assert (found.break_even, found.break_even_with_savings) == (16, 13)
    assert found.balance == 8_000_000_00
    fund = read_fund(CONTRACT)
    assert account_errors(fund.contract, read_sheet(RISK_GROUPS, fund.risk_groups), told_actual(told), found) == []


def test_the_path_of_the_file_is_the_default() -> None:
    """3 %, 1 %, none and less 2 %, over 20 years, whether stated or not."""
    assert read_fund(CONTRACT).contract == Contract()
    assert [Contract().rate_bp(year) for year in range(1, 21)] == [300] * 3 + [100] * 3 + [0] * 4 + [-200] * 10


@pytest.mark.parametrize("norm", [1, 33, 149, 1_234_567_89, 99_999_999_999_99])
def test_amounts_are_rounded_once_and_halves_away_from_zero(norm: int) -> None:
    """Against fractions: no amount is further than half a cent from the exact one, and parts sum to the saving."""
    costs = [norm - 7 * year if year % 2 else norm + 3 * year for year in range(1, 21)]
    actual = {"year": list(range(1, 21)), "cost_cents": [max(0, cost) for cost in costs]}
    found = account(Contract(interest_bp=125), risk(norm), actual).table
    balance = 0
    for year in range(20):
        rate, supplement = found["rate_bp"][year], found["supplement"][year]
        assert abs(supplement - Fraction(norm * rate, 10_000)) <= Fraction(1, 2)
        assert abs(found["interest"][year] - Fraction(balance * 125, 10_000)) <= Fraction(1, 2)
        balance += found["interest"][year] - supplement
        assert found["balance"][year] == balance
        assert found["insurer"][year] + found["integrator"][year] == found["saving"][year]
        assert abs(found["insurer"][year] - Fraction(found["saving"][year], 4)) <= Fraction(1, 2)
    assert [rounded(n, 2) for n in (-3, -1, 1, 3)] == [-2, -1, 1, 2]


def test_losses_may_stay_with_the_insurer() -> None:
    """Then the integrator has a part of savings only."""
    actual = {"year": [1, 2], "cost_cents": [1_100, 900]}
    found = account(Contract(losses="insurer"), risk(1_000), actual).table
    assert found["insurer"][:2] == [-100, 25]
    assert found["integrator"][:2] == [0, 75]


def test_norm_costs_grow_where_no_risk_groups_are_given() -> None:
    """From the last year stated, rounded year by year: 1050, 1102.5 and 1157.625 (of 1103) become 1103 and 1158."""
    found = account(Contract((Step(1, 4, 0),), growth_bp=500), risk(1_000, 1_050)).table
    assert found["norm"] == [1_000, 1_050, 1_103, 1_158]


def test_savings_are_unknown_where_actual_costs_are() -> None:
    """The account goes on; what needs the missing cost is empty, from there on where it sums up."""
    found = account(Contract((Step(1, 3, 100),)), risk(10_000), {"year": [1, 3], "cost_cents": [9_000, 9_000]})
    assert found.table["insurer"] == [250, None, 250]
    assert found.table["balance"] == [-100, -200, -300]
    assert found.table["balance_with_savings"] == [150, None, None]
    assert (found.break_even, found.break_even_with_savings) == (None, None)


@pytest.mark.parametrize(
    ("rates", "year"),
    [([100, -100], 2), ([100, -50], None), ([-100, 0], None), ([100, -200, 200, -100], 4), ([0, 0], None)],
)
def test_break_even_is_the_first_year_that_lasts(rates: list[int], year: int | None) -> None:
    """A balance that falls below 0 again has not broken even; one that never was below 0 has nothing to."""
    path = tuple(Step(at, at, rate) for at, rate in enumerate(rates, 1))
    assert account(Contract(path), risk(10_000)).break_even == year


def test_the_check_notices_every_cent() -> None:
    """The right account passes; one with a cell that is a unit off, or another year of break-even, does not."""
    contract = Contract((Step(1, 2, 333), Step(3, 4, -150), Step(5, 6, -901)), interest_bp=125, growth_bp=70)
    groups = {"year": [1, 1, 2], "risk_group": ["a", "b", "a"], "insured": [3, 2, 5], "norm_cents": [1009, 907, 1013]}
    actual = {"year": [1, 2, 3, 4], "cost_cents": [4900, 5001, 4007, 6000]}
    right = account(contract, groups, actual)
    assert account_errors(contract, groups, actual, right) == []
    assert right.break_even is not None
    for column, cells in right.table.items():
        for at, cell in enumerate(cells):
            for wrong in [7] if cell is None else [cell + 1, cell - 1]:
                doctored = replace(right, table={**right.table, column: [*cells[:at], wrong, *cells[at + 1 :]]})
                assert account_errors(contract, groups, actual, doctored), (column, at, wrong)
    for wrong in (None, right.break_even - 1, right.break_even + 1):
        assert account_errors(contract, groups, actual, replace(right, break_even=wrong))
    shorter = replace(right, table={column: cells[1:] for column, cells in right.table.items()})
    assert "and 6 rows" in account_errors(contract, groups, actual, shorter)[0]


@pytest.mark.parametrize(
    ("arguments", "rule"),
    [
        ({"path": ()}, "must have a step"),
        ({"path": (Step(1, 3, 0), Step(5, 6, 0))}, "without gap or overlap"),
        ({"path": (Step(2, 3, 0),)}, "without gap or overlap"),
        ({"path": (Step(1, 0, 0),)}, "must not end before it begins"),
        ({"insurer_share": 101}, "between 0 and 100"),
        ({"losses": "nobody"}, "shared or insurer"),
        ({"path": (*PATH, Step(21, 101, 0))}, "100 years at most"),
    ],
)
def test_contracts_that_cannot_be_are_refused(arguments: dict[str, Any], rule: str) -> None:
    """With the rule that is broken."""
    with pytest.raises(InputError, match=rule):
        Contract(**arguments)


@pytest.mark.parametrize(
    ("file", "text", "message"),
    [
        (
            "risk_groups.csv",
            "year,risk_group,insured,norm_cents\n1,a,5,1.5\n",
            r"risk_groups\.csv, row 2, column norm_c",
        ),
        ("risk_groups.csv", "year,risk_group,insured,norm_cents\n2,a,5,1\n", "every year from 1 to the last"),
        ("risk_groups.csv", "year,risk_group,insured,norm_cents\n1,a,5,1\n1,a,6,1\n", r"row 3, column year: .* unique"),
        (
            "actual.csv",
            "year,cost_cents\n21,5\n",
            r"actual\.csv, row 2, column year: must lie within the contract's 20",
        ),
        ("contract.toml", "risk_groups = 'risk_groups.csv'\nshare = 3\n", "share is no key of this table"),
        ("contract.toml", "title = 'x'\n", "risk_groups must name the table"),
        (
            "contract.toml",
            "risk_groups = 'risk_groups.csv'\n[[path]]\nfrom = 1\nto = 2\nrate_bp = 'x'\n",
            r"\[path 1\] rate_bp must be a whole number",
        ),
        ("contract.toml", "risk_groups = 'risk_groups.csv'\npath = 3\n", "path must be a list of tables"),
        ("contract.toml", "risk_groups = 'risk_groups.csv'\n[[path]]\nfrom = 2\nto = 3\n", "contract.toml: the steps"),
    ],
)
def test_files_that_break_a_rule_are_refused(tmp_path: Path, file: str, text: str, message: str) -> None:
    """With file, row, column and rule, or the key."""
    for name in ("contract.toml", "risk_groups.csv", "actual.csv"):
        (tmp_path / name).write_text(CONTRACT.with_name(name).read_text())
    (tmp_path / file).write_text(text)
    with pytest.raises(InputError, match=message):
        read_fund(tmp_path / "contract.toml").account()


def test_the_command_prints_and_writes_the_account(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Amounts in francs on the screen, in cents in the file."""
    assert main(["fund", str(CONTRACT), "-o", str(tmp_path / "account.csv")]) == 0
    told = capsys.readouterr().out
    assert "-12,000,000.00" in told
    assert "balance at the end 8,000,000.00, break-even in year 16" in told
    assert "with the insurer's part of savings 22,750,000.01, break-even in year 13" in told
    assert (tmp_path / "account.csv").read_text().splitlines()[16].startswith("16,10000000000,-200,-200000000,")
    assert main(["fund", str(CONTRACT), "--json"]) == 0
    as_json = json.loads(capsys.readouterr().out)
    assert isinstance(read_fund(CONTRACT).account(), Account)
    assert as_json["account"] == read_fund(CONTRACT).account().table
