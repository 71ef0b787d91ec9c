"""How time and memory grow with the number of offers.

    python benchmarks/scale.py                            # runs what benchmarks/results/scale.csv lacks
    python benchmarks/scale.py --only scale/ --methods auto
    python benchmarks/scale.py --table                    # only writes benchmarks/results/scale.md again

The family `scale`, hard-h6 with more hospitals (the generator scales minimum shares with 1/H), and CMS states and the
nation with two planning levels. Every run has its own process, one thread (the nation two), asks for a gap of 0.01 %
and stops there. The direct baseline stands beside it under the same limit. Finished runs stand in the CSV file and
are not repeated.

On a machine that others use, a preloaded library can give the process its own CPU time for a clock, limits included;
such runs are marked with `--clock cpu`. One thread has then the seconds it would have on a core of its own.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import inf, log
from pathlib import Path
from typing import Any

from resumable_csv import append, read

from splgbench import Instance, Limits, load
from splgbench import method as method_of
from splgbench.generator.generate import generate
from splgbench.generator.presets import load_preset
from splgbench.generator.screening import machine

RESULTS = Path(__file__).parent / "results"
H6 = "hard-h6, hospitals="
"""Begins the names of hard-h6 with other numbers: HOSPITALS or HOSPITALSxGROUPS."""
LIMITS: Mapping[str, float] = {
    "scale/hospitals-26/seed-1": 30,
    "scale/hospitals-120/seed-1": 30,
    "scale/hospitals-280/seed-1": 120,
    "scale/hospitals-1700/seed-1": 570,
    f"{H6}26": 30,
    f"{H6}120": 30,
    f"{H6}280": 120,
    f"{H6}1700x65": 570,
    "cms-2011/state/CT": 60,
    "cms-2011/state/NY": 120,
    "cms-2011/state/CA": 120,
    "cms-2011/us": 570,
}
"""Instances and seconds of each run."""
THREADS: Mapping[str, int] = {"cms-2011/us": 2}
"""Where it is not one."""
METHODS = ("auto", "strengthened@highs")
GAP = 1e-4
MARKS = (1.0, 0.1, 0.05, 0.01)
"""Gaps in per cent whose times are noted."""
COLUMNS = (
    "instance",
    "instance_hash",
    "hospitals",
    "groups",
    "offers",
    "method",
    "threads",
    "limit_s",
    "status",
    "primal",
    "dual",
    "gap_percent",
    "first_s",
    *(f"to_{mark:g}_percent_s" for mark in MARKS),
    "ended_s",
    "cpu_s",
    "clock",
    "empty_mb",
    "peak_mb",
    "machine",
    "versions",
)


def made(name: str) -> Instance:
    """The instance of a name of `LIMITS`."""
    if not name.startswith(H6):
        return load(name)
    hospitals, _, groups = name.removeprefix(H6).partition("x")
    recipe = replace(load_preset("hard-h6"), hospitals=int(hospitals))
    return generate(replace(recipe, groups=int(groups), areas=14) if groups else recipe)


def measured(name: str, method: str, limit: float, clock: str) -> dict[str, Any]:
    """One line of the CSV file, by this process."""
    empty = _memory()
    instance = made(name)
    best: dict[str, float] = {}
    reached: dict[str, float] = {}
    # What a method does before it knows an instance (compiling, for instance) is not part of a solve.
    threads = THREADS.get(name, 1)
    prepared = method_of(method)
    getattr(prepared, "prepare", lambda: None)()
    began, cpu = time.perf_counter(), time.process_time()

    def on_event(event: Any) -> None:
        now = time.perf_counter() - began
        best.update({key: value for key in ("primal", "dual") if (value := getattr(event, key)) is not None})
        if "primal" in best:
            reached.setdefault("first_s", now)
        if len(best) == 2 and best["primal"]:
            gap = 100 * abs(best["dual"] - best["primal"]) / abs(best["primal"])
            for mark in MARKS:
                if gap <= mark:
                    reached.setdefault(f"to_{mark:g}_percent_s", now)

    result = prepared.solve(instance, Limits(wall_time=limit, gap=GAP, threads=threads), on_event=on_event)
    return {
        "instance": name,
        "instance_hash": instance.instance_hash,
        "hospitals": instance.n_hospitals,
        "groups": instance.n_groups,
        "offers": instance.n_offers,
        "method": method,
        "threads": threads,
        "limit_s": limit,
        "status": str(result.status),
        "primal": result.primal,
        "dual": None if result.dual is None else int(result.dual),
        "gap_percent": None if result.gap is None else f"{100 * result.gap:.5f}",
        **{key: f"{value:.2f}" for key, value in reached.items()},
        "ended_s": f"{time.perf_counter() - began:.2f}",
        "cpu_s": f"{time.process_time() - cpu:.2f}",
        "clock": clock,
        "empty_mb": f"{empty:.0f}",
        "peak_mb": f"{_memory():.0f}",
        "machine": machine(),
        "versions": ", ".join(f"{package} {version}" for package, version in result.versions.items()),
    }


def _memory() -> float:
    """Peak of this process so far, MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def run(names: Sequence[str], methods: Sequence[str], clock: str, path: Path) -> None:
    """Run what the file lacks, one process after the other."""
    for name in names:
        for method in methods:
            done = {(row["instance"], row["method"], float(row["limit_s"]), int(row["threads"])) for row in read(path)}
            if (name, method, LIMITS[name], THREADS.get(name, 1)) in done:
                continue
            command = [sys.executable, __file__, "--one", name, method, "--clock", clock]
            answer = subprocess.run(command, check=True, capture_output=True, text=True)
            row = json.loads(answer.stdout.splitlines()[-1])
            append(path, COLUMNS, [row])
            print(name, method, row["status"], row["gap_percent"], row["ended_s"], row["peak_mb"], flush=True)


