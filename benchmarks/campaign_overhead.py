"""What a campaign costs besides its solves.

    python benchmarks/campaign_overhead.py harness -o benchmarks/results/campaign_harness.md
    python benchmarks/campaign_overhead.py workers -o benchmarks/results/campaign_workers.md
    python benchmarks/campaign_overhead.py dask -o benchmarks/results/campaign_dask.md

`harness`: from planned cell to stored result, minus the solve, for real solves of small instances on two local
workers. `workers`: one and two local workers on solves of five seconds each, by a fake method that sleeps. `dask`:
2,000 runs of a fake method that returns at once, on two Dask workers.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from statistics import mean, median, quantiles
from typing import Any

from campaign_kills import FAKE, tiny

from splgbench import write_package
from splgbench.campaign.executors import open_executor
from splgbench.campaign.manifest import make_manifest
from splgbench.campaign.plan import make_plan
from splgbench.campaign.runner import run_cells
from splgbench.campaign.spec import read_campaign
from splgbench.campaign.store import Store
from splgbench.generator.screening import machine
from splgbench.versions import versions

SLEEP = 5.0


def run(folder: Path, instances: str, methods: list[str], seeds: int, way: str, workers: int) -> tuple[float, Any]:
    """Run a campaign; seconds from the first cell handed out to the last stored, and the stored runs."""
    if not (folder / "tiny").exists():
        write_package(tiny(), folder / "tiny")
    file = folder / f"{way}-{workers}-{seeds}.toml"
    file.write_text(
        f'name = "overhead"\n[[instances]]\n{instances}\n[[methods]]\nnames = {methods}\n[limits]\nwall_time = 60\n'
        f"[variations]\nseeds = {list(range(seeds))}\n"
    )
    plan = make_plan(read_campaign(file))
    first: list[float] = []
    with (
        Store(file.with_suffix(".sqlite"), writing=True) as store,
        open_executor(way, workers, plan.campaign) as executor,
    ):
        manifest = make_manifest(plan, executor.name, workers, "benchmark")
        run_cells(
            plan,
            list(plan.cells),
            store,
            executor,
            manifest,
            on_start=lambda _worker, _cell: first.append(time.perf_counter()),
        )
        elapsed = time.perf_counter() - first[0]
        runs = list(store.runs())
    assert len(runs) == len(plan.cells)
    assert {row["status"] for row in runs} <= {"optimal"}, {row["message"] for row in runs}
    return elapsed, runs


def harness(folder: Path) -> str:
    """Overhead of real solves."""
    elapsed, runs = run(folder, 'names = "easy"', ["linked@highs", "strengthened@highs", "linked@scip"], 20, "local", 2)
    rows = [("all", runs)] + [(m, [r for r in runs if r["method"] == m]) for m in sorted({r["method"] for r in runs})]
    lines = [
        "# Overhead of the harness per run",
        "",
        "Command: `python benchmarks/campaign_overhead.py harness -o benchmarks/results/campaign_harness.md`",
        "",
        *_terms(),
        "",
        f"Instance `easy`, {len(runs)} runs on two local workers, {elapsed:.1f} s. Overhead: from the cell taken to "
        "its row committed, minus the solve's own wall time (building, solving, polishing).",
        "",
        "| method | runs | mean solve s | overhead, median s | 95 % below s | largest s |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for name, part in rows:
        overheads = [row["harness_s"] for row in part]
        lines.append(
            f"| {name} | {len(part)} | {mean(row['wall_time_s'] for row in part):.3f} | {median(overheads):.3f} | "
            f"{quantiles(overheads, n=20)[-1]:.3f} | {max(overheads):.3f} |"
        )
    return "\n".join(lines) + "\n"


def workers(folder: Path) -> str:
    """One and two workers on independent solves."""
    seconds = {}
    for number in (1, 2):
        seconds[number], _ = run(folder, 'packages = "tiny"', [f"{FAKE}:seconds={SLEEP:g}"], 12, "local", number)
    return "\n".join(
        [
            "# One and two local workers",
            "",
            "Command: `python benchmarks/campaign_overhead.py workers -o benchmarks/results/campaign_workers.md`",
            "",
            *_terms(),
            "",
            f"12 independent solves of {SLEEP:g} s by a fake method that sleeps, so that the machine's own load does "
            "not matter; from the first cell handed out to the last run stored.",
            "",
            "| workers | seconds | of one worker's time |",
            "| --- | --- | --- |",
            *(f"| {number} | {took:.2f} | {took / seconds[1]:.3f} |" for number, took in seconds.items()),
            "",
        ]
    )


def dask(folder: Path) -> str:
    """Many trivial runs on Dask."""
    elapsed, runs = run(folder, 'packages = "tiny"', [f"{FAKE}:seconds=0"], 2000, "dask", 2)
    solving = sum(row["wall_time_s"] for row in runs)
    overheads = [row["harness_s"] for row in runs]
    return "\n".join(
        [
            "# 2,000 trivial runs on two Dask workers",
            "",
            "Command: `python benchmarks/campaign_overhead.py dask -o benchmarks/results/campaign_dask.md`",
            "",
            *_terms(),
            "",
            "A fake method that returns at once, on an instance of one offer; scheduler, coordinator and both workers "
            "on this machine. Every run has its process, its trace and allocation files and its own transaction.",
            "",
            "| what | value |",
            "| --- | --- |",
            f"| runs stored | {len(runs)} |",
            f"| elapsed | {elapsed:.1f} s |",
            f"| elapsed per run | {elapsed / len(runs) * 1000:.1f} ms |",
            f"| mean wall time of a run's own work (check and imports) | {solving / len(runs) * 1000:.1f} ms |",
            f"| per run beyond that, with two workers: elapsed - half the runs' own work | "
            f"{(elapsed - solving / 2) / len(runs) * 1000:.1f} ms |",
            f"| overhead recorded with the runs, median | {median(overheads) * 1000:.1f} ms |",
            f"| the coordinator's own processor time per run | {coordinator_seconds() / len(runs) * 1000:.1f} ms |",
            "",
        ]
    )


def coordinator_seconds() -> float:
    """Processor time of this process, which holds the coordinator and the scheduler."""
    return time.process_time()


def _terms() -> list[str]:
    found: Mapping[str, str] = versions()
    return [f"Machine: {machine()}, shared. Versions: {', '.join(f'{name} {value}' for name, value in found.items())}."]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["harness", "workers", "dask"])
    parser.add_argument("-o", "--output", type=Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="splgbench-overhead-") as folder:
        text = {"harness": harness, "workers": workers, "dask": dask}[arguments.what](Path(folder))
    print(text)
    if arguments.output is not None:
        arguments.output.write_text(text)


if __name__ == "__main__":
    main()
