"""Methods on the ten hard presets, one thread, with a time limit: what gap is left.

    python benchmarks/hard_presets.py                     # runs what benchmarks/results/hard_presets.csv lacks
    python benchmarks/hard_presets.py --table             # only writes the table again

Every finished run is appended to the CSV at once, and runs that stand there under the same instance, limit and
versions are not repeated, so the whole can be stopped and resumed. Gaps are taken from the exactly checked value and
the solver's bound; in means they count as at most 100 %, and unknown gaps as 100 %.
"""

from __future__ import annotations

import argparse
import math
from pathlib import Path
from typing import Any

from resumable_csv import append, read

from splgbench import Limits, load, solve_isolated, verdict_line
from splgbench.generator.screening import machine
from splgbench.report.measures import capped_gap, shifted_geometric_mean
from splgbench.result import Result, Status
from splgbench.verdict import contradictions

RESULTS = Path(__file__).parent / "results"
PRESETS = [f"hard-h{number}" for number in range(1, 11)]
BASE, LEADER = "big_m_literal@highs", "strengthened@highs"
METHODS = (
    BASE,
    LEADER,
    "big_m_tight@highs",
    "linked@highs",
    "semicontinuous@highs",
    "linked@scip",
    "strengthened@scip",
    "strengthened@scip:rows=all",
    "strengthened@scip:without=cell_knapsack",
    "strengthened@highs:without=area_knapsack",
    "strengthened@highs:without=cell_knapsack+area_knapsack",
    "strengthened@highs:without=closure_cuts+shared_link_cuts",
)
COLUMNS = (
    "preset",
    "instance_hash",
    "method",
    "time_limit_s",
    "status",
    "primal",
    "dual",
    "gap",
    "claimed_primal",
    "wall_time_s",
    "nodes",
    "message",
    "versions",
)
SHIFT = 1e-4
"""0.01 percentage points."""


def run(presets: list[str], methods: list[str], wall_time: float, path: Path) -> None:
    """Run what the file lacks, one solve after the other."""
    for preset in presets:
        instance = load(preset)
        for method in methods:
            done = {(row["instance_hash"], row["method"], float(row["time_limit_s"])) for row in read(path)}
            if (instance.instance_hash, method, wall_time) in done:
                continue
            result = solve_isolated(method, instance, Limits(wall_time=wall_time))
            append(path, COLUMNS, [row_of(preset, wall_time, method, result)])
            print(preset, method, result.status, result.gap, f"{result.wall_time_s:.1f} s", flush=True)


def row_of(preset: str, wall_time: float, method: str, result: Result) -> dict[str, Any]:
    """One line of the CSV."""
    return {
        "preset": preset,
        "instance_hash": result.instance_hash,
        "method": method,
        "time_limit_s": wall_time,
        "status": str(result.status),
        "primal": result.primal,
        "dual": None if result.dual is None else int(result.dual),
        "gap": None if result.gap is None else f"{result.gap:.9f}",
        "claimed_primal": result.claimed_primal,
        "wall_time_s": round(result.wall_time_s, 2),
        "nodes": result.counters.get("nodes"),
        "message": result.message,
        "versions": ", ".join(f"{package} {version}" for package, version in result.versions.items()),
    }


def gap_of(row: dict[str, str]) -> float:
    """The gap as means count it."""
    return capped_gap(float(row["gap"]) if row["gap"] else None)


def geometric_mean(gaps: list[float]) -> float:
    """Shifted geometric mean of gaps (fractions), shift 0.01 percentage points."""
    return max(0.0, shifted_geometric_mean(gaps, SHIFT))


def as_result(row: dict[str, str]) -> Result:
    """A line as far as the verdict needs it."""
    return Result(
        status=Status(row["status"]),
        method=row["method"],
        instance=row["preset"],
        instance_hash=row["instance_hash"],
        primal=int(row["primal"]) if row["primal"] else None,
        dual=float(row["dual"]) if row["dual"] else None,
        message=row["message"],
    )


