"""The tables of a store. docs/campaigns.md explains them to those who read them with other tools."""

from __future__ import annotations

SCHEMA = 1

RUN_COLUMNS = {
    "run_key": "TEXT PRIMARY KEY",
    "cell_key": "TEXT NOT NULL",
    "session": "TEXT NOT NULL",
    "role": "TEXT NOT NULL",
    "shard": "TEXT NOT NULL",
    "instance": "TEXT NOT NULL",
    "instance_hash": "TEXT NOT NULL",
    "method": "TEXT NOT NULL",
    "seed": "INTEGER NOT NULL",
    "permutation": "INTEGER",
    "repeat": "INTEGER NOT NULL",
    "wall_time_limit_s": "REAL",
    "memory_limit_mb": "INTEGER",
    "threads": "INTEGER NOT NULL",
    "gap_limit": "REAL NOT NULL",
    "node_limit": "INTEGER",
    "iteration_limit": "INTEGER",
    "status": "TEXT NOT NULL",
    "primal": "INTEGER",
    "dual": "REAL",
    "gap": "REAL",
    "claimed_primal": "REAL",
    "claimed_dual": "REAL",
    "wall_time_s": "REAL",
    "build_time_s": "REAL",
    "solve_time_s": "REAL",
    "polish_time_s": "REAL",
    "harness_s": "REAL",
    "peak_memory_mb": "REAL",
    "attempts": "INTEGER NOT NULL",
    "began": "TEXT NOT NULL",
    "ended": "TEXT NOT NULL",
    "host": "TEXT NOT NULL",
    "worker": "TEXT NOT NULL",
    "processors": "TEXT NOT NULL",
    "message": "TEXT NOT NULL",
    "clash": "TEXT NOT NULL",
    "counters": "TEXT NOT NULL",
    "effective": "TEXT NOT NULL",
    "terms": "TEXT NOT NULL",
    "versions": "TEXT NOT NULL",
    "planned_versions": "TEXT NOT NULL",
    "trace_file": "TEXT",
    "allocation_file": "TEXT",
    "log_file": "TEXT",
}
"""One row a finished run; times in seconds, values in utility units, `clash` to `planned_versions` are JSON."""

INSTANCE_COLUMNS = {
    "instance_hash": "TEXT PRIMARY KEY",
    "instance": "TEXT NOT NULL",
    "source": "TEXT NOT NULL",
    "family": "TEXT NOT NULL",
    "hospitals": "INTEGER NOT NULL",
    "areas": "INTEGER NOT NULL",
    "groups": "INTEGER NOT NULL",
    "regions": "INTEGER NOT NULL",
    "cells": "INTEGER NOT NULL",
    "offers": "INTEGER NOT NULL",
    "clauses": "INTEGER NOT NULL",
    "capacity_mode": "TEXT NOT NULL",
    "without": "TEXT NOT NULL",
    "recipe": "TEXT",
}

SESSION_COLUMNS = {
    "session": "TEXT PRIMARY KEY",
    "campaign": "TEXT NOT NULL",
    "shard": "TEXT NOT NULL",
    "began": "TEXT NOT NULL",
    "ended": "TEXT",
    "finished": "INTEGER",
    "manifest": "TEXT NOT NULL",
}
"""One row a call of `splgbench run`; `ended` and `finished` stay empty where it was killed."""

PLAN_COLUMNS = {
    "campaign": "TEXT NOT NULL",
    "shard": "TEXT NOT NULL",
    "position": "INTEGER NOT NULL",
    "run_key": "TEXT NOT NULL",
    "cell_key": "TEXT NOT NULL",
    "role": "TEXT NOT NULL",
    "instance_hash": "TEXT NOT NULL",
    "method": "TEXT NOT NULL",
    "unsupported": "TEXT NOT NULL",
}
"""The cells of a campaign as last planned: what is current, and what is missing still."""

FILE_COLUMNS = ("trace_file", "allocation_file", "log_file")
"""Columns of `runs` that name a file in the store's folder."""

TABLES = {"runs": RUN_COLUMNS, "instances": INSTANCE_COLUMNS, "sessions": SESSION_COLUMNS, "plan": PLAN_COLUMNS}
PRIMARY = {"plan": "PRIMARY KEY (campaign, run_key)"}


def statements() -> list[str]:
    """What makes an empty store."""
    made = []
    for table, columns in TABLES.items():
        parts = [f'"{name}" {kind}' for name, kind in columns.items()]
        parts += [PRIMARY[table]] if table in PRIMARY else []
        made.append(f"CREATE TABLE {table} ({', '.join(parts)})")
    made.append("CREATE INDEX runs_by_cell ON runs (cell_key)")
    made.append(f"PRAGMA user_version = {SCHEMA}")
    return made
