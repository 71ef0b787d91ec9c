"""``splgbench solve``: one instance, one method, the best checked allocation."""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.live import Live
from rich.text import Text

from splgbench.allocation import read_allocation
from splgbench.cli.arguments import Parsers, add_command, add_instance, add_limits, read_instance, read_limits
from splgbench.cli.output import print_error, print_json
from splgbench.errors import OutputError
from splgbench.files import is_special, write_text
from splgbench.instance import Instance
from splgbench.isolation import solve_isolated
from splgbench.methods import DEFAULT_METHOD, interruptible
from splgbench.readable import amount, percent
from splgbench.result import Result, Status, relative_gap
from splgbench.trace import Event, EventHandler, Stop

EXAMPLES = f"""  splgbench solve us-miami-2011
  splgbench solve hard-h4 --method linked@scip --time-limit 60
  splgbench solve my-package.zip --without links --json
  splgbench solve basel --start allocation.csv -o result.json

The default method is {DEFAULT_METHOD}. Ctrl-C ends the solve and keeps the best checked allocation."""

EXIT_CODE = {Status.WRONG: 1, Status.UNSUPPORTED: 3, Status.INFEASIBLE: 4, Status.ERROR: 5}


def add(parsers: Parsers) -> None:
    parser = add_command(parsers, "solve", run, "solve an instance with one method", EXAMPLES)
    add_instance(parser)
    parser.add_argument("--method", metavar="M", default=DEFAULT_METHOD, help="NAME[@BACKEND][:key=value,...]")
    add_limits(parser)
    parser.add_argument("--permutation", metavar="N", type=int, help="seed of a row and column permutation")
    parser.add_argument("--start", metavar="FILE", help="an allocation to start from")
    parser.add_argument("--log", metavar="FILE", type=Path, help="write what the solver prints")
    parser.add_argument(
        "-o", "--output", metavar="FILE", type=Path, help="write the result: .json all of it, .csv the allocation"
    )


def run(arguments: argparse.Namespace) -> int:
    instance, limits = read_instance(arguments), read_limits(arguments)
    start = read_allocation(arguments.start, instance) if arguments.start else None
    for target in (arguments.output, arguments.log):
        _refuse_unwritable(target)
    with interruptible(Stop()) as stop, _progress(arguments) as on_event:
        result = solve_isolated(
            arguments.method, instance, limits, start, arguments.permutation, on_event, stop, arguments.log
        )
    written = arguments.output is not None and _write(arguments.output, instance, result)
    if arguments.json:
        print_json(result.as_json())
    else:
        _print(instance, result, arguments.output if written else None)
    failed = arguments.output is not None and not written
    return EXIT_CODE.get(result.status, 5 if failed else 0)


def _refuse_unwritable(target: Path | None) -> None:
    """Say before the solve, not after it, that its result could not be written."""
    if target is None or is_special(target):
        return
    if target.is_dir():
        raise OutputError(f"cannot write {target}: it is a folder")
    if not target.absolute().parent.is_dir():
        raise OutputError(f"cannot write {target}: no folder {target.parent}")
    probe = target.absolute().parent / f".{target.name}-probe"
    try:
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise OutputError(f"cannot write {target}: {error.strerror}") from None


@contextmanager
def _progress(arguments: argparse.Namespace) -> Iterator[EventHandler | None]:
    """One live line on a terminal; silence in a pipe."""
    console = Console(stderr=True)
    if arguments.json or not console.is_terminal or not sys.stdout.isatty():
        yield None
        return
    with Live(Text("building the model"), console=console, transient=True, refresh_per_second=8) as live:

        def show(event: Event) -> None:
            gap = percent(relative_gap(event.primal, event.dual)) or "unknown"
            primal = "-" if event.primal is None else amount(event.primal)
            dual = "-" if event.dual is None else amount(event.dual)
            live.update(Text(f"{event.time:8.1f} s   primal {primal}   dual {dual}   gap {gap}"))

        yield show


def _write(path: Path, instance: Instance, result: Result) -> bool:
    """Whether there was something to write."""
    allocation = result.allocation(instance)
    if path.suffix == ".csv":
        if allocation is None:
            print_error(f"there is no allocation to write: {path} is left as it was")
            return False
        allocation.write(path)
        return True
    rows = allocation.as_json()["allocation"] if allocation is not None else None
    text = json.dumps({**result.as_json(), "allocation": rows}, indent=1, ensure_ascii=False, allow_nan=False)
    write_text(path, text + "\n")
    return True


def _print(instance: Instance, result: Result, output: Path | None) -> None:
    print(f"{result.method} on {instance.name}: {result.status}")
    if result.message:
        print(f"  {result.message}")
    if result.primal is not None:
        points = result.primal / instance.utility_scale
        print(f"  primal  {result.primal:,} (checked; {points:,.2f} points)")
    if result.dual is not None:
        print(f"  dual    {amount(result.dual)}")
    if result.gap is not None:
        print(f"  gap     {percent(result.gap)}")
    if result.claimed_primal is not None and result.primal is not None:
        print(f"  claimed minus checked  {result.claimed_primal - result.primal:,.6g}")
    if result.volumes is not None:
        cells = int(instance.demand.sum())
        cases = int(result.volumes.sum())
        covered = f"{100 * cases / cells:.1f} %" if cells else "-"
        print(f"  mandates {int((result.volumes > 0).sum()):,} of {instance.n_offers:,} offers, demand met {covered}")
    build, solving, polish = result.build_time_s, result.solve_time_s, result.polish_time_s
    print(f"  time    {result.wall_time_s:.2f} s (build {build:.2f}, solve {solving:.2f}, polish {polish:.2f})")
    if output is not None:
        with contextlib.suppress(OSError):
            print(f"  written {output}")