def table(rows: list[dict[str, str]], wall_time: float) -> str:
    """The committed table."""
    rows = [row for row in rows if float(row["time_limit_s"]) == wall_time and row["preset"] in PRESETS]
    methods = [method for method in METHODS if any(row["method"] == method for row in rows)]
    cells = {(row["preset"], row["method"]): row for row in rows}
    lines = [
        "# Methods on the ten hard presets",
        "",
        f"Command: `python benchmarks/hard_presets.py`. Limit {wall_time:g} s of wall time, one thread, gap asked for "
        "0, each solve in its own process, one after the other.",
        "",
        f"Machine: {machine()}, shared. Versions: {'; '.join(sorted({row['versions'] for row in rows}))}.",
        "",
        "Gap in per cent from the exactly checked value and the solver's bound; in brackets seconds, where the optimum "
        "was proved. `none`: no allocation or no bound.",
        "",
        "| preset | " + " | ".join(f"`{method}`" for method in methods) + " |",
        "| --- |" + " --- |" * len(methods),
    ]
    for preset in PRESETS:
        lines.append(f"| {preset} | " + " | ".join(_cell(cells.get((preset, method))) for method in methods) + " |")
    complete = [method for method in methods if all((preset, method) in cells for preset in PRESETS)]
    means = {method: geometric_mean([gap_of(cells[preset, method]) for preset in PRESETS]) for method in complete}
    shown = [f"{100 * means[method]:.4f}" if method in means else "" for method in methods]
    lines.append("| geometric mean | " + " | ".join(shown) + " |")
    lines += [
        "",
        "Geometric mean: shift 0.01 percentage points, gaps capped and unknown ones counted at 100 %.",
        "",
    ]
    if BASE in means and LEADER in means:
        worse = [p for p in PRESETS if gap_of(cells[p, LEADER]) > gap_of(cells[p, BASE])]
        ratio = means[BASE] / means[LEADER] if means[LEADER] > 1e-12 else math.inf
        shifted = (means[BASE] + SHIFT) / (means[LEADER] + SHIFT)
        lines += [
            f"`{LEADER}` against `{BASE}`: mean gap {_times(ratio)} smaller ({shifted:,.0f} times with the shift left "
            f"in), worse on {', '.join(worse) or 'no instance'}.",
            "",
        ]
    lines.append("Verdicts:")
    lines.append("")
    for preset in PRESETS:
        results = [as_result(row) for row in rows if row["preset"] == preset]
        if results:
            lines.append(f"- {preset}: {verdict_line(results)}")
    return "\n".join(lines) + "\n"


def _times(ratio: float) -> str:
    return "infinitely many times" if math.isinf(ratio) else f"{ratio:,.0f} times"


def _cell(row: dict[str, str] | None) -> str:
    if row is None:
        return ""
    if row["status"] == Status.OPTIMAL:
        return f"0 ({float(row['wall_time_s']):.1f} s)"
    if not row["gap"]:
        return "none" if row["status"] == Status.TIME_OUT else row["status"]
    return f"{100 * float(row['gap']):.4g}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--presets", nargs="+", default=PRESETS)
    parser.add_argument("--methods", nargs="+", default=list(METHODS))
    parser.add_argument("--time-limit", type=float, default=60.0)
    parser.add_argument("--table", action="store_true", help="run nothing")
    arguments = parser.parse_args()
    path = RESULTS / "hard_presets.csv"
    if not arguments.table:
        run(arguments.presets, arguments.methods, arguments.time_limit, path)
    rows = read(path)
    (RESULTS / "hard_presets.md").write_text(table(rows, arguments.time_limit))
    found = [
        c.text for preset in PRESETS for c in contradictions([as_result(r) for r in rows if r["preset"] == preset])
    ]
    if found:
        raise SystemExit("CONTRADICTION: " + "; ".join(found))


if __name__ == "__main__":
    main()
