"""Large neighbourhood search: against RENS and the reduced MIP from the same bound, and which neighbourhoods pay.

    python benchmarks/lns.py                              # runs what the two CSV files lack
    python benchmarks/lns.py --table                      # only writes benchmarks/results/lns.md again

Dantzig-Wolfe by hospital gives bound, weights and multipliers, once for an instance; repair of the weights gives the
first allocation. From there every course has the same time on one thread:

    lns        adaptive large neighbourhood search to the end
    rens, mip  RENS for a quarter of the time at most, Lagrangian probing, the reduced strengthened MIP
    lns, mip   the search until it stalls, for a quarter of the time at most, then the same

Gaps are those of exactly checked values against the Dantzig-Wolfe bound. The kinds of neighbourhoods are compared by
simplex iterations, so that their table does not depend on the machine. Finished runs stand in the CSV files and are
not repeated.
"""

from __future__ import annotations

import argparse
import contextlib
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from resumable_csv import append, read

from splgbench import Limits
from splgbench.backends.base import SolverStatus
from splgbench.decomposition.column_generation import by_hospital
from splgbench.decomposition.compiling import compile_kernels
from splgbench.decomposition.loop import Finished, Loop
from splgbench.decomposition.neighbourhood_search import OPTIONS, NeighbourhoodSearch
from splgbench.decomposition.neighbourhoods import KINDS, Guide
from splgbench.decomposition.partition import partition
from splgbench.decomposition.probing import probe
from splgbench.decomposition.repair import repaired
from splgbench.decomposition.requirements import master_versions
from splgbench.decomposition.restricted import Restriction, rens
from splgbench.generator.generate import generate
from splgbench.generator.presets import load_preset
from splgbench.generator.screening import machine
from splgbench.report.measures import shifted_geometric_mean
from splgbench.trace import Recorder, Stop
from splgbench.versions import versions

RESULTS = Path(__file__).parent / "results"
PRESETS = ("hard-h1", "hard-h8", "hard-h10")
HOSPITALS = (26, 120)
SEEDS = (0, 1)
TIMES = (2, 5, 15, 60)
"""Seconds after the bound at which the value is noted; the last one is the limit."""
EFFORTS = (4_000, 10_000, 20_000)
"""Simplex iterations at which it is noted where kinds are compared; the last one is the limit."""
SHIFT = 1e-3
"""Percentage points, in means of gaps."""
HEAD = ("preset", "hospitals", "instance_hash", "offers", "bound", "bound_s", "course", "seed", "first")
COURSE_COLUMNS = (*HEAD, *(f"value_{seconds}" for seconds in TIMES), "ended_s", "cpu_s", "closed", "versions")
KIND_COLUMNS = (*HEAD, *(f"value_{effort}" for effort in EFFORTS), "solved", "better", "versions")


class Problem:
    """An instance with its bound.

    Parameters
    ----------
    preset, hospitals : a preset, with another number of hospitals.
    """

    def __init__(self, preset: str, hospitals: int) -> None:
        self.instance = generate(replace(load_preset(preset), hospitals=hospitals))
        compile_kernels()
        began = time.perf_counter()
        loop = Loop(self.instance, Limits(), None, Recorder("bound"), Stop())
        generation = by_hospital(loop, partition(loop.offers, "tied"))
        generation.run(TIMES[-1])
        assert loop.bound is not None
        self.bound = loop.bound
        self.weights = generation.master.weights()
        self.guide = Guide(loop.offers, self.weights, generation.relaxation, generation.best)
        self.head = {
            "preset": preset,
            "hospitals": hospitals,
            "instance_hash": self.instance.instance_hash,
            "offers": self.instance.n_offers,
            "bound": int(self.bound),
            "bound_s": f"{time.perf_counter() - began:.1f}",
            "versions": ", ".join(f"{name} {number}" for name, number in {**versions(), **master_versions()}.items()),
        }

    def ready(self, loop: Loop) -> Loop:
        """The loop with bound and first allocation."""
        loop.bounded(self.bound, "bound")
        loop.found(repaired(loop.offers, self.weights), "repair")
        return loop


def lns(loop: Loop, problem: Problem) -> None:
    """Search to the end."""
    NeighbourhoodSearch(loop, problem.guide).run(raises=None)


def rens_mip(loop: Loop, problem: Problem) -> None:
    """RENS, then the rest."""
    rens(Restriction(loop), problem.weights, TIMES[-1] / 4)
    _mip(loop, problem)


