"""Putting the stores of several machines together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from splgbench.campaign.store import Store
from splgbench.errors import InputError

_FILES = ("trace_file", "allocation_file", "log_file")


@dataclass
class Merged:
    """What a merge did.

    Parameters
    ----------
    runs : runs that came into the target.
    present : runs that the target had already, under the same key; the older run stays.
    """

    runs: int = 0
    present: int = 0


def merge(target: Store, sources: Sequence[Path]) -> Merged:
    """Bring the runs, instances, sessions and plans of other stores into `target`.

    Each source comes in whole or not at all. A merge that broke off can simply be done again.
    """
    done = Merged()
    for path in sources:
        if path.resolve() == target.path.resolve():
            raise InputError("cannot be merged into itself", str(path))
        with Store(path) as source:
            _merge_one(target, source, done)
    return done


def _merge_one(target: Store, source: Store, done: Merged) -> None:
    present = target.statuses()
    runs = [run for run in source.rows("runs") if run["run_key"] not in present]
    done.present += len(source.statuses()) - len(runs)
    for run in runs:
        for name in filter(None, (run[column] for column in _FILES)):
            if source.file(name).is_file():
                target.adopt_file(name, source.file(name))
    with target.transaction():
        for table in ("instances", "sessions", "plan"):
            for row in source.rows(table):
                target.insert(table, row)
        for run in runs:
            target.insert("runs", run)
    done.runs += len(runs)
