"""One cell, from start to judged result, wherever it runs."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from splgbench.campaign.cells import Cell
from splgbench.campaign.fairness import terms
from splgbench.campaign.manifest import host, now
from splgbench.campaign.recheck import rechecked, storable
from splgbench.campaign.run_files import ALLOCATION, LOG, TRACE, trace_text
from splgbench.errors import SplgbenchError, UnsupportedError
from splgbench.instance import Instance
from splgbench.isolation import attempt_isolated, is_near
from splgbench.launching import Launcher
from splgbench.result import Result, Status
from splgbench.trace import Stop

MISTIMED = "the wall time is measured: its own is another"


@dataclass(frozen=True)
class Handling:
    """How a campaign's runs are treated, wherever they run.

    Parameters
    ----------
    keep, grace, attempts : as in `Campaign`.
    """

    keep: tuple[str, ...]
    grace: float
    attempts: int


@dataclass(frozen=True)
class Finished:
    """A run that has ended.

    Parameters
    ----------
    cell : what was run.
    row : columns of the store's table `runs`, without the session.
    files : contents by kind.
    overhead_s : seconds the executing side spent besides the solve.
    """

    cell: Cell
    row: Mapping[str, Any]
    files: Mapping[str, bytes] = field(default_factory=dict)
    overhead_s: float = 0.0


def execute(
    cell: Cell,
    instance: Instance,
    handling: Handling,
    launcher: Launcher | None = None,
    processors: tuple[int, ...] = (),
    worker: str = "",
    stop: Stop | None = None,
) -> Finished:
    """Run a cell in a process of its own; one that something else kills is tried again."""
    with tempfile.TemporaryDirectory(prefix="splgbench-") as folder:
        log = Path(folder) / "log"
        attempts = 0
        while True:
            attempts += 1
            began, started = now(), time.perf_counter()
            result, lost = _attempt(cell, instance, handling, launcher, processors, log, stop)
            if not lost or attempts == handling.attempts or stop:
                break
        result = storable(result)
        files = _files(result, instance, log, handling.keep)
    row = {
        **_planned(cell),
        **_answered(result),
        "attempts": attempts,
        "began": began,
        "ended": now(),
        "host": host()["name"],
        "worker": worker,
        "processors": " ".join(map(str, processors)),
        "terms": terms(cell.limits, result.effective, host()["processor"], bool(processors)),
    }
    return Finished(cell, row, files, time.perf_counter() - started - result.wall_time_s)


def not_run(cell: Cell, status: Status, message: str, attempts: int = 0) -> Finished:
    """The record of a cell that never came to run."""
    result = storable(Result(status, cell.method, cell.instance, cell.instance_hash, message=message))
    moment = now()
    row = {
        **_planned(cell),
        **_answered(result),
        "attempts": attempts,
        "began": moment,
        "ended": moment,
        "host": host()["name"],
        "worker": "",
        "processors": "",
        "terms": terms(cell.limits, {}, host()["processor"], False),
    }
    return Finished(cell, row)


def _attempt(
    cell: Cell,
    instance: Instance,
    handling: Handling,
    launcher: Launcher | None,
    processors: tuple[int, ...],
    log: Path,
    stop: Stop | None,
) -> tuple[Result, bool]:
    """The judged result, and whether the run was lost to a kill from elsewhere."""
    began = time.perf_counter()
    try:
        result, outcome = attempt_isolated(
            cell.method,
            instance,
            cell.limits,
            permutation=cell.permutation,
            stop=stop,
            log=log,
            grace=handling.grace,
            launcher=launcher,
            processors=processors,
        )
    except SplgbenchError as error:
        status = Status.UNSUPPORTED if isinstance(error, UnsupportedError) else Status.ERROR
        took = time.perf_counter() - began
        refused = Result(status, cell.method, cell.instance, cell.instance_hash, wall_time_s=took, message=str(error))
        return refused, False
    judged = rechecked(result, instance)
    if judged.status is Status.INTERRUPTED and not stop:
        # Not stored, it would be pending for ever.
        judged = replace(judged, status=Status.ERROR, message="it says interrupted, but nobody interrupted it")
    if isinstance(outcome.value, Result) and not is_near(outcome.value.wall_time_s, outcome.solve_s or 0.0):
        judged = replace(judged, message="; ".join(filter(None, (judged.message, MISTIMED))))
    return judged, outcome.kind == "lost"


def _planned(cell: Cell) -> dict[str, Any]:
    limits = cell.limits
    return {
        "run_key": cell.run_key,
        "cell_key": cell.cell_key,
        "role": cell.role,
        "shard": cell.shard,
        "instance": cell.instance,
        "instance_hash": cell.instance_hash,
        "method": cell.method,
        "seed": limits.seed,
        "permutation": cell.permutation,
        "repeat": cell.repeat,
        "wall_time_limit_s": limits.wall_time,
        "memory_limit_mb": limits.memory,
        "threads": limits.threads,
        "gap_limit": limits.gap,
        "node_limit": limits.nodes,
        "iteration_limit": limits.iterations,
        "planned_versions": dict(cell.versions),
    }


def _answered(result: Result) -> dict[str, Any]:
    return {
        "status": str(result.status),
        "primal": result.primal,
        "dual": result.dual,
        "gap": result.gap,
        "claimed_primal": result.claimed_primal,
        "claimed_dual": result.claimed_dual,
        "wall_time_s": result.wall_time_s,
        "build_time_s": result.build_time_s,
        "solve_time_s": result.solve_time_s,
        "polish_time_s": result.polish_time_s,
        "peak_memory_mb": result.peak_memory_mb,
        "message": result.message,
        "clash": list(result.clash),
        "counters": dict(result.counters),
        "effective": dict(result.effective),
        "versions": dict(result.versions),
    }


def _files(result: Result, instance: Instance, log: Path, keep: tuple[str, ...]) -> dict[str, bytes]:
    files: dict[str, bytes] = {}
    if "trace" in keep and result.trace:
        files[TRACE] = trace_text(result.trace).encode()
    allocation = result.allocation(instance) if "allocation" in keep and result.status is not Status.WRONG else None
    if allocation is not None:
        files[ALLOCATION] = allocation.as_csv().encode()
    if "log" in keep and log.is_file() and log.stat().st_size:
        files[LOG] = log.read_bytes()
    return files