def lns_mip(loop: Loop, problem: Problem) -> None:
    """Search, then the rest."""
    NeighbourhoodSearch(loop, problem.guide).run(seconds=TIMES[-1] / 4)
    _mip(loop, problem)


def _mip(loop: Loop, problem: Problem) -> None:
    """Probing and the reduced MIP."""
    loop.check()
    prices = problem.guide.prices
    assert prices is not None
    fixed = probe(loop, prices.relaxation, prices.multipliers)
    loop.check()
    Restriction(loop).decide(fixed, "mip")


COURSES: dict[str, Callable[[Loop, Problem], None]] = {"lns": lns, "rens, mip": rens_mip, "lns, mip": lns_mip}
CHOICES: dict[str, dict[str, Any]] = {
    "all": {},
    **{f"only {kind}": {"kinds": (kind,)} for kind in KINDS},
    **{f"without {kind}": {"kinds": tuple(name for name in KINDS if name != kind)} for kind in KINDS},
    "all, HiGHS with restarts": {"options": {**OPTIONS, "mip_allow_restart": True}},
    "all, HiGHS with heuristics": {"options": {"mip_allow_restart": False}},
    "all, HiGHS as it is": {"options": {}},
}
"""What the search is told, by name."""


class Metered(Loop):
    """A loop that ends after so many simplex iterations and notes values on the way."""

    values: dict[int, int]

    def check(self) -> None:
        super().check()
        spent = sum(number for name, number in self.counters.items() if name.endswith("_simplex_iterations"))
        for effort in EFFORTS:
            if spent < effort:
                self.values[effort] = self.best or 0
        if spent >= EFFORTS[-1]:
            raise Finished(SolverStatus.NODE_LIMIT)


def course_row(problem: Problem, course: str, seed: int) -> dict[str, Any]:
    """One course by the clock."""
    loop = problem.ready(
        Loop(problem.instance, Limits(wall_time=TIMES[-1], seed=seed), None, Recorder("start"), Stop())
    )
    first, cpu = loop.best, time.process_time()
    with contextlib.suppress(Finished):
        COURSES[course](loop, problem)
    ended, cpu = time.perf_counter() - loop.began, time.process_time() - cpu
    events = [event for event in loop.recorder.events if event.primal is not None]
    values = {seconds: [int(e.primal or 0) for e in events if e.time <= seconds] for seconds in TIMES}
    return {
        "first": first,
        **{f"value_{seconds}": max(found, default=first) for seconds, found in values.items()},
        "ended_s": f"{ended:.1f}",
        "cpu_s": f"{cpu:.1f}",
        "closed": int(loop.closed),
    }


def kind_row(problem: Problem, choice: str, seed: int) -> dict[str, Any]:
    """The search with some kinds, by simplex iterations."""
    loop = Metered(problem.instance, Limits(seed=seed), None, Recorder("start"), Stop())
    loop.values = {}
    problem.ready(loop)
    first = loop.best
    with contextlib.suppress(Finished):
        NeighbourhoodSearch(loop, problem.guide, **CHOICES[choice]).run(raises=None)
    of = loop.counters.items()
    return {
        "first": first,
        **{f"value_{effort}": loop.values.get(effort, loop.best) for effort in EFFORTS},
        "solved": sum(number for name, number in of if name.endswith("_solved")),
        "better": sum(number for name, number in of if name.endswith("_better")),
    }


def run(presets: list[str], hospitals: list[int], wanted: list[str]) -> None:
    """Run what the files of some studies lack; the kinds on the first number of hospitals only."""
    studies: dict[str, tuple[Path, tuple[str, ...], Any, Callable[..., dict[str, Any]], bool]] = {
        "courses": (RESULTS / "lns.csv", COURSE_COLUMNS, COURSES, course_row, False),
        "kinds": (RESULTS / "lns_kinds.csv", KIND_COLUMNS, CHOICES, kind_row, True),
    }
    for path, columns, names, row_of, small_only in map(studies.__getitem__, wanted):
        for preset in presets:
            for number in [n for n in hospitals if n == HOSPITALS[0] or not small_only]:
                done = {(row["preset"], row["hospitals"], row["course"], row["seed"]) for row in read(path)}
                todo = [(name, s) for s in SEEDS for name in names if (preset, str(number), name, str(s)) not in done]
                if not todo:
                    continue
                problem = Problem(preset, number)
                for name, seed in todo:
                    row = {**problem.head, "course": name, "seed": seed, **row_of(problem, name, seed)}
                    append(path, columns, [row])
                    shown = [f"{_gap(row, key):.4f}" for key in row if key.startswith("value_")]
                    print(preset, number, name, seed, *shown, flush=True)


