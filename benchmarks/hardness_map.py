"""The hardness map: gaps over competition, threshold position and links across areas, at the size of Basel.

    splgbench run campaigns/hardness.toml --store hardness.sqlite     # up to 40 minutes on one worker; resumable
    python benchmarks/hardness_map.py --from hardness.sqlite          # takes the runs in, then writes table and figure
    python benchmarks/hardness_map.py                                 # only writes table and figure again

Runs are kept in benchmarks/results/hardness_map.csv; the table beside it and docs/hardness-map.svg are made from that
file alone. A gap is that of the run, |dual - primal| / |primal|, and counts as 100 % where it is unknown or larger.
"""

from __future__ import annotations

import argparse
import re
from pathlib import Path

from splgbench.library.baseline import BaselineRun, parse_runs, runs_text, store_runs
from splgbench.library.families import load_families
from splgbench.library.picture import draw_maps
from splgbench.readable import percent
from splgbench.report.measures import capped_gap
from splgbench.result import relative_gap

RESULTS = Path(__file__).parent / "results"
STEM = RESULTS / "hardness_map"
FIGURE = Path(__file__).parents[1] / "docs" / "hardness-map.svg"
FAMILY = next(family for family in load_families() if family.prefix == "hardness")
NAME = re.compile(r"hardness/rho-(.+)/cross_links-(.+)/threshold-(.+)/seed-1")
RHO, CROSS, THRESHOLD = (list(FAMILY.axes[axis]) for axis in ("rho", "cross_links", "threshold"))
EASY = 1e-4
"""A gap from which on a cell counts as broken: 0.01 %."""


def gaps(runs: list[BaselineRun], method: str) -> dict[tuple[str, ...], float]:
    """By (rho, cross_links, threshold), the capped gap that the method left."""
    found = {}
    for run in runs:
        match = NAME.fullmatch(run.instance)
        if match is not None and run.method == method:
            found[match.groups()] = capped_gap(relative_gap(run.primal, run.dual))
    return found


def grid(values: dict[tuple[str, ...], float], cross: str) -> list[list[float | None]]:
    """Rows by threshold position, columns by competition."""
    return [[values.get((rho, cross, threshold)) for rho in RHO] for threshold in THRESHOLD]


def table(runs: list[BaselineRun], methods: list[str]) -> str:
    """The map as text."""
    lines = [
        "# Hardness map",
        "",
        "Gaps that are left at the limit, one thread, one seed a cell: 26 hospitals, 145 groups, 31 areas.",
        "`splgbench run campaigns/hardness.toml`, then `python benchmarks/hardness_map.py --from STORE`.",
        "",
    ]
    for method in methods:
        values = gaps(runs, method)
        broken = sum(gap > EASY for gap in values.values())
        lines += [f"## `{method}`", "", f"{len(values)} cells, {broken} with more than {percent(EASY)} left.", ""]
        for cross in CROSS:
            lines += [f"Links across areas on {float(cross):.0%} of the groups:", ""]
            lines += [f"| threshold | {' | '.join(f'capacity {rho} x demand' for rho in RHO)} |"]
            lines += [f"| --- |{' --: |' * len(RHO)}"]
            for threshold, row in zip(THRESHOLD, grid(values, cross), strict=True):
                cells = ("-" if gap is None else percent(gap) or "-" for gap in row)
                lines += [f"| {threshold} | {' | '.join(cells)} |"]
            lines.append("")
    limits = sorted({run.time_limit_s for run in runs})
    lines += ["## Terms", "", f"Limit {', '.join(f'{limit:g} s' for limit in limits)} of wall time.", ""]
    lines += sorted({f"- {run.method}: {run.versions}; {run.machine}" for run in runs})
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--from", dest="store", type=Path, help="a store of campaigns/hardness.toml")
    arguments = parser.parse_args()
    file = STEM.with_suffix(".csv")
    if arguments.store is not None:
        taken = [run for run in store_runs(arguments.store) if NAME.fullmatch(run.instance)]
        known = parse_runs(file.read_text("utf-8"), str(file)) if file.exists() else []
        file.write_text(runs_text([*known, *taken]), "utf-8")
    runs = parse_runs(file.read_text("utf-8"), str(file))
    methods = sorted({run.method for run in runs})
    STEM.with_suffix(".md").write_text(table(runs, methods), "utf-8")
    maps = {
        f"{method}, links {float(cross):.0%}": grid(gaps(runs, method), cross) for method in methods for cross in CROSS
    }
    draw_maps(
        maps,
        ("threshold / median capacity", THRESHOLD),
        ("capacity / demand", RHO),
        lambda gap: percent(gap) or "",
        FIGURE,
        per_row=len(CROSS),
    )


if __name__ == "__main__":
    main()
