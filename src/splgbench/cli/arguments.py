"""Arguments that several commands share."""

from __future__ import annotations

import argparse
from typing import Any

from splgbench.errors import InputError
from splgbench.instance import Instance
from splgbench.library import load
from splgbench.limits import Limits
from splgbench.transform import CUT, RULES, cut, without_rules

Parsers = Any


def add_command(parsers: Parsers, name: str, run: Any, summary: str, examples: str) -> argparse.ArgumentParser:
    """A subcommand with --json and examples under its --help."""
    parser: argparse.ArgumentParser = parsers.add_parser(
        name,
        help=summary,
        description=summary[0].upper() + summary[1:] + ".",
        epilog=f"examples:\n{examples}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object and nothing else")
    parser.set_defaults(run=run)
    return parser


def add_instance(parser: argparse.ArgumentParser) -> None:
    """INSTANCE and what can be changed about it on the way in."""
    parser.add_argument("instance", metavar="INSTANCE", help="a folder, a zip or a name of the library")
    parser.add_argument(
        "--without",
        metavar="RULE",
        action="append",
        default=[],
        help=f"switch a rule off (repeatable): {', '.join(RULES)}",
    )
    parser.add_argument(
        "--cut",
        metavar="HxG",
        help="keep the H largest hospitals and the G largest groups, with demand cut in proportion",
    )


def read_instance(arguments: argparse.Namespace) -> Instance:
    """The instance the arguments name."""
    instance = load(arguments.instance)
    if arguments.cut:
        match = CUT.fullmatch(arguments.cut)
        if match is None:
            raise InputError(f"must be written HxG, for instance 8x20, not {arguments.cut!r}", "--cut")
        name = f"{instance.name}-cut-{arguments.cut}"
        instance = cut(instance, int(match[1]), int(match[2]), name)
    return without_rules(instance, arguments.without)


def add_limits(parser: argparse.ArgumentParser, *, time_limit: float | None = None) -> None:
    """The limits of a solve."""
    parser.add_argument("--time-limit", metavar="S", type=float, default=time_limit, help="seconds of wall time")
    parser.add_argument("--threads", metavar="N", type=int, default=1, help="solver threads (default 1)")
    parser.add_argument("--gap", metavar="G", type=float, default=0.0, help="relative gap to stop at (default 0)")
    parser.add_argument("--seed", metavar="N", type=int, default=0, help="solver seed (default 0)")
    parser.add_argument("--memory-limit", metavar="MB", type=int, help="megabytes, enforced from outside")
    parser.add_argument("--node-limit", metavar="N", type=int, help="branch-and-bound nodes")


def read_limits(arguments: argparse.Namespace) -> Limits:
    """The limits the arguments name."""
    return Limits(
        wall_time=arguments.time_limit,
        memory=arguments.memory_limit,
        threads=arguments.threads,
        gap=arguments.gap,
        seed=arguments.seed,
        nodes=arguments.node_limit,
    )