def _gap(row: dict[str, Any], key: str) -> float:
    """In per cent of the value, against the Dantzig-Wolfe bound."""
    return 100 * (int(row["bound"]) - int(row[key])) / int(row[key])


def course_table(rows: list[dict[str, str]]) -> list[str]:
    """Gaps by the clock."""
    lines = [
        "| preset | hospitals | offers | bound (s) | course | first | "
        + " | ".join(f"{s} s" for s in TIMES)
        + " | CPU s |",
        "| --- | --- | --- | --- | --- | --- |" + " --- |" * (len(TIMES) + 1),
    ]
    for preset, number in dict.fromkeys((row["preset"], row["hospitals"]) for row in rows):
        for course in COURSES:
            of = [r for r in rows if (r["preset"], r["hospitals"], r["course"]) == (preset, number, course)]
            if not of:
                continue
            keys = ["first", *(f"value_{seconds}" for seconds in TIMES)]
            cells = [", ".join(f"{_gap(row, key):.4f}" for row in of) for key in keys]
            proofs = [f"{row['ended_s']} s" for row in of if row["closed"] == "1"]
            cells[-1] += f" (proved: {', '.join(proofs)})" if proofs else ""
            cells.append(", ".join(f"{float(row['cpu_s']):.0f}" for row in of))
            bound = f"{int(of[0]['bound']):,} ({of[0]['bound_s']})"
            lines.append(f"| {preset} | {number} | {of[0]['offers']} | {bound} | {course} | {' | '.join(cells)} |")
    return lines


def kind_table(rows: list[dict[str, str]]) -> list[str]:
    """Mean gaps by simplex iterations."""
    lines = [
        "| neighbourhoods | " + " | ".join(f"{effort:,}" for effort in EFFORTS) + " | solved | better |",
        "| --- |" + " --- |" * (len(EFFORTS) + 2),
    ]
    best: dict[str, int] = {}
    for row in rows:
        best[row["preset"]] = max(best.get(row["preset"], 0), int(row[f"value_{EFFORTS[-1]}"]))
    for choice in CHOICES:
        of = [row for row in rows if row["course"] == choice]
        if not of:
            continue
        cells = []
        for effort in EFFORTS:
            gaps = [100 * (1 - int(row[f"value_{effort}"]) / best[row["preset"]]) for row in of]
            cells.append(f"{max(0.0, shifted_geometric_mean(gaps, SHIFT)):.4f}")
        counts = [str(sum(int(row[key]) for row in of)) for key in ("solved", "better")]
        lines.append(f"| {choice} | {' | '.join([*cells, *counts])} |")
    return lines


def table() -> str:
    """The committed page."""
    courses, kinds = read(RESULTS / "lns.csv"), read(RESULTS / "lns_kinds.csv")
    seen = "; ".join(sorted({row["versions"] for row in (*courses, *kinds)}))
    lines = [
        "# Large neighbourhood search",
        "",
        f"Command: `python benchmarks/lns.py`. Machine: {machine()}, shared. Versions: {seen}.",
        "",
        "## Against RENS and the reduced MIP",
        "",
        "Gap in per cent against the Dantzig-Wolfe bound, for two seeds; seconds count from that bound on, one thread. "
        "`lns`: the search to the end. `rens, mip`: RENS for a quarter of the time at most, probing, the reduced MIP. "
        "`lns, mip`: the search until it stalls, for a quarter of the time at most, then the same. `first`: the "
        "repaired allocation all begin with.",
        "",
        *course_table(courses),
        "",
        "## Which neighbourhoods pay",
        "",
        f"The presets with {HOSPITALS[0]} hospitals, two seeds: geometric mean (shift {SHIFT:g}) of the gaps in per "
        "cent against the best value that any line reached, after so many simplex iterations (each neighbourhood "
        "counts 200 more). These figures do not depend on the clock.",
        "",
        *kind_table(kinds),
    ]
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--presets", nargs="+", default=list(PRESETS))
    parser.add_argument("--hospitals", nargs="+", type=int, default=list(HOSPITALS))
    parser.add_argument("--studies", nargs="+", choices=("courses", "kinds"), default=["courses", "kinds"])
    parser.add_argument("--table", action="store_true", help="run nothing")
    arguments = parser.parse_args()
    if not arguments.table:
        run(arguments.presets, arguments.hospitals, arguments.studies)
    (RESULTS / "lns.md").write_text(table())


if __name__ == "__main__":
    main()
