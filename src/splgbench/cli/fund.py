"""``splgbench fund``: the account of a regional health fund, and its budgets as those of an allocation."""

from __future__ import annotations

import argparse
from pathlib import Path

from splgbench.allocation import read_allocation
from splgbench.checker import check
from splgbench.cli.arguments import Parsers, add_command
from splgbench.cli.output import print_json, print_table, print_written
from splgbench.errors import InputError
from splgbench.library import load
from splgbench.package import write_package
from splgbench.planning.tables import read_sheet, write_columns
from splgbench.readable import money
from splgbench.value.fund import COLUMNS, Account, FundFile, account, read_fund
from splgbench.value.fund_path import actual_costs, under_fund
from splgbench.value.schemas import COSTS, RISK_GROUPS

EXAMPLES = """  splgbench fund docs/examples/fund/contract.toml
  splgbench fund contract.toml -o account.csv
  splgbench fund contract.toml --instance my-package --package funded
  splgbench solve funded -o allocation.csv
  splgbench fund contract.toml --instance funded --allocation allocation.csv

The file names the budget path, how savings are shared, and the tables of risk groups and actual costs
(docs/value.md). The table that is written is in whole cents. With --package the instance is written under the fund's
budgets, year by year; with --allocation what the allocation costs takes the place of the actual costs."""
_RATE = {"year", "rate_bp"}


def add(parsers: Parsers) -> None:
    parser = add_command(parsers, "fund", run, "the account of a regional health fund, in whole cents", EXAMPLES)
    parser.add_argument("contract", metavar="CONTRACT", type=Path, help="a TOML file")
    parser.add_argument("-o", "--output", metavar="FILE", type=Path, help="write the account, a CSV in cents")
    parser.add_argument("--instance", metavar="INSTANCE", help="a folder, a zip or a name of the library")
    parser.add_argument(
        "--costs", metavar="FILE", type=Path, help="cost of a case, a CSV file with hospital, group and cost"
    )
    parser.add_argument("--region", metavar="REGION", help="the fund's, where the instance has regions")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--package", metavar="PACKAGE", type=Path, help="write the instance under the fund's budgets")
    what.add_argument("--allocation", metavar="FILE", type=Path, help="whose costs are the actual ones")


def run(arguments: argparse.Namespace) -> int:
    fund = read_fund(arguments.contract)
    if (arguments.instance is None) != (arguments.package is None and arguments.allocation is None):
        raise InputError("goes with --package or --allocation, and they with it", "--instance")
    if arguments.package is None and (arguments.costs is not None or arguments.region is not None):
        raise InputError("go with --package", "--costs and --region")
    if arguments.package is not None:
        return _write_instance(fund, arguments)
    found = fund.account() if arguments.allocation is None else _of_allocation(fund, arguments)
    if arguments.output is not None:
        write_columns(found.table, arguments.output)
    if arguments.json:
        print_json(
            {
                "title": fund.title,
                "break_even": found.break_even,
                "break_even_with_savings": found.break_even_with_savings,
                "account": found.table,
            }
        )
    else:
        _print(fund.title, found)
    return 0


def _write_instance(fund: FundFile, arguments: argparse.Namespace) -> int:
    costs = None if arguments.costs is None else read_sheet(COSTS, arguments.costs)
    risk_groups = read_sheet(RISK_GROUPS, fund.risk_groups)
    funded = under_fund(load(arguments.instance), fund.contract, risk_groups, costs, arguments.region)
    write_package(funded, arguments.package)
    print_written(funded, arguments.package, as_json=arguments.json)
    return 0


def _of_allocation(fund: FundFile, arguments: argparse.Namespace) -> Account:
    """The account with what an allocation costs; one that breaks a rule has none."""
    funded = load(arguments.instance)
    allocation = read_allocation(arguments.allocation, funded)
    verdict = check(funded, allocation)
    if not verdict.feasible:
        raise InputError(f"must obey the instance: {verdict.violations[0]}", str(arguments.allocation))
    volumes = [allocation.cases.get(funded.offer_name(k), 0) for k in range(funded.n_offers)]
    actual = actual_costs(funded, volumes)
    return account(fund.contract, read_sheet(RISK_GROUPS, fund.risk_groups), actual)


def _print(title: str, account: Account) -> None:
    shown = [
        account.table[name] if name in _RATE else [money(cents) for cents in account.table[name]] for name in COLUMNS
    ]
    print_table(COLUMNS, zip(*shown, strict=True), title)
    print(f"balance at the end {money(account.balance)}, {_told(account.break_even)}")
    if None not in account.table["balance_with_savings"]:
        final = money(account.table["balance_with_savings"][-1])
        print(f"with the insurer's part of savings {final}, {_told(account.break_even_with_savings)}")


def _told(break_even: int | None) -> str:
    return "no break-even" if break_even is None else f"break-even in year {break_even}"
