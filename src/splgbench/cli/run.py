"""``splgbench run``: a campaign file, its plan, and every run isolated and stored."""

from __future__ import annotations

import argparse
import os
import shlex
import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from splgbench.campaign.cells import Cell
from splgbench.campaign.executors import WAYS, open_executor
from splgbench.campaign.manifest import make_manifest
from splgbench.campaign.plan import Plan, make_plan, worst_case_seconds
from splgbench.campaign.runner import pending_cells, run_cells
from splgbench.campaign.spec import read_campaign
from splgbench.campaign.store import Store
from splgbench.campaign.summary import found_contradictions
from splgbench.cli.arguments import Parsers, add_command
from splgbench.cli.output import print_error, print_json, print_table
from splgbench.cli.progress import Progress
from splgbench.confinement import processor_sets
from splgbench.errors import InputError
from splgbench.methods import interruptible
from splgbench.result import Status
from splgbench.trace import Stop

EXAMPLES = """  splgbench run campaigns/baseline.toml --dry-run
  splgbench run campaigns/baseline.toml --workers 2
  splgbench run campaigns/baseline.toml --only 'hard-h4*@highs'
  splgbench run big.toml --shard 3/10 --store shard-3.sqlite
  splgbench run big.toml --executor dask --workers 8
  splgbench run big.toml --executor slurm --workers 100

Started again, it does what is not done yet. Ctrl-C stops it; what had finished is kept. docs/campaigns.md describes
campaign files and stores."""


def add(parsers: Parsers) -> None:
    parser = add_command(parsers, "run", run, "run a campaign, or what is left of it", EXAMPLES)
    parser.add_argument("file", metavar="FILE", type=Path, help="a campaign file (TOML)")
    parser.add_argument("--dry-run", action="store_true", help="show the plan and run nothing")
    parser.add_argument("--only", metavar="PATTERN", default="", help="cells whose label holds this, * allowed")
    parser.add_argument("--shard", metavar="i/n", default="", help="the i-th of n parts, in a store of its own")
    parser.add_argument("--workers", metavar="N", type=int, default=1, help="runs at a time, or jobs (default 1)")
    parser.add_argument("--executor", metavar="WHERE", default="local", help=f"{WAYS} (default local)")
    parser.add_argument("--store", metavar="FILE", type=Path, help="the store (default NAME.sqlite)")
    parser.add_argument(
        "--again",
        metavar="STATUS",
        action="append",
        default=[],
        choices=[str(status) for status in Status],
        help="run again what ended like this (repeatable)",
    )
    parser.add_argument("--any-version", action="store_true", help="count runs of other versions or other code as done")


def run(arguments: argparse.Namespace) -> int:
    if arguments.workers < 1:
        raise InputError("must be at least 1", "--workers")
    plan = make_plan(read_campaign(arguments.file), arguments.only, arguments.shard)
    path = arguments.store or Path(_store_name(plan))
    if arguments.dry_run:
        pending = _pending(plan, path, arguments)
        if arguments.json:
            print_json(_plan_as_json(plan, pending, path, arguments.workers))
        else:
            print_plan(plan, pending, path, arguments.workers)
        return 0
    with Store(path, writing=True) as store, interruptible(Stop()) as stop:
        pending = pending_cells(plan, store, any_version=arguments.any_version, again=tuple(arguments.again))
        if not arguments.json:
            print_plan(plan, pending, path, arguments.workers)
        _warn_of_crowding(arguments, pending)
        with (
            open_executor(arguments.executor, arguments.workers, plan.campaign) as executor,
            Progress(len(pending), quiet=arguments.json) as progress,
        ):
            command = shlex.join(["splgbench", *sys.argv[1:]])
            manifest = make_manifest(plan, executor.name, arguments.workers, command)
            session = run_cells(
                plan,
                pending,
                store,
                executor,
                manifest,
                whole=not arguments.only,
                stop=stop,
                on_start=progress.started,
                on_finished=progress.finished,
            )
        found = found_contradictions(store.runs())
    if arguments.json:
        print_json(
            {
                "store": str(path),
                "finished": session.finished,
                "statuses": dict(session.statuses),
                "interrupted": session.interrupted,
                "contradictions": [{"instance": name, "text": found.text} for name, found in found],
            }
        )
    else:
        print(f"{session.finished} runs stored in {path}: {_counts(session.statuses)}")
        for name, contradiction in found:
            print(f"CONTRADICTION on {name}: {contradiction.text}")
        if session.interrupted:
            print("interrupted; run the same command again for the rest")
    if session.interrupted:
        return 130
    return 1 if found else 0


