"""``splgbench check``: judge an allocation exactly."""

from __future__ import annotations

import argparse

from splgbench.allocation import read_allocation
from splgbench.checker import check
from splgbench.cli.arguments import Parsers, add_command, add_instance, read_instance
from splgbench.cli.output import print_json

EXAMPLES = """  splgbench check us-miami-2011 allocation.csv
  splgbench check us-miami-2011 result.json --json"""


def add(parsers: Parsers) -> None:
    parser = add_command(parsers, "check", run, "check an allocation in whole numbers against every rule", EXAMPLES)
    add_instance(parser)
    parser.add_argument("allocation", metavar="ALLOCATION", help="a CSV or JSON allocation, or a result file")


def run(arguments: argparse.Namespace) -> int:
    instance = read_instance(arguments)
    allocation = read_allocation(arguments.allocation, instance)
    verdict = check(instance, allocation)
    claim = allocation.objective
    false_claim = claim is not None and claim != verdict.objective
    if arguments.json:
        print_json(
            {
                "feasible": verdict.feasible,
                "objective": verdict.objective,
                "claimed": claim,
                "violations": [
                    {"rule": v.rule, "hospital": v.hospital, "group": v.group, "amount": v.amount, "text": v.text}
                    for v in verdict.violations
                ],
            }
        )
    else:
        for violation in verdict.violations:
            print(violation)
        if false_claim:
            print(f"claim: the file claims {claim}, the allocation is worth {verdict.objective}")
        state = "feasible" if verdict.feasible else f"{len(verdict.violations)} violations"
        print(f"{state}, objective {verdict.objective}")
    return 0 if verdict.feasible and not false_claim else 1
