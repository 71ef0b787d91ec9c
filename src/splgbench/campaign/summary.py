"""What a store holds, in a few numbers."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from statistics import median
from typing import Any

from splgbench.campaign.cells import REFERENCE, RUN
from splgbench.campaign.store import Store
from splgbench.result import Result, Status
from splgbench.verdict import Contradiction, contradictions


@dataclass(frozen=True)
class Summary:
    """A store at a glance.

    Parameters
    ----------
    statuses : number of runs by method and status.
    planned, finished : cells of the plan, and those of them that are stored.
    contradictions : answers that exclude each other, by instance name.
    harness_s : median and largest overhead of a run, seconds; None without runs.
    reference_s : wall times of the reference runs in order of time.
    """

    statuses: Mapping[str, Mapping[str, int]]
    planned: int
    finished: int
    contradictions: list[tuple[str, Contradiction]]
    harness_s: tuple[float, float] | None
    reference_s: list[float]


def summary(store: Store) -> Summary:
    """Sum up the current runs of a store."""
    runs = list(store.runs())
    statuses: dict[str, Counter[str]] = defaultdict(Counter)
    for run in runs:
        if run["role"] == RUN:
            statuses[run["method"]][run["status"]] += 1
    harness = [run["harness_s"] for run in runs if run["attempts"]]
    return Summary(
        statuses=statuses,
        planned=sum(1 for _ in store.rows("plan")),
        finished=len(runs),
        contradictions=found_contradictions(runs),
        harness_s=(median(harness), max(harness)) if harness else None,
        reference_s=[run["wall_time_s"] for run in runs if run["role"] == REFERENCE],
    )


def found_contradictions(runs: Iterable[Mapping[str, Any]]) -> list[tuple[str, Contradiction]]:
    """Contradictions among the answers to each instance."""
    by_instance: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for run in runs:
        by_instance[run["instance_hash"]].append(run)
    return [
        (group[0]["instance"], contradiction)
        for group in by_instance.values()
        for contradiction in contradictions([as_result(run) for run in group])
    ]


def as_result(run: Mapping[str, Any]) -> Result:
    """A stored run as far as verdicts need it."""
    return Result(
        status=Status(run["status"]),
        method=run["method"],
        instance=run["instance"],
        instance_hash=run["instance_hash"],
        primal=run["primal"],
        dual=run["dual"],
        message=run["message"],
    )
