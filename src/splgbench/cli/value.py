"""``splgbench value``: an instance whose utilities are outcomes over cost."""

from __future__ import annotations

import argparse
from pathlib import Path

from splgbench.cli.arguments import Parsers, add_command, add_instance, read_instance
from splgbench.cli.output import print_json, print_written
from splgbench.package import write_package
from splgbench.planning.benefit import MISSING_RULES
from splgbench.value.outcomes import Objective, ValueRules, read_value, with_value

EXAMPLES = """  splgbench value docs/examples/value/instance docs/examples/value/tables -o by-value
  splgbench value my-package my-tables --objective outcomes --least-patients 30 -o by-outcomes
  splgbench value my-package my-tables --explain Mittelsee HER1

TABLES is a folder with conditions.csv, outcome_set.csv, outcomes.csv and cycle_costs.csv (docs/value.md). The package
that is written has the cost of a case beside each offer, which splgbench frontier reads."""


def add(parsers: Parsers) -> None:
    parser = add_command(parsers, "value", run, "make outcomes over cost the objective of an instance", EXAMPLES)
    add_instance(parser)
    parser.add_argument("tables", metavar="TABLES", type=Path, help="a folder")
    parser.add_argument(
        "--objective",
        choices=[str(objective) for objective in Objective],
        default=str(Objective.VALUE),
        help="points of outcomes at the reference cost, or points alone (default value)",
    )
    parser.add_argument("--missing", choices=MISSING_RULES, default=MISSING_RULES[0], help="rule for missing measures")
    parser.add_argument("--least-patients", metavar="N", type=int, default=0, help="of a measure that counts")
    parser.add_argument(
        "--utility-scale", metavar="N", type=int, default=100, help="utility units a point (default 100)"
    )
    target = parser.add_mutually_exclusive_group(required=True)
    target.add_argument("--explain", metavar=("HOSPITAL", "GROUP"), nargs=2, help="take the value of one offer apart")
    target.add_argument("-o", "--output", metavar="PACKAGE", type=Path, help="write the instance")


def run(arguments: argparse.Namespace) -> int:
    instance = read_instance(arguments)
    value = read_value(arguments.tables, ValueRules(arguments.missing, arguments.least_patients))
    if arguments.explain:
        lines = list(value.explain(*arguments.explain).lines())
        if arguments.json:
            print_json({"lines": lines})
        else:
            print("\n".join(lines))
        return 0
    valued = with_value(instance, value, Objective(arguments.objective), arguments.utility_scale)
    write_package(valued, arguments.output)
    print_written(valued, arguments.output, as_json=arguments.json)
    return 0
