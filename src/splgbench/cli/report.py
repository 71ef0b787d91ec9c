"""``splgbench report``: a store as a page, tables and figures."""

from __future__ import annotations

import argparse
from pathlib import Path

from splgbench.campaign.store import Store
from splgbench.cli.arguments import Parsers, add_command
from splgbench.cli.output import print_json
from splgbench.errors import InputError
from splgbench.report import lattice
from splgbench.report.content import gather
from splgbench.report.page import verdict_sentence
from splgbench.report.records import read_records
from splgbench.report.write import check_libraries, write_report

EXAMPLES = """  splgbench report baseline.sqlite -o report
  splgbench report baseline.sqlite -o report --shift 1 --lp-bounds"""


def add(parsers: Parsers) -> None:
    parser = add_command(parsers, "report", run, "write a store's report: one page, tables and figures", EXAMPLES)
    parser.add_argument("store", metavar="STORE", type=Path)
    parser.add_argument("-o", "--output", metavar="DIR", type=Path, required=True, help="the report's folder")
    parser.add_argument("--shift", metavar="S", type=float, default=10.0, help="seconds, of the mean ranked by (10)")
    parser.add_argument("--lp-bounds", action="store_true", help="solve the formulations' LP relaxations, too")
    parser.add_argument("--any-version", action="store_true", help="also runs of other versions of what is planned")
    parser.add_argument("--no-logs", action="store_true", help="leave out the solvers' logs")


def run(arguments: argparse.Namespace) -> int:
    if not 0 < arguments.shift < float("inf"):
        raise InputError("must be a positive number of seconds", "--shift")
    check_libraries()
    with Store(arguments.store) as store:
        records = read_records(store, any_version=arguments.any_version)
    if not records.runs:
        raise InputError("holds no finished run", str(arguments.store))
    relaxations = lattice.measure(records) if arguments.lp_bounds else None
    content = gather(records, arguments.shift, relaxations)
    written = write_report(content, arguments.output, logs=not arguments.no_logs)
    accused = len(content.quarantine.wrong) + len(content.quarantine.contradictory)
    if arguments.json:
        print_json(
            {
                "page": str(written[0]),
                "files": [str(path) for path in written],
                "wrong": len(content.quarantine.wrong),
                "contradictions": len(content.quarantine.contradictory),
                "failures": len(content.quarantine.failed),
            }
        )
    else:
        print(verdict_sentence(content))
        print(f"{written[0]}; {len(written) - 1} tables and figures beside it")
    return 1 if accused else 0
