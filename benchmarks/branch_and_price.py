"""Branch and price on the first seed of each hard row: which are proved, nodes and seconds.

    python benchmarks/branch_and_price.py                 # runs what benchmarks/results/branch_and_price.csv lacks
    python benchmarks/branch_and_price.py --table         # only writes the table again

The seeds are those of `hard_rows.py`, on which nobody developed. Every finished run is appended to the CSV at once;
runs that stand there under the same instance and limit are not repeated. CPU seconds stand beside wall seconds, as
others may use the machine, too.
"""

from __future__ import annotations

import argparse
import resource
from dataclasses import replace
from pathlib import Path
from typing import Any

from hard_rows import RESULTS, ROWS, screened
from resumable_csv import append, read

from splgbench import Limits, solve_isolated
from splgbench.generator.generate import generate
from splgbench.generator.presets import load_preset
from splgbench.generator.screening import machine
from splgbench.result import Result, Status

METHOD = "branch-and-price"
THREADS = 2
COUNTERS = ("nodes", "open_nodes", "leaves", "pricing_rounds", "columns")
COLUMNS = (
    "row",
    "seed",
    "instance_hash",
    "time_limit_s",
    "status",
    "primal",
    "dual",
    "gap",
    "wall_time_s",
    "cpu_time_s",
    *COUNTERS,
    "message",
    "versions",
)


def run(rows: list[str], wall_time: float, path: Path) -> None:
    """Run what the file lacks, one solve after the other."""
    for row, seed in screened(rows, 1):
        instance = generate(replace(load_preset(row), seed=seed))
        done = {(line["instance_hash"], float(line["time_limit_s"])) for line in read(path)}
        if (instance.instance_hash, wall_time) in done:
            continue
        before = _children_cpu()
        result = solve_isolated(METHOD, instance, Limits(wall_time=wall_time, threads=THREADS))
        append(path, COLUMNS, [line_of(row, seed, wall_time, result, _children_cpu() - before)])
        print(row, seed, result.status, result.gap, f"{result.wall_time_s:.1f} s", flush=True)


def _children_cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def line_of(row: str, seed: int, wall_time: float, result: Result, cpu_time: float) -> dict[str, Any]:
    """One line of the CSV."""
    return {
        "row": row,
        "seed": seed,
        "instance_hash": result.instance_hash,
        "time_limit_s": wall_time,
        "status": str(result.status),
        "primal": result.primal,
        "dual": None if result.dual is None else int(result.dual),
        "gap": None if result.gap is None else f"{result.gap:.9f}",
        "wall_time_s": round(result.wall_time_s, 2),
        "cpu_time_s": round(cpu_time, 2),
        **{name: result.counters.get(name, 0) for name in COUNTERS},
        "message": result.message,
        "versions": ", ".join(f"{package} {version}" for package, version in result.versions.items()),
    }


def table(rows: list[dict[str, str]], wall_time: float) -> str:
    """The committed table."""
    rows = [row for row in rows if float(row["time_limit_s"]) == wall_time]
    found = {row["row"]: row for row in rows}
    proved = sum(row["status"] == Status.OPTIMAL for row in found.values())
    lines = [
        "# Branch and price on hard seeds that nobody tuned for",
        "",
        f"Command: `python benchmarks/branch_and_price.py --time-limit {wall_time:g}`. Limit {wall_time:g} s of wall "
        f"time, {THREADS} threads, gap asked for 0, each solve in its own process, one after the other. Seeds: the "
        "first of each row in `hard_rows.md`.",
        "",
        f"Machine: {machine()}, shared. Versions: {'; '.join(sorted({row['versions'] for row in rows}))}.",
        "",
        f"Proved: {proved} of {len(found)} that were run. CPU seconds include the start of the process; "
        "leaves are nodes that the solver was asked to settle.",
        "",
        "| row | seed | value | bound | gap % | wall s | CPU s | nodes | open | leaves | pricing rounds | columns |",
        "| --- |" + " ---: |" * 11,
    ]
    for name in ROWS:
        row = found.get(name)
        if row is None:
            continue
        gap = "0 (proved)" if row["status"] == Status.OPTIMAL else "none"
        if gap == "none" and row["gap"]:
            gap = f"{100 * float(row['gap']):.4g}"
        cells = [row["seed"], row["primal"], row["dual"], gap, row["wall_time_s"], row["cpu_time_s"]]
        lines.append(f"| {name} | " + " | ".join([*cells, *(row[counter] for counter in COUNTERS)]) + " |")
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", nargs="+", choices=ROWS, default=ROWS)
    parser.add_argument("--time-limit", type=float, default=900.0)
    parser.add_argument("--table", action="store_true", help="run nothing")
    arguments = parser.parse_args()
    path = RESULTS / "branch_and_price.csv"
    if not arguments.table:
        run(arguments.rows, arguments.time_limit, path)
    (RESULTS / "branch_and_price.md").write_text(table(read(path), arguments.time_limit))


if __name__ == "__main__":
    main()
