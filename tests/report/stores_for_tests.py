"""Stores of made-up runs: no solver takes part."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from splgbench.campaign.cells import REFERENCE, RUN
from splgbench.campaign.run_files import LOG, TRACE, trace_text
from splgbench.campaign.store import Store
from splgbench.report.records import Records, read_records
from splgbench.result import relative_gap
from splgbench.trace import Event

TERMS = {
    "wall_time": 100.0,
    "memory": None,
    "threads": 1,
    "gap": 0.0,
    "nodes": None,
    "iterations": None,
    "absolute_gap": 0.1,
    "presolve": "on",
    "primal_tolerance": 1e-6,
    "dual_tolerance": 1e-7,
    "integrality_tolerance": 1e-6,
    "processor": "P, 2 cores",
    "pinned": True,
}
MOMENT = "2026-01-02T03:{:02d}:{:02d}.000+00:00"


def a_run(
    method: str, instance: str = "one", status: str = "optimal", wall: float = 1.0, **given: Any
) -> dict[str, Any]:
    """A row of the table `runs`; an optimum of 1000 unless `given` says otherwise.

    Parameters
    ----------
    given : columns in place of the usual; `trace` is a list of (time, primal, dual).
    """
    proved = status == "optimal"
    row = {
        "role": RUN,
        "shard": "",
        "instance": instance,
        "instance_hash": f"hash-of-{instance}",
        "method": method,
        "seed": 0,
        "permutation": None,
        "repeat": 0,
        "wall_time_limit_s": 100.0,
        "threads": 1,
        "gap_limit": 0.0,
        "status": status,
        "primal": 1000 if proved else None,
        "dual": 1000.0 if proved else None,
        "claimed_primal": 1000.0 if proved else None,
        "claimed_dual": 1000.0 if proved else None,
        "wall_time_s": wall,
        "build_time_s": 0.01,
        "solve_time_s": wall,
        "polish_time_s": 0.0,
        "harness_s": 0.05,
        "peak_memory_mb": 64.0,
        "attempts": 1,
        "host": "h",
        "worker": "w",
        "processors": "0",
        "message": "",
        "clash": [],
        "counters": {"nodes": 3},
        "effective": {},
        "terms": TERMS,
        "versions": {},
        "planned_versions": {},
        "log": "what the solver printed",
        **given,
    }
    return {"gap": relative_gap(row["primal"], row["dual"]), **row}


def a_store(
    path: Path,
    runs: Iterable[Mapping[str, Any]],
    features: Mapping[str, Mapping[str, Any]] | None = None,
    planned: int = 0,
    campaign_file: str = "",
) -> Path:
    """Write a store.

    Parameters
    ----------
    features : columns of the table `instances` in place of the usual, by instance name.
    planned : cells of the plan that no run belongs to.
    """
    runs = list(runs)
    with Store(path, writing=True) as store, store.transaction():
        for number, name in enumerate(dict.fromkeys(run["instance"] for run in runs)):
            store.insert("instances", _features(name, number, (features or {}).get(name, {})))
        for number, given in enumerate(runs):
            row = dict(given)
            identity = (row["method"], row["instance"], row["seed"], row["permutation"], row["repeat"], row["role"])
            cell_key = "-".join(map(str, (*identity, row["wall_time_limit_s"])))
            row = {"run_key": f"{number:08d}-{path.stem}", "cell_key": cell_key, "session": "s", **row}
            moment = MOMENT.format(number // 60 % 60, number % 60)
            row = {"began": moment, "ended": moment, **row}
            trace, log = row.pop("trace", ()), row.pop("log")
            if trace:
                text = trace_text(Event(time, primal, dual, "test") for time, primal, dual in trace)
                row["trace_file"] = store.keep_file(row["run_key"], TRACE, text.encode())
            if log:
                row["log_file"] = store.keep_file(row["run_key"], LOG, log.encode())
            store.insert("runs", row)
            store.insert("plan", _planned(row, number))
        for number in range(planned):
            missing = {**a_run("never"), "run_key": f"missing-{number}", "cell_key": f"missing-{number}"}
            store.insert("plan", _planned(missing, len(runs) + number))
        methods = list(dict.fromkeys(run["method"] for run in runs))
        store.insert("sessions", _session(methods, len(runs) + planned, campaign_file))
    return path


def records_of(path: Path, runs: Iterable[Mapping[str, Any]], **given: Any) -> Records:
    """What `read_records` makes of such a store."""
    with Store(a_store(path, runs, **given)) as store:
        return read_records(store)


def golden_runs() -> list[dict[str, Any]]:
    """Two sound methods and one that lies, on two instances with three seeds; a reference run at both ends."""
    reference = {"role": REFERENCE}
    runs = [a_run("linked@highs", wall=2.0, **reference, repeat=0)]
    for seed in range(3):
        slow = [(0.5, 500.0, 2000.0), (2.0, 900.0, 1500.0)]
        runs += [
            a_run("linked@highs", "one", wall=2.0 + seed, seed=seed, trace=[(1.0, 900.0, 1100.0)]),
            a_run("strengthened@highs", "one", wall=1.0 + seed, seed=seed, trace=[(0.5, 990.0, 1010.0)]),
            a_run("liar@highs", "one", wall=0.1, seed=seed, primal=900, dual=900.0, claimed_primal=1e9),
            a_run("linked@highs", "two", "time-out", 100.5, seed=seed, primal=900, dual=1500.0, trace=slow),
            a_run("strengthened@highs", "two", wall=50.0, seed=seed, trace=[(5.0, 950.0, 1200.0)]),
            a_run("liar@highs", "two", "wrong", 0.1, seed=seed, message="the checker refuses its allocation"),
        ]
    runs.append(a_run("linked@highs", wall=3.0, **reference, repeat=1))
    runs.append(a_run("linked@scip", "two", "error", 0.2, message="it broke"))
    return runs


def _features(name: str, number: int, given: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "instance_hash": f"hash-of-{name}",
        "instance": name,
        "source": name,
        "family": f"family-{number % 2}",
        "hospitals": 10,
        "areas": 3,
        "groups": 20,
        "regions": 0,
        "cells": 20,
        "offers": 100 * (number + 1),
        "clauses": 5,
        "capacity_mode": "both",
        "without": "",
        **given,
    }


def _planned(row: Mapping[str, Any], position: int) -> dict[str, Any]:
    kept = ("run_key", "cell_key", "role", "instance_hash", "method")
    return {"campaign": "c", "shard": "", "position": position, "unsupported": "", **{key: row[key] for key in kept}}


def _session(methods: Sequence[str], cells: int, campaign_file: str) -> dict[str, Any]:
    manifest = {
        "campaign": "golden",
        "command": "splgbench run golden.toml",
        "executor": "local",
        "workers": 1,
        "cells": cells,
        "seeds": [0, 1, 2],
        "methods": methods,
        "versions": {"splgbench": "0"},
        "code": "0",
        "git_commit": None,
        "machine": {"processor": "P, 2 cores", "memory_mb": 1000, "system": "Linux"},
        "campaign_file": campaign_file,
    }
    began = MOMENT.format(0, 0)
    return {"session": "s", "campaign": "golden", "shard": "", "began": began, "ended": began, "manifest": manifest}
