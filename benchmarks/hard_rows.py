"""`auto` against the leading direct methods on seeds that nobody tuned for, one thread, 60 s.

    python benchmarks/hard_rows.py                  # screens and runs what the CSVs lack
    python benchmarks/hard_rows.py --seeds-per-row 1
    python benchmarks/hard_rows.py --table          # only writes the table again

For each row of the `hard` presets the first seeds from 201 on are taken on which `linked@highs` still has a gap of
0.1 % after 15 s, at most 50 seeds looked at. Development used the presets' own seeds and others below 151. Every method
runs in a process of its own, one after the other, the gap asked for being 0. Screenings and runs are kept line by line.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from typing import Any

from resumable_csv import append, read

from splgbench import Limits, solve_isolated, verdict_line
from splgbench.generator.generate import generate
from splgbench.generator.presets import load_preset
from splgbench.generator.screening import machine, screen_to_file
from splgbench.report.measures import shifted_geometric_mean
from splgbench.result import Result, Status
from splgbench.trace import Event

RESULTS = Path(__file__).parent / "results"
ROWS = [f"hard-h{number}" for number in range(1, 11)]
METHODS = ("auto", "strengthened@highs", "linked@highs", "linked@scip")
WALL_TIME = 60.0
FIRST_SEED, MOST_SEEDS = 201, 50
NEAR = 0.001
"""The gap that `to_near_s` tells the time of."""
EARLY = 5.0
"""Seconds at which `primal_early` is taken."""
COLUMNS = (
    "row",
    "seed",
    "instance_hash",
    "method",
    "status",
    "primal",
    "dual",
    "wall_time_s",
    "to_near_s",
    "primal_early",
    "message",
    "versions",
)


def screened(rows: Sequence[str], seeds_per_row: int) -> list[tuple[str, int]]:
    """Hard seeds, the first of every row before the second of any."""
    found: list[tuple[str, int]] = []
    next_seed = dict.fromkeys(rows, FIRST_SEED)
    for _ in range(seeds_per_row):
        for row in rows:
            left = FIRST_SEED + MOST_SEEDS - next_seed[row]
            outcome = screen_to_file(
                [load_preset(row)],
                RESULTS / "hard_rows_screening.csv",
                first_seed=next_seed[row],
                max_seeds=left,
                on_result=lambda tried: print(tried.recipe, tried.seed, tried.status, tried.gap, flush=True),
                command="python benchmarks/hard_rows.py",
            )[row]
            if outcome.seed is not None:
                found.append((row, outcome.seed))
                next_seed[row] = outcome.seed + 1
            else:
                next_seed[row] = FIRST_SEED + MOST_SEEDS
    return found


def run(instances: Sequence[tuple[str, int]], methods: Sequence[str], path: Path) -> None:
    """Run what the file lacks."""
    for row, seed in instances:
        instance = generate(replace(load_preset(row), seed=seed))
        for method in methods:
            done = {(line["instance_hash"], line["method"]) for line in read(path)}
            if (instance.instance_hash, method) in done:
                continue
            result = solve_isolated(method, instance, Limits(wall_time=WALL_TIME))
            append(path, COLUMNS, [line_of(row, seed, method, result)])
            print(row, seed, method, result.status, result.gap, f"{result.wall_time_s:.1f} s", flush=True)


def line_of(row: str, seed: int, method: str, result: Result) -> dict[str, Any]:
    """One line of the CSV."""
    near, early = milestones(result.trace)
    if near is None and result.gap is not None and result.gap <= NEAR:
        near = result.wall_time_s
    return {
        "row": row,
        "seed": seed,
        "instance_hash": result.instance_hash,
        "method": method,
        "status": str(result.status),
        "primal": result.primal,
        "dual": None if result.dual is None else int(result.dual),
        "wall_time_s": round(result.wall_time_s, 2),
        "to_near_s": None if near is None else round(near, 2),
        "primal_early": early,
        "message": result.message,
        "versions": ", ".join(f"{package} {version}" for package, version in result.versions.items()),
    }


def milestones(trace: Sequence[Event]) -> tuple[float | None, int | None]:
    """When the gap fell to `NEAR`, and the value known at `EARLY`."""
    primal: float | None = None
    dual: float | None = None
    early: int | None = None
    near: float | None = None
    for event in trace:
        primal = event.primal if event.primal is not None else primal
        dual = event.dual if event.dual is not None else dual
        if event.time <= EARLY and primal is not None:
            early = int(primal)
        if near is None and primal and dual is not None and dual - primal <= NEAR * abs(primal):
            near = event.time
    return near, early


def table(lines: list[dict[str, str]]) -> str:
    """The committed table."""
    lines = sorted(lines, key=lambda line: (ROWS.index(line["row"]), int(line["seed"])))
    by_instance = [(key, list(group)) for key, group in groupby(lines, key=lambda line: (line["row"], line["seed"]))]
    text = [
        "# `auto` on hard seeds that nobody tuned for",
        "",
        f"Command: `python benchmarks/hard_rows.py`. Limit {WALL_TIME:g} s, one thread, gap asked for 0, each solve in "
        f"its own process, one after the other. Seeds: the first from {FIRST_SEED} on, of at most {MOST_SEEDS}, on "
        "which `linked@highs` leaves 0.1 % after 15 s (hard_rows_screening.csv has all that were tried).",
        "",
        f"Machine: {machine()}, shared. Versions: {'; '.join(sorted({line['versions'] for line in lines}))}.",
        "",
        f"Gap in per cent; in brackets seconds until it was at most {NEAR:.1%}.",
        "",
        "| row | seed | " + " | ".join(f"`{method}`" for method in METHODS) + " | `auto` at 5 s from the best known |",
        "| --- | --- |" + " --- |" * len(METHODS) + " --- |",
    ]
    for (row, seed), group in by_instance:
        of_method = {line["method"]: line for line in group}
        best = max((int(line["primal"]) for line in group if line["primal"]), default=None)
        early = of_method.get("auto", {}).get("primal_early")
        short = f"{1 - int(early) / best:.3%}" if early and best else "no allocation"
        cells = " | ".join(_cell(of_method.get(method)) for method in METHODS)
        text.append(f"| {row} | {seed} | {cells} | {short} |")
    text += ["", *_means(by_instance), "", "Verdicts:", ""]
    for (row, seed), group in by_instance:
        text.append(f"- {row}, seed {seed}: {verdict_line([_result(line) for line in group])}")
    return "\n".join(text) + "\n"


def _means(by_instance: list[tuple[tuple[str, str], list[dict[str, str]]]]) -> list[str]:
    """Shifted geometric mean of the times to the gap, over instances that all methods ran on."""
    complete = [{line["method"]: line for line in group} for _, group in by_instance]
    complete = [group for group in complete if all(method in group for method in METHODS)]
    if not complete:
        return []
    text = [
        f"Shifted geometric mean (shift 1 s) of the seconds to a gap of {NEAR:.1%} over {len(complete)} instances, "
        f"time-outs at {WALL_TIME:g} s:",
        "",
    ]
    for method in METHODS:
        seconds = [float(group[method]["to_near_s"] or WALL_TIME) for group in complete]
        reached = sum(bool(group[method]["to_near_s"]) for group in complete)
        text.append(f"- `{method}`: {shifted_geometric_mean(seconds, 1.0):.2f} s, reached on {reached}")
    return text


def _cell(line: dict[str, str] | None) -> str:
    if line is None:
        return ""
    gap = _result(line).gap
    shown = line["status"] if gap is None else f"{100 * gap:.4f}"
    return f"{shown} ({line['to_near_s']})" if line["to_near_s"] else shown


def _result(line: dict[str, str]) -> Result:
    """A line as far as the verdict needs it."""
    return Result(
        status=Status(line["status"]),
        method=line["method"],
        instance=line["row"],
        instance_hash=line["instance_hash"],
        primal=int(line["primal"]) if line["primal"] else None,
        dual=float(line["dual"]) if line["dual"] else None,
        message=line["message"],
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", nargs="+", choices=ROWS, default=ROWS)
    parser.add_argument("--seeds-per-row", type=int, default=3)
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=METHODS)
    parser.add_argument("--table", action="store_true", help="run nothing")
    arguments = parser.parse_args()
    path = RESULTS / "hard_rows.csv"
    if not arguments.table:
        run(screened(arguments.rows, arguments.seeds_per_row), arguments.methods, path)
    (RESULTS / "hard_rows.md").write_text(table(read(path)))


if __name__ == "__main__":
    main()
