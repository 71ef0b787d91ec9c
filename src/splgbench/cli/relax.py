"""``splgbench relax``: the LP bounds of formulations."""

from __future__ import annotations

import argparse
import time
from typing import Any

from splgbench import registry
from splgbench.cli.arguments import Parsers, add_command, add_instance, add_limits, read_instance, read_limits
from splgbench.cli.output import print_json, print_table
from splgbench.errors import UnsupportedError
from splgbench.methods import Direct, method

EXAMPLES = """  splgbench relax us-miami-2011
  splgbench relax hard-h4 --methods linked@highs strengthened@highs"""


def add(parsers: Parsers) -> None:
    parser = add_command(parsers, "relax", run, "solve LP relaxations: how strong formulations are", EXAMPLES)
    add_instance(parser)
    parser.add_argument("--methods", nargs="+", metavar="M", help="FORMULATION@BACKEND (default: all on highs)")
    add_limits(parser, time_limit=60.0)


def run(arguments: argparse.Namespace) -> int:
    instance, limits = read_instance(arguments), read_limits(arguments)
    names = arguments.methods or [f"{name}@highs" for name in registry.names("formulations")]
    rows = []
    for name in names:
        direct = method(name)
        if not isinstance(direct, Direct):
            raise UnsupportedError(f"{name} is no formulation on a backend and has no LP relaxation of its own")
        began = time.perf_counter()
        row: dict[str, Any] = {"method": direct.name, "lp_bound": None, "wall_time_s": None, "message": ""}
        try:
            row["lp_bound"] = direct.lp_bound(instance, limits)
            row["wall_time_s"] = round(time.perf_counter() - began, 3)
        except UnsupportedError as error:
            row["message"] = str(error)
        rows.append(row)
    if arguments.json:
        print_json({"instance": instance.name, "instance_hash": instance.instance_hash, "relaxations": rows})
        return 0
    shown = sorted(rows, key=lambda row: (row["lp_bound"] is None, row["lp_bound"]))
    print_table(
        ("method", "LP bound", "seconds", ""),
        [
            (
                row["method"],
                None if row["lp_bound"] is None else f"{row['lp_bound']:,.1f}",
                row["wall_time_s"],
                row["message"],
            )
            for row in shown
        ],
        f"LP bounds of {instance.name}, strongest first",
    )
    return 0
