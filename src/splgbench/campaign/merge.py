"""Putting the stores of several machines together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from splgbench.campaign.schema import FILE_COLUMNS
from splgbench.campaign.store import Store
from splgbench.errors import InputError


@dataclass
class Merged:
    """What a merge did.

    Parameters
    ----------
    runs : runs that came into the target.
    present : runs that the target had already, under the same key; the older run stays.
    lost : by source, the files that its rows name and that are not beside it.
    """

    runs: int = 0
    present: int = 0
    lost: dict[Path, int] = field(default_factory=dict)


def merge(target: Store, sources: Sequence[Path]) -> Merged:
    """Bring the runs, instances, sessions and plans of other stores into `target`.

    All sources are read in full before anything is written, and each comes in whole or not at all. A merge that broke
    off can simply be done again.

    Raises
    ------
    InputError
        A source that is missing, damaged or the target itself.
    """
    done = Merged()
    for path in sources:
        if path.resolve() == target.path.resolve():
            raise InputError("cannot be merged into itself", str(path))
        with Store(path) as source:
            source.check()
    for path in sources:
        with Store(path) as source:
            _merge_one(target, source, done)
    return done


def _merge_one(target: Store, source: Store, done: Merged) -> None:
    present = target.statuses()
    runs = [run for run in source.rows("runs") if run["run_key"] not in present]
    done.present += len(source.statuses()) - len(runs)
    for run in runs:
        lost = source.missing_files(run)
        if lost:
            run.update(dict.fromkeys(lost))
            done.lost[source.path] = done.lost.get(source.path, 0) + len(lost)
        for name in filter(None, (run[column] for column in FILE_COLUMNS)):
            target.adopt_file(name, source.file(name))
    with target.transaction():
        for table in ("instances", "sessions", "plan"):
            for row in source.rows(table):
                target.insert(table, row)
        for run in runs:
            target.insert("runs", run)
    done.runs += len(runs)
