"""``splgbench conform``: put a formulation or decomposition through the battery."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from rich.console import Console

from splgbench.cli.arguments import Parsers, add_command
from splgbench.cli.output import print_json
from splgbench.errors import InputError, UnsupportedError
from splgbench.methods import interruptible
from splgbench.solver_libraries import load_optional
from splgbench.trace import Stop

EXAMPLES = """  splgbench conform mine.py                     a file that names its formulation `method` or `mine`
  splgbench conform mine.py@scip --examples 500
  splgbench conform linked@highs:presolve=off --relation oracle --seed 7
  splgbench conform --list                      the relations and why they must hold

Exit code 0: conforms; 1: refuted, and a folder with the smallest instance and a report is written."""


def add(parsers: Parsers) -> None:
    parser = add_command(parsers, "conform", run, "check a method against every relation of the model", EXAMPLES)
    parser.add_argument(
        "method", metavar="PATH|NAME", nargs="?", help="FILE.py or NAME, with [@BACKEND][:key=value,...]"
    )
    parser.add_argument("--examples", metavar="N", type=int, default=100, help="instances a relation (default 100)")
    parser.add_argument("--seed", metavar="N", type=int, default=0, help="seed of the draws (default 0)")
    parser.add_argument("--relation", metavar="R", action="append", default=[], help="only this relation (repeatable)")
    parser.add_argument("--time-limit", metavar="S", type=float, help="seconds for the whole battery")
    parser.add_argument("--list", action="store_true", help="show the relations")
    parser.add_argument("-o", "--output", metavar="FOLDER", type=Path, help="where the report goes")


def run(arguments: argparse.Namespace) -> int:
    load_optional("hypothesis", "hypothesis", "testing")
    from splgbench.testing.relations import RELATIONS

    if arguments.list:
        listed = {relation.name: relation.reason for relation in RELATIONS.values()}
        if arguments.json:
            print_json(listed)
        else:
            for name, reason in listed.items():
                print(f"{name}: {reason}")
        return 0
    if arguments.method is None:
        raise InputError("name a file or a method", "conform")
    unknown = [name for name in arguments.relation if name not in RELATIONS]
    if unknown:
        raise UnsupportedError(f"no relation named {', '.join(unknown)}; there are {', '.join(RELATIONS)}")
    if arguments.examples < 1:
        raise InputError("must be at least 1", "--examples")
    return _judged(arguments)


def _judged(arguments: argparse.Namespace) -> int:
    from splgbench.testing.case_file import check_free
    from splgbench.testing.conformance import conform

    if arguments.output is not None:
        check_free(arguments.output)
    show = None if arguments.json else _Show(arguments.examples)
    with interruptible(Stop()) as stop:
        outcome = conform(
            arguments.method,
            examples=arguments.examples,
            seed=arguments.seed,
            relations=arguments.relation,
            wall_time=arguments.time_limit,
            on_progress=show,
            stop=stop,
        )
    refutation = outcome.refutation
    folder = None if refutation is None else _file(arguments, outcome)
    facts: dict[str, Any] = {
        "method": outcome.method,
        "conforms": refutation is None,
        "examples": outcome.examples,
        "seed": arguments.seed,
        "relation": refutation.relation if refutation else None,
        "sentence": refutation.sentence if refutation else None,
        "instance_hash": refutation.instance.instance_hash if refutation else None,
        "folder": str(folder) if folder else None,
    }
    if arguments.json:
        print_json(facts)
    elif refutation is None:
        told = f"{sum(outcome.examples.values()):,} examples of {len(outcome.examples)} relations"
        print(f"{outcome.method} conforms: {told}, seed {arguments.seed}")
    else:
        print(f"{outcome.method} is REFUTED by `{refutation.relation}`: {refutation.sentence}")
        size = refutation.instance
        print(f"smallest instance: {size.n_hospitals} hospitals, {size.n_groups} groups; report: {folder}/REPORT.md")
    return 0 if refutation is None else 1


def _file(arguments: argparse.Namespace, outcome: Any) -> Path:
    """Write the case folder; without -o the first free name."""
    from splgbench.testing.blame import filed

    folder: Path | None = arguments.output
    if folder is None:
        stem = f"refuted-{Path(outcome.method.partition('@')[0]).stem}"
        folder = Path(stem)
        number = 1
        while folder.exists():
            number += 1
            folder = Path(f"{stem}-{number}")
    filed(outcome, folder, arguments.seed)
    return folder


class _Show:
    """One line a relation; on a terminal also what is going on."""

    def __init__(self, examples: int) -> None:
        self.console = Console(stderr=True, highlight=False)
        self.examples = examples
        self.shown = 0

    def __call__(self, progress: Any) -> None:
        if progress.done:
            self.console.print(f"{progress.relation}: {progress.examples} examples", markup=False)
            self.shown = 0
        elif self.console.is_terminal and progress.examples >= self.shown + 5:
            self.shown = progress.examples
            line = f"{progress.relation}: {progress.examples} of {self.examples}"
            self.console.print(line, end="\r", markup=False)
