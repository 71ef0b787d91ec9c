"""Twenty years, 26 hospitals, 100 groups, a budget every year: how near the optimum in ten minutes, by which method?

    python benchmarks/years.py                     # runs what benchmarks/results/years.csv lacks
    python benchmarks/years.py --table             # only writes the table again

The instance is the preset `basel` with 100 groups told for 20 years: demand drifts, budgets pay for about half of the
demand, 5 % of a budget may be carried over, and a hospital's volume changes by at most 10 % and 10 cases a year; in a
second one its volume in every area does. Two threads; the gap asked for is 0.1 %, and the table says when 1 % was
reached.
"""

from __future__ import annotations

import argparse
import os
from dataclasses import replace
from decimal import Decimal
from itertools import product
from pathlib import Path

from area_methods import children_cpu
from hard_presets import COLUMNS, as_result, row_of
from resumable_csv import append, read

from splgbench import Limits, Result, solve_isolated, verdict_line
from splgbench.extensions import entries_of, with_extensions
from splgbench.generator.generate import generate
from splgbench.generator.presets import load_preset
from splgbench.generator.recipe import Recipe
from splgbench.generator.screening import machine
from splgbench.instance import Instance
from splgbench.verdict import contradictions

RESULTS = Path(__file__).parent / "results"
METHODS = ("lagrangian-budget", "strengthened@highs", "linked@highs")
YEARS = (20,)
UNITS = ("hospital", "area")
"""Of what a yearly change is limited."""
WANTED = 0.01
"""The gap whose time is told."""
ASKED = 0.001
MORE_COLUMNS = (*COLUMNS, "offers", "wanted_s", "cpu_s")


def recipe(years: int) -> Recipe:
    """The instance, as a recipe."""
    return replace(
        load_preset("basel"),
        name=f"years-{years}",
        description="How near the optimum does a method come where budgets and yearly changes tie the years together?",
        groups=100,
        years=years,
        year_growth=Decimal("0.015"),
        year_sd=Decimal("0.05"),
        yearly_change=Decimal("0.1"),
        yearly_cases=10,
        budget=Decimal("0.5"),
        carry_over=Decimal("0.05"),
    )


def instance_of(years: int, unit: str) -> Instance:
    """The instance with changes limited by hospital, or by hospital and area."""
    instance = generate(recipe(years))
    if unit == "hospital":
        return instance
    entries = entries_of(instance)
    areas = zip(instance.groups, (instance.areas[a] for a in instance.group_area.tolist()), strict=True)
    area = {group: name.partition("@")[0] for group, name in areas}
    for row in entries["years"]["groups"]:
        row["unit"] = area[row["group"]]
    return with_extensions(instance.plain, entries)


def reached(result: Result) -> float | None:
    """Seconds after which the gap of the trace was `WANTED`."""
    primal, dual = None, None
    for event in result.trace:
        primal = event.primal if primal is None else max(primal, event.primal or primal)
        dual = event.dual if dual is None else min(dual, dual if event.dual is None else event.dual)
        if primal and dual is not None and dual - primal <= WANTED * primal:
            return event.time
    return None


def run(years: list[int], units: list[str], methods: list[str], wall_time: float, path: Path) -> None:
    """Run what the file lacks, one solve after the other."""
    for count, unit in product(years, units):
        instance, name = instance_of(count, unit), f"years-{count}" + "-by-area" * (unit == "area")
        for method in methods:
            done = {(row["instance_hash"], row["method"], float(row["time_limit_s"])) for row in read(path)}
            if (instance.instance_hash, method, wall_time) in done:
                continue
            before = children_cpu()
            result = solve_isolated(method, instance, Limits(wall_time=wall_time, threads=2, gap=ASKED))
            used, wanted = children_cpu() - before, reached(result)
            facts = {
                "offers": instance.n_offers,
                "wanted_s": None if wanted is None else round(wanted, 1),
                "cpu_s": round(used, 1),
            }
            append(path, MORE_COLUMNS, [row_of(name, wall_time, method, result) | facts])
            print(name, method, result.status, result.gap, f"{result.wall_time_s:.1f} s", facts, flush=True)


def table(rows: list[dict[str, str]], wall_time: float) -> str:
    """The committed table."""
    rows = [row for row in rows if float(row["time_limit_s"]) == wall_time]
    lines = [
        "# Years with budgets",
        "",
        f"Command: `python benchmarks/years.py`. 26 hospitals, 100 groups in each year. Limit {wall_time:g} s of wall "
        f"time, two threads, gap asked for {100 * ASKED:g} %, each solve in its own process, one after the other.",
        "",
        f"Machine: {machine()}. The solves had one core between their two threads and shared it with other work: CPU "
        "says how many seconds of it they got. Versions: "
        f"{'; '.join(sorted({row['versions'] for row in rows}))}.",
        "",
        "Primal is the exactly checked value, dual the bound, both in thousands of utility units; gap in per cent; 1 % "
        "is the second at which the trace's gap was 1 %.",
        "",
    ]
    for name in dict.fromkeys(row["preset"] for row in rows):
        mine = {row["method"]: row for row in rows if row["preset"] == name}
        one = next(iter(mine.values()))
        lines += [
            f"## {name.removeprefix('years-').replace('-by-area', ' years, changes by area')}"
            + " years" * (not name.endswith("-by-area")),
            "",
            f"{int(one['offers']):,} offers.",
            "",
            "| method | primal | dual | gap | 1 % | status | seconds | CPU |",
            "| --- | ---: | ---: | ---: | ---: | --- | ---: | ---: |",
            *(_line(mine[method]) for method in METHODS if method in mine),
            "",
            f"{verdict_line([as_result(row) for row in mine.values()])}",
            "",
        ]
    return "\n".join(lines).rstrip("\n") + "\n"


def _line(row: dict[str, str]) -> str:
    def thousands(text: str) -> str:
        return f"{float(text) / 1000:,.1f}" if text else "none"

    cells = (
        f"`{row['method']}`",
        thousands(row["primal"]),
        thousands(row["dual"]),
        f"{100 * float(row['gap']):.3f}" if row["gap"] else "none",
        row["wanted_s"] or "never",
        row["status"],
        f"{float(row['wall_time_s']):.1f}",
        row["cpu_s"],
    )
    return f"| {' | '.join(cells)} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--years", nargs="+", type=int, default=list(YEARS))
    parser.add_argument("--units", nargs="+", choices=UNITS, default=list(UNITS))
    parser.add_argument("--methods", nargs="+", default=list(METHODS))
    parser.add_argument("--time-limit", type=float, default=600.0)
    parser.add_argument("--table", action="store_true", help="run nothing")
    arguments = parser.parse_args()
    path = RESULTS / "years.csv"
    if not arguments.table:
        print("load", os.getloadavg())
        run(arguments.years, arguments.units, arguments.methods, arguments.time_limit, path)
    rows = read(path)
    (RESULTS / "years.md").write_text(table(rows, arguments.time_limit))
    names = {row["preset"] for row in rows}
    found = [c.text for name in names for c in contradictions([as_result(r) for r in rows if r["preset"] == name])]
    if found:
        raise SystemExit("CONTRADICTION: " + "; ".join(found))


if __name__ == "__main__":
    main()
