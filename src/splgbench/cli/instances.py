"""``splgbench instances``: the library's instances, and where their numbers come from."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from pathlib import Path

from splgbench.cli.arguments import Parsers, add_command
from splgbench.cli.instances_catalogue import add_list, add_show, run_list
from splgbench.cli.instances_upkeep import add_actions
from splgbench.cli.output import print_json, print_written
from splgbench.library.names import derive, provenance
from splgbench.package import write_package

EXAMPLES = """  splgbench instances                                       the library
  splgbench instances --family scale
  splgbench instances --kind real --status open --json
  splgbench instances show us-miami-2011 --picture miami.svg
  splgbench instances record result.json --certificate certificate.json
  splgbench instances provenance cms-2011/hrr/FL-Miami --offer 100296 470
  splgbench instances derive cms-2011/state/MN -o minnesota
  splgbench instances derive cms-2020/us --raw my-cms-files -o us-2020.zip"""

ROWS_SHOWN = 3
"""Raw rows that are printed of a number; a mean over the nation has thousands."""


def add(parsers: Parsers) -> None:
    parser = add_command(
        parsers,
        "instances",
        run,
        "list the library's instances, what is known of them and where they come from",
        EXAMPLES,
    )
    actions = parser.add_subparsers(dest="action", metavar="ACTION")
    add_list(parser)
    add_show(actions)
    add_actions(actions)
    parser.set_defaults(act=run_list)
    traced = actions.add_parser("provenance", help="trace every number of an offer to a raw row or an assumption")
    traced.add_argument("instance", metavar="NAME", help="an instance of a collection, for instance cms-2011/us")
    traced.add_argument("--offer", nargs=2, metavar=("HOSPITAL", "GROUP"), required=True)
    traced.set_defaults(act=_provenance)
    derived = actions.add_parser("derive", help="write an instance of a collection as a package")
    derived.add_argument("instance", metavar="NAME", help="for instance cms-2011/state/MN")
    derived.add_argument("--parquet", action="store_true", help="tables as Parquet instead of CSV")
    derived.add_argument("-o", "--output", metavar="FILE", type=Path, required=True, help="a folder or a .zip")
    derived.set_defaults(act=_derive)
    for action in (traced, derived):
        action.add_argument(
            "--raw", metavar="FOLDER", type=Path, help="your own files (docs/cms-2011.md, docs/switzerland-2022.md)"
        )
        action.add_argument("--json", action="store_true", help="print one JSON object and nothing else")


def run(arguments: argparse.Namespace) -> int:
    code: int = arguments.act(arguments)
    return code


def _provenance(arguments: argparse.Namespace) -> int:
    hospital, group = arguments.offer
    origins = provenance(arguments.instance, hospital, group, arguments.raw)
    if arguments.json:
        offer = {"instance": arguments.instance, "hospital": hospital, "group": group}
        print_json({**offer, "origins": [asdict(origin) for origin in origins]})
        return 0
    print(f"{arguments.instance}: hospital {hospital}, group {group}")
    for origin in origins:
        value = f" = {origin.value}" if origin.value else ""
        print(f"\n{origin.table}.{origin.column}{value}  [{origin.kind}]\n  {origin.how}")
        for row in origin.rows[:ROWS_SHOWN]:
            print(f"  from {row}")
        if len(origin.rows) > ROWS_SHOWN:
            print(f"  and {len(origin.rows) - ROWS_SHOWN} more, all of them with --json")
    return 0


def _derive(arguments: argparse.Namespace) -> int:
    instance = derive(arguments.instance, arguments.raw)
    write_package(instance, arguments.output, table_format="parquet" if arguments.parquet else "csv")
    print_written(instance, arguments.output, as_json=arguments.json)
    return 0
