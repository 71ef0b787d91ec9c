"""``splgbench fund``: the account of a regional health fund."""

from __future__ import annotations

import argparse
from pathlib import Path

from splgbench.cli.arguments import Parsers, add_command
from splgbench.cli.output import print_json, print_table
from splgbench.planning.tables import write_columns
from splgbench.readable import money
from splgbench.value.fund import COLUMNS, Account, read_fund

EXAMPLES = """  splgbench fund docs/examples/fund/contract.toml
  splgbench fund contract.toml -o account.csv

The file names the budget path, how savings are shared, and the tables of risk groups and actual costs
(docs/value.md). The table that is written is in whole cents."""
_RATE = {"year", "rate_bp"}


def add(parsers: Parsers) -> None:
    parser = add_command(parsers, "fund", run, "the account of a regional health fund, in whole cents", EXAMPLES)
    parser.add_argument("contract", metavar="CONTRACT", type=Path, help="a TOML file")
    parser.add_argument("-o", "--output", metavar="FILE", type=Path, help="write the account, a CSV in cents")


def run(arguments: argparse.Namespace) -> int:
    fund = read_fund(arguments.contract)
    account = fund.account()
    if arguments.output is not None:
        write_columns(account.table, arguments.output)
    if arguments.json:
        print_json(
            {
                "title": fund.title,
                "break_even": account.break_even,
                "break_even_with_savings": account.break_even_with_savings,
                "account": account.table,
            }
        )
    else:
        _print(fund.title, account)
    return 0


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
