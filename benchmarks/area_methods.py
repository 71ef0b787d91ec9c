"""Decompositions by area where few and where many links cross areas: bounds after 30 s, one thread.

    python benchmarks/area_methods.py                     # runs what benchmarks/results/area_methods.csv lacks
    python benchmarks/area_methods.py --table             # only writes the table again

Presets keep their names; NAME-basic is the preset with no link across areas but the one to the basic package, which
every group then has. Finished runs are appended at once, and runs that stand there under the same instance and limit
are not repeated.
"""

from __future__ import annotations

import argparse
import os
import resource
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import numpy as np
from hard_presets import COLUMNS, as_result, row_of
from resumable_csv import append, read

from splgbench import Limits, load, registry, solve_isolated, verdict_line
from splgbench.decomposition.area_problems import AreaProblems
from splgbench.decomposition.blocks import cut_into_blocks
from splgbench.decomposition.loop import Loop
from splgbench.decomposition.partition import partition
from splgbench.decomposition.subproblems import Subproblems
from splgbench.generator.generate import generate
from splgbench.generator.presets import load_preset
from splgbench.generator.screening import machine
from splgbench.instance import Instance
from splgbench.limits import NO_LIMITS
from splgbench.trace import Recorder, Stop
from splgbench.verdict import contradictions

RESULTS = Path(__file__).parent / "results"
INSTANCES = (
    "hard-h10",
    "easy",
    "us-miami-2011",
    "hard-h7-basic",
    "hard-h10-basic",
    "hard-h4-basic",
    "hard-h7",
    "hard-h4",
)
METHODS = ("lagrangian-area", "benders-area", "benders-logic-area", "linked@highs", "strengthened@highs")
MORE_COLUMNS = (*COLUMNS, "iterations", "cpu_s", "live", "across", "shared")


def instance_of(name: str) -> Instance:
    """A library instance, or a preset with links to the basic package as the only ones across areas."""
    if not name.endswith("-basic"):
        return load(name)
    recipe = load_preset(name.removesuffix("-basic"))
    return generate(replace(recipe, name=name, cross_links=Decimal(0), basic_links=Decimal(1)))


def crossing(instance: Instance) -> dict[str, int]:
    """Live offers, rows of `linked` that join areas, and offers that are needed across areas."""
    loop = Loop(instance, NO_LIMITS, None, Recorder("benchmark"), Stop())
    model = registry.find("formulations", "linked").build(instance)
    cut = cut_into_blocks(model, partition(loop.offers, "area"))
    shared = AreaProblems(cut, loop.offers.granted, Subproblems(loop, "highs")).shared
    return {"live": int(np.count_nonzero(loop.offers.live)), "across": len(cut.limit), "shared": len(shared)}


def run(names: list[str], methods: list[str], wall_time: float, path: Path) -> None:
    """Run what the file lacks, one solve after the other."""
    for name in names:
        instance = instance_of(name)
        counts = crossing(instance)
        for method in methods:
            done = {(row["instance_hash"], row["method"], float(row["time_limit_s"])) for row in read(path)}
            if (instance.instance_hash, method, wall_time) in done:
                continue
            before = children_cpu()
            result = solve_isolated(method, instance, Limits(wall_time=wall_time))
            work = {"iterations": result.counters.get("iterations"), "cpu_s": round(children_cpu() - before, 1)}
            append(path, MORE_COLUMNS, [row_of(name, wall_time, method, result) | work | counts])
            print(name, method, result.status, result.gap, f"{result.wall_time_s:.1f} s", work, flush=True)


def children_cpu() -> float:
    """CPU seconds of finished child processes."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def table(rows: list[dict[str, str]], wall_time: float) -> str:
    """The committed table."""
    rows = [row for row in rows if float(row["time_limit_s"]) == wall_time]
    lines = [
        "# Decompositions by area",
        "",
        f"Command: `python benchmarks/area_methods.py`. Limit {wall_time:g} s of wall time, one thread, gap asked for "
        "0, each solve in its own process, one after the other.",
        "",
        f"Machine: {machine()}, shared: CPU says how many of the seconds the process got. Versions: "
        f"{'; '.join(sorted({row['versions'] for row in rows}))}.",
        "",
        "Live: offers after presolve. Across: rows of `linked` that join areas. Shared: offers that other areas need. "
        "Primal is the exactly checked value, dual the bound, both in thousands of utility units; gap in per cent.",
        "",
    ]
    for name in INSTANCES:
        mine = {row["method"]: row for row in rows if row["preset"] == name}
        if not mine:
            continue
        one = next(iter(mine.values()))
        lines += [
            f"## {name}",
            "",
            f"Live {one['live']}, across {one['across']}, shared {one['shared']}.",
            "",
            "| method | primal | dual | gap | status | iterations | seconds | CPU |",
            "| --- | ---: | ---: | ---: | --- | ---: | ---: | ---: |",
        ]
        lines += [_line(mine[method]) for method in METHODS if method in mine]
        lines += ["", f"{verdict_line([as_result(row) for row in mine.values()])}", ""]
    return "\n".join(lines).rstrip("\n") + "\n"


def _line(row: dict[str, str]) -> str:
    def thousands(text: str) -> str:
        return f"{float(text) / 1000:,.1f}" if text else "none"

    gap = f"{100 * float(row['gap']):.4f}" if row["gap"] else "none"
    cells = (
        f"`{row['method']}`",
        thousands(row["primal"]),
        thousands(row["dual"]),
        gap,
        row["status"],
        row["iterations"],
        f"{float(row['wall_time_s']):.1f}",
        row["cpu_s"],
    )
    return f"| {' | '.join(cells)} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--instances", nargs="+", default=list(INSTANCES))
    parser.add_argument("--methods", nargs="+", default=list(METHODS))
    parser.add_argument("--time-limit", type=float, default=30.0)
    parser.add_argument("--table", action="store_true", help="run nothing")
    arguments = parser.parse_args()
    path = RESULTS / "area_methods.csv"
    if not arguments.table:
        print("load", os.getloadavg())
        run(arguments.instances, arguments.methods, arguments.time_limit, path)
    rows = read(path)
    (RESULTS / "area_methods.md").write_text(table(rows, arguments.time_limit))
    found = [c.text for name in INSTANCES for c in contradictions([as_result(r) for r in rows if r["preset"] == name])]
    if found:
        raise SystemExit("CONTRADICTION: " + "; ".join(found))


if __name__ == "__main__":
    main()
