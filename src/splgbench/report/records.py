"""A store's runs as the report works with them."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from splgbench.campaign.cells import REFERENCE
from splgbench.campaign.store import Store
from splgbench.report.integrals import TracePoint
from splgbench.result import Status

Task = tuple[str, int, int | None, int]
"""What methods are compared on: instance hash, seed, permutation, repeat."""


@dataclass(frozen=True)
class Run:
    """One finished run.

    Parameters
    ----------
    row : its columns in the store.
    trace : its events.
    """

    row: Mapping[str, Any]
    trace: tuple[TracePoint, ...] = field(default=(), repr=False)

    @property
    def key(self) -> str:
        return str(self.row["run_key"])

    @property
    def method(self) -> str:
        return str(self.row["method"])

    @property
    def instance(self) -> str:
        return str(self.row["instance"])

    @property
    def instance_hash(self) -> str:
        return str(self.row["instance_hash"])

    @property
    def variation(self) -> tuple[int, int | None, int]:
        """Seed, permutation and repeat."""
        return self.row["seed"], self.row["permutation"], self.row["repeat"]

    @property
    def task(self) -> Task:
        return (self.instance_hash, *self.variation)

    @property
    def label(self) -> str:
        """Method and variation, for people."""
        return f"{self.method}, {self.hint}"

    @property
    def hint(self) -> str:
        """The variation, for people."""
        seed, permutation, repeat = self.variation
        parts = [f"seed {seed}"]
        parts += [f"permutation {permutation}"] if permutation is not None else []
        parts += [f"repeat {repeat}"] if repeat else []
        return ", ".join(parts)

    @property
    def status(self) -> Status:
        return Status(self.row["status"])

    @property
    def ran(self) -> bool:
        """Whether it came to run at all."""
        return bool(self.row["attempts"])

    @property
    def primal(self) -> int | None:
        value: int | None = self.row["primal"]
        return value

    @property
    def dual(self) -> float | None:
        value: float | None = self.row["dual"]
        return value

    @property
    def gap(self) -> float | None:
        """The gap at the end; 0 for a proof that there is no allocation."""
        value: float | None = 0.0 if self.status is Status.INFEASIBLE else self.row["gap"]
        return value

    @property
    def wall_time(self) -> float:
        return float(self.row["wall_time_s"] or 0.0)

    @property
    def limit(self) -> float:
        """Its time limit in seconds."""
        return float(self.row["wall_time_limit_s"] or self.wall_time)

    @cached_property
    def solved(self) -> bool:
        """Whether it proved what was asked: the optimum, the gap asked for, or that there is no allocation."""
        if self.status is Status.GAP_CLOSED:
            gap = self.row["gap"]
            return self.row["gap_limit"] > 0 and gap is not None and gap <= self.row["gap_limit"]
        return self.status in (Status.OPTIMAL, Status.INFEASIBLE)

    @property
    def seconds(self) -> float:
        """Its time as averages count it: the limit where it did not solve."""
        return min(self.wall_time, self.limit) if self.solved else self.limit


@dataclass(frozen=True)
class Records:
    """What a store holds, read once.

    Parameters
    ----------
    name : of its campaigns.
    runs : the current runs, one of each cell.
    references : the drift runs in order of time.
    instances : features by instance hash.
    sessions : with their manifests.
    planned : cells of the plans.
    superseded : older runs of the same cells, left out.
    files : the folder of logs, traces and allocations.
    """

    name: str
    runs: tuple[Run, ...]
    references: tuple[Run, ...]
    instances: Mapping[str, Mapping[str, Any]]
    sessions: tuple[Mapping[str, Any], ...]
    planned: int
    superseded: int
    files: Path

    @cached_property
    def methods(self) -> list[str]:
        """All methods, in the order in which the campaign names them as far as it is known."""
        named = [name for session in self.sessions for name in session["manifest"].get("methods", ())]
        present = {run.method for run in self.runs}
        return [name for name in dict.fromkeys([*named, *sorted(present)]) if name in present]

    @cached_property
    def best(self) -> dict[str, int]:
        """The best checked value of each instance that has one."""
        found: dict[str, int] = {}
        for run in (*self.runs, *self.references):
            if run.primal is not None and run.status is not Status.WRONG:
                found[run.instance_hash] = max(run.primal, found.get(run.instance_hash, run.primal))
        return found

    @cached_property
    def mixed(self) -> dict[str, int]:
        """Methods whose runs are of several versions, with their number."""
        found: dict[str, set[str]] = defaultdict(set)
        for run in self.runs:
            found[run.method].add(json.dumps(run.row["planned_versions"], sort_keys=True))
        return {method: len(versions) for method, versions in found.items() if len(versions) > 1}

    @cached_property
    def traced(self) -> bool:
        """Whether any run kept its trace."""
        return any(run.trace for run in self.runs)


def read_records(store: Store, *, any_version: bool = False) -> Records:
    """Read the current runs of a store with their traces.

    Parameters
    ----------
    any_version : where a cell as planned has not run, take its run under other versions or other code.
    """
    current = {row["run_key"] for row in store.rows("plan")}
    key = "cell_key" if any_version else "run_key"
    cells: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for row in store.rows("runs", f"{key} IN (SELECT {key} FROM plan)"):
        cells[row["cell_key"]].append(row)
    chosen = [max(group, key=lambda row: (row["run_key"] in current, str(row["ended"]))) for group in cells.values()]
    latest = [Run(row, _trace(store, row)) for row in chosen]
    latest.sort(key=lambda run: (run.row["began"], run.key))
    sessions = tuple(store.rows("sessions"))
    return Records(
        name=", ".join(dict.fromkeys(session["campaign"] for session in sessions)) or store.path.stem,
        runs=tuple(run for run in latest if run.row["role"] != REFERENCE),
        references=tuple(run for run in latest if run.row["role"] == REFERENCE),
        instances={row["instance_hash"]: row for row in store.rows("instances")},
        sessions=sessions,
        planned=sum(1 for _ in store.rows("plan")),
        superseded=sum(map(len, cells.values())) - len(latest),
        files=store.folder,
    )


def _trace(store: Store, row: Mapping[str, Any]) -> tuple[TracePoint, ...]:
    """The events of a run; none where the file has gone."""
    name = row["trace_file"]
    return tuple(store.trace(row)) if name and store.file(name).is_file() else ()