def exponent(points: Sequence[tuple[float, float]]) -> float | None:
    """Least-squares slope of log y over log x; None with fewer than three points."""
    if len(points) < 3:
        return None
    x, y = [log(a) for a, _ in points], [log(max(b, 1e-2)) for _, b in points]
    mean_x, mean_y = sum(x) / len(x), sum(y) / len(y)
    spread = sum((a - mean_x) ** 2 for a in x)
    return sum((a - mean_x) * (b - mean_y) for a, b in zip(x, y, strict=True)) / spread


def table(rows: Sequence[Mapping[str, str]]) -> str:
    """The committed page."""
    order = list(LIMITS)
    rows = sorted(rows, key=lambda row: (order.index(row["instance"]), METHODS.index(row["method"])))
    last = f"to_{MARKS[-1]:g}_percent_s"
    lines = [
        "# Time and memory against offers",
        "",
        "Command: `python benchmarks/scale.py`. A gap of 0.01 % asked for; seconds of wall time from when "
        "the instance is there, compiled kernels ready. Where the clock is cpu the machine was shared and CPU seconds "
        "of the process stand for wall time, in limits too. Every allocation is checked exactly, every bound is "
        "proved. Peak memory is that of the process, the making of the instance included.",
        "",
        f"Machine: {'; '.join(sorted({row['machine'] for row in rows}))}. "
        f"Versions: {'; '.join(sorted({row['versions'] for row in rows}))}.",
        "",
        "| instance | offers | method | threads | limit s | first s | "
        + " | ".join(f"{mark:g} % s" for mark in MARKS)
        + " | gap at the end % | CPU s | clock | peak MB |",
        "| --- | ---: | --- |" + " ---: |" * (len(MARKS) + 7),
    ]
    for row in rows:
        times = [row["first_s"], *(row[f"to_{mark:g}_percent_s"] for mark in MARKS)]
        cells = [
            row["instance"],
            f"{int(row['offers']):,}",
            row["method"],
            row["threads"],
            f"{float(row['limit_s']):g}",
        ]
        cells += [*(f"{float(cell):.1f}" if cell else "-" for cell in times), row["gap_percent"] or "none"]
        lines.append(f"| {' | '.join([*cells, row['cpu_s'], row['clock'], row['peak_mb']])} |")
    lines += [
        "",
        "## Growth",
        "",
        "Least-squares exponents of seconds to 0.01 %, and of peak memory less that of the empty process, against "
        "offers. Runs that did not reach 0.01 % are left out of the first and are none of its success: their number "
        "stands beside it.",
        "",
        "| family | method | runs | not reached | time exponent | memory exponent | kB per offer, largest |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for family in dict.fromkeys(map(_family, order)):
        for method in METHODS:
            of = [row for row in rows if _family(row["instance"]) == family and row["method"] == method]
            if not of:
                continue
            times = [(float(row["offers"]), float(row[last])) for row in of if row[last]]
            memory = [(float(row["offers"]), float(row["peak_mb"]) - float(row["empty_mb"])) for row in of]
            offers, most = max(memory, default=(inf, 0.0))
            fitted = ["-" if value is None else f"{value:.2f}" for value in (exponent(times), exponent(memory))]
            counts = [str(len(of)), str(len(of) - len(times))]
            lines.append(f"| {' | '.join([family, method, *counts, *fitted, f'{1024 * most / offers:.1f}'])} |")
    return "\n".join(lines) + "\n"


def _family(name: str) -> str:
    return "hard-h6" if name.startswith(H6) else name.partition("/")[0]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="instances whose names begin so")
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=list(METHODS))
    parser.add_argument("--clock", choices=("wall", "cpu"), default="wall", help="what the process has for a clock")
    parser.add_argument("--one", nargs=2, metavar=("INSTANCE", "METHOD"), help="one run, its line as JSON")
    parser.add_argument("--table", action="store_true", help="run nothing")
    arguments = parser.parse_args()
    if arguments.one:
        name, method = arguments.one
        print(json.dumps(measured(name, method, LIMITS[name], arguments.clock)))
        return
    path = RESULTS / "scale.csv"
    if not arguments.table:
        run([name for name in LIMITS if name.startswith(arguments.only)], arguments.methods, arguments.clock, path)
    (RESULTS / "scale.md").write_text(table(read(path)))


if __name__ == "__main__":
    main()
