"""``splgbench compare``: methods side by side on one instance, and whether they contradict each other."""

from __future__ import annotations

import argparse

from rich.console import Console

from splgbench.cli.arguments import Parsers, add_command, add_instance, add_limits, read_instance, read_limits
from splgbench.cli.output import print_json, print_table
from splgbench.cli.solve import EXIT_CODE
from splgbench.instance import Instance
from splgbench.isolation import solve_isolated
from splgbench.limits import Limits
from splgbench.method_names import expand
from splgbench.methods import interruptible, method
from splgbench.readable import amount, percent
from splgbench.result import Result, Status
from splgbench.trace import Stop
from splgbench.verdict import contradictions, verdict_line

EXAMPLES = """  splgbench compare us-miami-2011 --methods linked@highs strengthened@highs linked@scip --time-limit 30
  splgbench compare us-miami-2011 --cut 8x12 --methods all --time-limit 10
  splgbench compare hard-h4 --methods 'strengthened@*' --time-limit 60 --json

Methods may hold * for any name; `all` is every formulation on every backend. Each solve has its own process."""


def add(parsers: Parsers) -> None:
    parser = add_command(parsers, "compare", run, "compare methods on one instance, with a verdict", EXAMPLES)
    add_instance(parser)
    parser.add_argument("--methods", nargs="+", metavar="M", required=True, help="methods, with * allowed, or all")
    add_limits(parser, time_limit=60.0)


def run(arguments: argparse.Namespace) -> int:
    instance, limits = read_instance(arguments), read_limits(arguments)
    with interruptible(Stop()) as stop:
        results = answers(instance, expand(arguments.methods), limits, stop, quiet=arguments.json)
    found = contradictions(results)
    if arguments.json:
        print_json(
            {
                "instance": instance.name,
                "instance_hash": instance.instance_hash,
                "results": [result.as_json() for result in results],
                "contradictions": [{"methods": list(c.methods), "text": c.text} for c in found],
                "verdict": verdict_line(results),
            }
        )
    else:
        print_results(instance, results)
        print(verdict_line(results))
    return 1 if found else exit_code(results)


def exit_code(results: list[Result]) -> int:
    """What the command line says of answers that do not contradict each other: 0 unless no method has an answer."""
    codes = {EXIT_CODE.get(result.status, 0) for result in results}
    return min(codes) if codes else 0


def answers(instance: Instance, names: list[str], limits: Limits, stop: Stop, *, quiet: bool) -> list[Result]:
    """Every method's answer, each solve in its own process, until `stop` is set.

    Raises
    ------
    UnsupportedError, InputError
        A name means nothing; nothing has run then.
    """
    for name in names:
        method(name)
    console = Console(stderr=True)
    results: list[Result] = []
    for number, name in enumerate(names, 1):
        if stop:
            break
        if console.is_terminal and not quiet:
            console.print(f"[{number}/{len(names)}] {name}", highlight=False, markup=False, end="\r")
        results.append(solve_isolated(name, instance, limits, stop=stop))
    return results


def print_results(instance: Instance, results: list[Result]) -> None:
    """The table: wrong answers first, then by gap and time, unsupported pairs with their reason last."""

    def order(result: Result) -> tuple[bool, bool, float, float]:
        gap = 1.0 if result.gap is None else result.gap
        unsupported = result.status is Status.UNSUPPORTED
        return result.status is not Status.WRONG, unsupported, gap, result.wall_time_s

    rows = []
    for result in sorted(results, key=order):
        claimed = result.claimed_primal
        honesty = None if claimed is None or result.primal is None else f"{claimed - result.primal:.3g}"
        dual = None if result.dual is None else amount(result.dual)
        ran = result.status is not Status.UNSUPPORTED
        rows.append(
            (
                result.method,
                str(result.status),
                result.primal,
                dual,
                percent(result.gap),
                honesty,
                f"{result.build_time_s:.3f}" if ran else None,
                f"{result.solve_time_s:.3f}" if ran else None,
                result.message,
            )
        )
    print_table(
        ("method", "status", "primal (checked)", "dual", "gap", "claimed-checked", "build s", "solve s", ""),
        rows,
        f"{instance.name}: {instance.n_hospitals} hospitals, {instance.n_groups} groups, {instance.n_offers} offers",
    )
