"""``splgbench plan``: a planning project from hospital statistics to a hospital list."""

from __future__ import annotations

import argparse
from pathlib import Path

from splgbench.cli.arguments import Parsers, add_command
from splgbench.cli.output import print_json
from splgbench.planning.chain import STEPS, Done, run_project
from splgbench.planning.example import write_example
from splgbench.planning.project import read_project
from splgbench.solver_libraries import load_optional

EXAMPLES = """  splgbench plan my-project
  splgbench plan my-project --until forecast
  splgbench plan demo --example basel-2022 && splgbench plan demo

A project is a folder with project.toml and a folder tables (docs/planning.md). Results go to the folder out in it; what
is there and has not changed is kept. --example writes a semi-synthetic project into a new folder and runs nothing."""


def add(parsers: Parsers) -> None:
    parser = add_command(parsers, "plan", run, "run a planning project, step by step", EXAMPLES)
    parser.add_argument("folder", metavar="FOLDER", type=Path)
    parser.add_argument("--until", metavar="STEP", choices=[step.name for step in STEPS], help="stop after this step")
    parser.add_argument("--example", choices=["basel-2022"], help="write an example project to FOLDER")


def run(arguments: argparse.Namespace) -> int:
    if arguments.example:
        write_example(arguments.folder)
        if arguments.json:
            print_json({"written": str(arguments.folder)})
        else:
            print(f"{arguments.folder}: a semi-synthetic example project; run splgbench plan {arguments.folder}")
        return 0
    for module, package, extra in (
        ("statsmodels.api", "statsmodels", "planning"),
        ("matplotlib.figure", "matplotlib", "report"),
    ):
        load_optional(module, package, extra)
    project = read_project(arguments.folder)
    done = run_project(project, arguments.until, None if arguments.json else _tell)
    if arguments.json:
        steps = [{"step": each.step, "kept": each.kept, "files": each.files} for each in done]
        print_json({"project": project.name, "out": str(arguments.folder / "out"), "steps": steps})
    elif arguments.until is None:
        print(f"{arguments.folder / 'out' / 'report' / 'index.html'}")
    return 0


def _tell(done: Done) -> None:
    print(f"  {done.step:<16} {'kept' if done.kept else 'done'}", flush=True)
