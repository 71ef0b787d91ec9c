"""``splgbench compare-stores``: what a change did, from the stores before and after it."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from splgbench.campaign.store import Store
from splgbench.cli.arguments import Parsers, add_command
from splgbench.cli.output import print_json, print_table
from splgbench.errors import InputError
from splgbench.report.before_after import Comparison, change_table, compare
from splgbench.report.quarantine import Accusation
from splgbench.report.records import Records, read_records

EXAMPLES = """  splgbench compare-stores before.sqlite after.sqlite"""


def add(parsers: Parsers) -> None:
    parser = add_command(
        parsers, "compare-stores", run, "compare two stores of one campaign, before and after", EXAMPLES
    )
    parser.add_argument("before", metavar="A", type=Path)
    parser.add_argument("after", metavar="B", type=Path)
    parser.add_argument("--shift", metavar="S", type=float, default=10.0, help="seconds, of times (default 10)")


def run(arguments: argparse.Namespace) -> int:
    if not 0 < arguments.shift < float("inf"):
        raise InputError("must be a positive number of seconds", "--shift")
    comparison = compare(_records(arguments.before), _records(arguments.after), arguments.shift)
    if not comparison.changes:
        raise InputError("the two stores have no cell in common", str(arguments.after))
    if arguments.json:
        print_json(
            {
                "changes": [asdict(change) for change in comparison.changes],
                "accusations": [
                    {"store": store, "instance": found.run.instance, "run": found.run.label, "text": found.text}
                    for store, accusations in _accused(comparison)
                    for found in accusations
                ],
                "only_before": comparison.only_before,
                "only_after": comparison.only_after,
                "differing": comparison.differing,
                "reference_ratio": comparison.drift,
            }
        )
    else:
        _print(comparison, arguments.shift)
    return 1 if comparison.new_accusations else 0


def _records(path: Path) -> Records:
    with Store(path) as store:
        return read_records(store)


def _accused(comparison: Comparison) -> list[tuple[str, Sequence[Accusation]]]:
    return [("before", comparison.old_accusations), ("after", comparison.new_accusations)]


def _print(comparison: Comparison, shift: float) -> None:
    for store, accusations in _accused(comparison):
        for found in accusations:
            print(f"WRONG {store}, on {found.run.instance}: {found.text}")
    table = change_table(comparison, shift)
    shown = [[c.shown(cell) for c, cell in zip(table.columns, row, strict=True)] for row in table.rows]
    print_table([column.title for column in table.columns], shown)
    print(table.caption)
    for term, values in comparison.differing.items():
        print(f"{term} differs ({', '.join(map(str, values))}): those cells have no part in the time ratio")
    if comparison.only_before or comparison.only_after:
        print(f"{comparison.only_before} cells in A alone, {comparison.only_after} in B alone")
    if comparison.drift is not None:
        print(f"reference run: B takes {comparison.drift:.2f} times as long as A")
