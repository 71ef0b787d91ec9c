"""Running what is pending of a plan and storing every run as it ends."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from splgbench.campaign.cells import Cell
from splgbench.campaign.execution import Finished, Handling, not_run
from splgbench.campaign.executors import Executor, OnStart
from splgbench.campaign.manifest import now
from splgbench.campaign.plan import Plan
from splgbench.campaign.store import Store
from splgbench.result import Status
from splgbench.trace import Stop

OnFinished = Callable[[Mapping[str, Any]], None]
"""Hears the row of every run once it is stored."""


@dataclass
class Session:
    """What a session did.

    Parameters
    ----------
    finished : runs stored.
    statuses : how they ended.
    interrupted : whether it was stopped before its end.
    """

    finished: int = 0
    statuses: Counter[str] = field(default_factory=Counter)
    interrupted: bool = False


def pending_cells(plan: Plan, store: Store, *, any_version: bool = False, again: tuple[str, ...] = ()) -> list[Cell]:
    """What is still to do.

    Parameters
    ----------
    any_version : a run under other versions or other code counts as done.
    again : statuses of stored runs that do not count as done.
    """
    statuses = store.statuses("cell_key" if any_version else "run_key")
    return plan.pending((key for key, status in statuses.items() if status not in again), any_version=any_version)


def run_cells(
    plan: Plan,
    pending: list[Cell],
    store: Store,
    executor: Executor,
    manifest: Mapping[str, Any],
    *,
    whole: bool = True,
    stop: Stop | None = None,
    on_start: OnStart = lambda _worker, _cell: None,
    on_finished: OnFinished = lambda _row: None,
) -> Session:
    """Run cells and store each as it ends; what is interrupted is not stored and is pending again.

    Parameters
    ----------
    whole : the plan is the whole campaign (or shard), not a part picked by --only.
    """
    stop = Stop() if stop is None else stop
    campaign = plan.campaign
    session = Session()
    name = store.begin(plan, pending, manifest, whole=whole)

    def keep(finished: list[Finished], arrived: float) -> None:
        rows = []
        for run in finished:
            files = {kind: store.keep_file(run.cell.run_key, kind, content) for kind, content in run.files.items()}
            names = {f"{kind.partition('.')[0]}_file": file for kind, file in files.items()}
            harness = run.overhead_s + time.perf_counter() - arrived
            rows.append({**run.row, **names, "session": name, "harness_s": harness})
        store.commit_runs(rows)
        for row in rows:
            session.finished += 1
            session.statuses[row["status"]] += 1
            on_finished(row)

    refused = [not_run(cell, Status.UNSUPPORTED, cell.unsupported) for cell in pending if cell.unsupported]
    keep(refused, time.perf_counter())
    handling = Handling(campaign.keep, campaign.grace, campaign.attempts)
    runnable = [cell for cell in pending if not cell.unsupported]
    for arrival in executor.run(runnable, handling, stop, on_start):
        if arrival.finished.row["status"] != Status.INTERRUPTED:
            keep([arrival.finished], arrival.at)
    session.interrupted = bool(stop)
    store.finish(name, now(), session.finished)
    return session