def print_plan(plan: Plan, pending: list[Cell], path: Path, workers: int) -> None:
    """Cells by method, what cannot run and why, and the worst case."""
    waiting = {cell.run_key for cell in pending}
    rows = []
    for method in dict.fromkeys(cell.method for cell in plan.cells):
        cells = [cell for cell in plan.cells if cell.method == method]
        reasons = Counter(cell.unsupported for cell in cells if cell.unsupported)
        rows.append(
            (
                method,
                len(cells),
                sum(cell.run_key not in waiting for cell in cells),
                sum(cell.run_key in waiting and not cell.unsupported for cell in cells),
                sum(reasons.values()),
                "; ".join(reasons),
            )
        )
    campaign = plan.campaign
    part = f", shard {plan.shard}" if plan.shard else ""
    title = f"{campaign.name}{part}: {len(plan.cells)} cells on {len(plan.instances)} instances, store {path}"
    print(title)
    print_table(("method", "cells", "done", "to run", "unsupported", "reason"), rows)
    worst = worst_case_seconds(pending, campaign.grace, workers)
    print(f"to run: {_runnable(pending)}; worst case {duration(worst)} on {workers} worker{'s'[: workers > 1]}")


def duration(seconds: float) -> str:
    """Seconds for people."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    minutes = seconds / 60
    return f"{minutes:.0f} min" if minutes < 120 else f"{minutes / 60:.1f} h"


def _warn_of_crowding(arguments: argparse.Namespace, pending: list[Cell]) -> None:
    """Say on standard error where local workers have fewer processors than threads."""
    threads = max((cell.limits.threads for cell in pending), default=1)
    known = hasattr(os, "sched_getaffinity")
    if known and arguments.executor == "local" and not processor_sets(arguments.workers, threads)[0]:
        text = f"warning: {arguments.workers} workers of {threads} threads have fewer processors; times will suffer"
        print_error(text)


def _store_name(plan: Plan) -> str:
    shard = f"-{plan.shard.replace('/', '-of-')}" if plan.shard else ""
    return f"{plan.campaign.name}{shard}.sqlite"


def _pending(plan: Plan, path: Path, arguments: argparse.Namespace) -> list[Cell]:
    if not path.exists():
        return list(plan.cells)
    with Store(path) as store:
        return pending_cells(plan, store, any_version=arguments.any_version, again=tuple(arguments.again))


def _plan_as_json(plan: Plan, pending: list[Cell], path: Path, workers: int) -> dict[str, Any]:
    waiting = {cell.run_key for cell in pending}
    return {
        "campaign": plan.campaign.name,
        "store": str(path),
        "shard": plan.shard,
        "worst_case_s": worst_case_seconds(pending, plan.campaign.grace, workers),
        "cells": [
            {
                "instance": cell.instance,
                "instance_hash": cell.instance_hash,
                "method": cell.method,
                "limits": cell.limits.as_json(),
                "permutation": cell.permutation,
                "repeat": cell.repeat,
                "role": cell.role,
                "run_key": cell.run_key,
                "done": cell.run_key not in waiting,
                "unsupported": cell.unsupported or None,
            }
            for cell in plan.cells
        ],
    }


def _runnable(pending: list[Cell]) -> int:
    return sum(not cell.unsupported for cell in pending)


def _counts(statuses: Mapping[str, int]) -> str:
    return ", ".join(f"{number} {status}" for status, number in sorted(statuses.items())) or "nothing to do"
