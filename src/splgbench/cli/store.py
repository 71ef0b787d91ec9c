"""``splgbench store``: what a store holds, its tables for other tools, and stores of several machines put together."""

from __future__ import annotations

import argparse
from pathlib import Path

from splgbench.campaign.export import FORMATS, export
from splgbench.campaign.merge import merge
from splgbench.campaign.store import Store
from splgbench.campaign.summary import Summary, summary
from splgbench.cli.arguments import Parsers, add_command
from splgbench.cli.output import print_error, print_json, print_table
from splgbench.result import Status

EXAMPLES = """  splgbench store show baseline.sqlite
  splgbench store export baseline.sqlite -o tables
  splgbench store merge shard-*.sqlite -o big.sqlite"""


def add(parsers: Parsers) -> None:
    parser = add_command(parsers, "store", run, "show, export or merge stores of campaigns", EXAMPLES)
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    shown = actions.add_parser("show", help="sum a store up, wrong answers first")
    shown.add_argument("store", metavar="STORE", type=Path)
    exported = actions.add_parser("export", help="write runs, instances, sessions and traces as tables")
    exported.add_argument("store", metavar="STORE", type=Path)
    exported.add_argument("-o", "--output", metavar="FOLDER", type=Path, required=True)
    exported.add_argument("--format", choices=FORMATS, action="append", help="csv or parquet (default both)")
    exported.add_argument("--all", action="store_true", help="also runs that are in no current plan")
    merged = actions.add_parser("merge", help="bring the runs of stores into one")
    merged.add_argument("stores", metavar="STORE", type=Path, nargs="+")
    merged.add_argument("-o", "--output", metavar="STORE", type=Path, required=True, help="made, or added to")
    for action in (shown, exported, merged):
        action.add_argument("--json", action="store_true", help="print one JSON object and nothing else")


def run(arguments: argparse.Namespace) -> int:
    code: int = {"show": _show, "export": _export, "merge": _merge}[arguments.action](arguments)
    return code


def _show(arguments: argparse.Namespace) -> int:
    with Store(arguments.store) as store:
        found = summary(store)
    if arguments.json:
        print_json(
            {
                "planned": found.planned,
                "finished": found.finished,
                "statuses": {method: dict(counts) for method, counts in found.statuses.items()},
                "contradictions": [{"instance": name, "text": c.text} for name, c in found.contradictions],
                "harness_s": found.harness_s,
                "reference_s": found.reference_s,
            }
        )
    else:
        _print(found)
    return 1 if found.contradictions else 0


def _print(found: Summary) -> None:
    for name, contradiction in found.contradictions:
        print(f"CONTRADICTION on {name}: {contradiction.text}")
    statuses = [status for status in reversed(Status) if any(status in counts for counts in found.statuses.values())]
    rows = [
        (method, *(counts.get(status, 0) for status in statuses)) for method, counts in sorted(found.statuses.items())
    ]
    print(f"{found.finished} of {found.planned} planned runs")
    print_table(("method", *map(str, statuses)), rows)
    if found.harness_s:
        print(f"overhead of the harness: median {found.harness_s[0]:.3f} s a run, at most {found.harness_s[1]:.3f} s")
    if found.reference_s:
        low, high = min(found.reference_s), max(found.reference_s)
        ratio = f" (ratio {high / low:.2f})" if low else ""
        print(f"reference run: {len(found.reference_s)} runs, {low:.2f} to {high:.2f} s{ratio}")


def _export(arguments: argparse.Namespace) -> int:
    with Store(arguments.store) as store:
        written = export(store, arguments.output, arguments.format or FORMATS, current=not arguments.all)
    if arguments.json:
        print_json({"files": [str(path) for path in written]})
    else:
        print("\n".join(map(str, written)))
    return 0


def _merge(arguments: argparse.Namespace) -> int:
    with Store(arguments.output, writing=True) as target:
        done = merge(target, arguments.stores)
    if arguments.json:
        lost = {str(path): number for path, number in done.lost.items()}
        print_json({"store": str(arguments.output), "runs": done.runs, "present": done.present, "lost_files": lost})
    else:
        for path, number in done.lost.items():
            print_error(f"warning: {number} files that {path} names are missing in {path.name}.files; merged without")
        print(f"{done.runs} runs brought into {arguments.output}, {done.present} were there already")
    return 0
