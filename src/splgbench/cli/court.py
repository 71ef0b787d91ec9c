"""``splgbench court``: all methods on one instance, contradictory answers set apart and made small."""

from __future__ import annotations

import argparse
from pathlib import Path

from rich.console import Console

from splgbench.cli.arguments import Parsers, add_command, add_instance, add_limits, read_instance, read_limits
from splgbench.cli.compare import answers, print_results
from splgbench.cli.output import print_json
from splgbench.instance import Instance
from splgbench.method_names import expand
from splgbench.methods import interruptible
from splgbench.result import Result
from splgbench.solver_libraries import load_optional
from splgbench.trace import Stop
from splgbench.verdict import Contradiction, verdict_line

EXAMPLES = """  splgbench court us-miami-2011 --cut 8x12 --time-limit 10
  splgbench court my-package.zip --methods 'linked@*' mine.py@highs --time-limit 60 --patience 300

Without --methods every formulation on every backend is heard. A method that is proved wrong is set apart, and a part
of the instance is searched on which it is still wrong (--patience seconds; 0 leaves it)."""


def add(parsers: Parsers) -> None:
    parser = add_command(parsers, "court", run, "all methods on one instance; contradictions made small", EXAMPLES)
    add_instance(parser)
    parser.add_argument("--methods", nargs="+", metavar="M", default=["all"], help="methods, with * allowed, or all")
    add_limits(parser, time_limit=60.0)
    parser.add_argument("--patience", metavar="S", type=float, default=120.0, help="seconds for making it small")
    parser.add_argument("-o", "--output", metavar="FOLDER", type=Path, help="where reports of contradictions go")


def run(arguments: argparse.Namespace) -> int:
    load_optional("hypothesis", "hypothesis", "testing")
    from splgbench.testing.court import quarantined, refuted, smallest_contradiction

    instance, limits = read_instance(arguments), read_limits(arguments)
    folder = arguments.output or Path(f"court-{instance.name.replace('/', '-')}")
    with interruptible(Stop()) as stop:
        results = answers(instance, expand(arguments.methods), limits, stop, quiet=arguments.json)
        found, apart = refuted(results), quarantined(results)
        sound = [result for result in results if result.method not in apart]
        filed: dict[str, str] = {}
        for accused, contradiction in found.items():
            smallest = instance
            if arguments.patience > 0:
                if not arguments.json:
                    Console(stderr=True).print(f"making the contradiction of {accused} small", markup=False)
                smallest, still = smallest_contradiction(instance, contradiction, limits, arguments.patience, stop)
            else:
                still = contradiction
            filed[accused] = str(_file(folder, accused, contradiction.methods, smallest, still))
    if arguments.json:
        print_json(
            {
                "instance": instance.name,
                "instance_hash": instance.instance_hash,
                "results": [result.as_json() for result in results],
                "quarantined": apart,
                "folders": filed,
                "verdict": verdict_line(results),
                "verdict_of_the_others": verdict_line(sound),
            }
        )
    else:
        _print(instance, results, sound, apart, filed)
    return 1 if apart else 0


def _print(
    instance: Instance, results: list[Result], sound: list[Result], apart: dict[str, str], filed: dict[str, str]
) -> None:
    print_results(instance, results)
    print(verdict_line(results))
    for name, text in apart.items():
        print(f"set apart: {name} ({text}); report: {filed[name]}/REPORT.md")
    if apart:
        print(f"the others: {verdict_line(sound)}")


def _file(folder: Path, accused: str, between: tuple[str, ...], smallest: Instance, still: Contradiction) -> Path:
    """Write one contradiction's folder."""
    from splgbench.testing.case_file import Case, plain, write_case
    from splgbench.testing.court import EXACT

    target = folder / plain(accused)
    folder.mkdir(parents=True, exist_ok=True)
    case = Case(
        title=f"`{accused}` is wrong",
        sentence=still.text,
        reason="A checked allocation lies below every bound (fact 4); the checker is exact.",
        blame=f"`{accused}`: its formulation or its backend; `splgbench conform {Path(accused).name}` tells which.",
        instances={"instance": smallest},
        methods=tuple(dict.fromkeys(name for name in (*between, *still.methods) if name != EXACT)),
        reproduce=(f"splgbench compare instance --methods {' '.join(Path(name).name for name in between)}",),
    )
    write_case(target, case)
    return target
