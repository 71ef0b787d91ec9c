"""``splgbench frontier``: what benefit costs, point by point, each proved."""

from __future__ import annotations

import argparse
from pathlib import Path

from splgbench.allocation import Allocation
from splgbench.cli.arguments import Parsers, add_command, add_instance, add_limits, read_instance, read_limits
from splgbench.cli.output import print_json, print_table
from splgbench.errors import OutputError
from splgbench.instance import Instance
from splgbench.methods import interruptible
from splgbench.planning.tables import read_sheet, write_columns
from splgbench.report.figures import write_figure
from splgbench.solver_libraries import load_optional
from splgbench.trace import Stop
from splgbench.value.figures import benefit_against_cost
from splgbench.value.frontier import COLUMNS, DEFAULT_METHOD, Frontier, Point, frontier, offer_costs
from splgbench.value.schemas import COSTS

EXAMPLES = """  splgbench frontier by-outcomes --points 9 -o frontier
  splgbench frontier my-package --costs costs.csv --points 21 --time-limit 600 -o frontier
  splgbench frontier my-package --costs costs.csv --points 5 --method linked@cpsat -o frontier

Costs are the column cost of the package's offers, as splgbench value writes it, or a table with hospital, group and
cost. Ctrl-C, or the end of the time, keeps what was found; the column status says what is proved (docs/value.md)."""


def add(parsers: Parsers) -> None:
    parser = add_command(parsers, "frontier", run, "benefit against cost, each point with proof", EXAMPLES)
    add_instance(parser)
    parser.add_argument("--points", metavar="N", type=int, default=11, help="budgets, ends included (default 11)")
    parser.add_argument("--costs", metavar="FILE", type=Path, help="a CSV file with hospital, group and cost")
    parser.add_argument(
        "--method", metavar="M", default=DEFAULT_METHOD, help=f"a direct method, default {DEFAULT_METHOD}"
    )
    add_limits(parser)
    parser.add_argument(
        "-o", "--output", metavar="FOLDER", type=Path, required=True, help="points, figure, allocations"
    )


def run(arguments: argparse.Namespace) -> int:
    load_optional("matplotlib.figure", "matplotlib", "report")
    instance = read_instance(arguments)
    costs = offer_costs(instance, None if arguments.costs is None else read_sheet(COSTS, arguments.costs))
    folder: Path = arguments.output
    try:
        (folder / "allocations").mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot write {folder}: {error.strerror}") from None

    def tell(point: Point) -> None:
        if not arguments.json:
            budget = "no limit" if point.budget is None else f"{point.budget:,d}"
            print(f"  budget {budget}: {point.status}", flush=True)

    with interruptible(Stop()) as stop:
        found = frontier(instance, costs, arguments.points, arguments.method, read_limits(arguments), tell, stop)
    _write(found, instance, folder)
    table = found.table()
    if arguments.json:
        print_json({"proved": found.proved, "solves": found.solves, "points": table})
    else:
        print_table(
            COLUMNS, zip(*(table[name] for name in COLUMNS), strict=True), f"{instance.name}, {arguments.method}"
        )
        if not found.proved:
            print("not every point is proved: give it more time, or fewer points")
    return 0


def _write(found: Frontier, instance: Instance, folder: Path) -> None:
    write_columns(found.table(), folder / "frontier.csv")
    write_figure(benefit_against_cost(found, instance.name, instance.utility_scale), folder / "frontier")
    for stale in (folder / "allocations").glob("[0-9][0-9][0-9].csv"):
        stale.unlink()
    for number, point in enumerate(found.points, 1):
        if point.volumes is not None:
            allocation = Allocation.of_volumes(instance, point.volumes, point.benefit)
            allocation.write(folder / "allocations" / f"{number:03d}.csv")
