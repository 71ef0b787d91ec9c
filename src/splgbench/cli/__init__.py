"""The command line: one file a command, each with ``add(parsers)`` and ``run(arguments)``."""

from __future__ import annotations

import argparse
import os
import sys
import traceback
from collections.abc import Sequence

from splgbench.cli import (
    app,
    certify,
    check,
    compare,
    compare_stores,
    conform,
    court,
    evaluate,
    export,
    frontier,
    fund,
    generate,
    import_table,
    instances,
    listing,
    plan,
    relax,
    report,
    screen,
    solve,
    store,
    validate,
    value,
)
from splgbench.cli import run as run_campaign
from splgbench.cli.output import print_error, print_json
from splgbench.errors import InputError, SplgbenchError
from splgbench.versions import splgbench_version

COMMANDS = (
    listing,
    validate,
    generate,
    import_table,
    instances,
    solve,
    compare,
    relax,
    check,
    certify,
    export,
    plan,
    value,
    frontier,
    fund,
    evaluate,
    app,
    screen,
    conform,
    court,
    run_campaign,
    store,
    report,
    compare_stores,
)
EXIT_CODES = """exit codes:
  0  answered, limits included        4  infeasible: the overrides clash
  1  wrong: a contradiction           5  the method failed
  2  bad input                        6  nobody expected this: a traceback
  3  unsupported method, option       130  interrupted by Ctrl-C
     or package"""
DEFECT = 6
"""Exit code of an exception that nobody expected; Python's own, 1, says that answers contradict each other."""


def build_parser() -> argparse.ArgumentParser:
    """The parser of all commands."""
    parser = argparse.ArgumentParser(
        prog="splgbench",
        description="Compare formulations, decompositions and solvers on the SPLG allocation problem.",
        epilog=EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"splgbench {splgbench_version()}")
    parsers = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for command in COMMANDS:
        command.add(parsers)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    arguments = build_parser().parse_args(argv)
    try:
        code: int = arguments.run(arguments)
        sys.stdout.flush()
        return code
    except SplgbenchError as error:
        problems = [str(problem) for problem in error.problems] if isinstance(error, InputError) else []
        _print_failure(arguments, str(error), problems)
        return error.exit_code
    except BrokenPipeError:
        # The reader of a pipe went away, for instance `splgbench list | head`.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        print_error("interrupted")
        return 130
    except Exception as error:
        traceback.print_exc()
        _print_failure(arguments, f"nobody expected this: {type(error).__name__}: {error}", [])
        return DEFECT


def _print_failure(arguments: argparse.Namespace, told: str, problems: list[str]) -> None:
    if arguments.json:
        print_json({"error": told, "problems": problems})
    else:
        print_error(told)
