"""``splgbench evaluate``: what a contract changed, by difference-in-differences."""

from __future__ import annotations

import argparse
from pathlib import Path

from splgbench.cli.arguments import Parsers, add_command
from splgbench.cli.output import print_json, print_table
from splgbench.errors import OutputError
from splgbench.planning.tables import read_sheet, write_columns
from splgbench.report.figures import write_figure
from splgbench.solver_libraries import load_optional
from splgbench.value.evaluation import EFFECT_COLUMNS, Evaluation, evaluate
from splgbench.value.figures import event_study
from splgbench.value.schemas import PANEL

EXAMPLES = """  splgbench evaluate docs/examples/evaluation/panel.csv --case-mix age comorbidity
  splgbench evaluate panel.csv --case-mix age --level 0.9 -o evaluation

The panel has the columns unit, period, treated and outcome, those of the case mix, and if need be weight and cluster
(docs/value.md). -o writes the estimates and the event study as a figure."""


def add(parsers: Parsers) -> None:
    parser = add_command(parsers, "evaluate", run, "what a contract changed: difference-in-differences", EXAMPLES)
    parser.add_argument("panel", metavar="PANEL", type=Path, help="a CSV file")
    parser.add_argument("--case-mix", metavar="COLUMN", nargs="+", default=[], help="columns to adjust for")
    parser.add_argument("--level", metavar="P", type=float, default=0.95, help="of the intervals (default 0.95)")
    parser.add_argument("-o", "--output", metavar="FOLDER", type=Path, help="write estimates and figure to a folder")


def run(arguments: argparse.Namespace) -> int:
    if arguments.output is not None:
        load_optional("matplotlib.figure", "matplotlib", "report")
    found = evaluate(read_sheet(PANEL, arguments.panel, arguments.case_mix), arguments.case_mix, arguments.level)
    if arguments.output is not None:
        _write(found, arguments.output)
    table = found.table()
    rows = list(zip(*(table[name] for name in EFFECT_COLUMNS), strict=True))
    if arguments.json:
        print_json(
            {
                "estimates": [dict(zip(EFFECT_COLUMNS, row, strict=True)) for row in rows],
                "level": found.level,
                "observations": found.observations,
                "units": found.units,
                "treated_units": found.treated_units,
                "clusters": found.clusters,
                "notes": list(found.notes),
            }
        )
        return 0
    print(
        f"{found.observations} observations of {found.units} units, {found.treated_units} under contract; "
        f"{found.clusters} clusters; {found.level:.0%} intervals"
    )
    print_table(EFFECT_COLUMNS, [(term, *map(_number, cells)) for term, *cells in rows])
    for note in found.notes:
        print(f"note: {note}")
    return 0


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"


def _write(found: Evaluation, folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot write {folder}: {error.strerror}") from None
    write_columns(found.table(), folder / "estimates.csv")
    write_figure(event_study(found), folder / "event-study")
