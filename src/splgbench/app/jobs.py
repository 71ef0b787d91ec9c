"""Work that outlives a request: solves, races, prices, explanations and loading, each in processes of their own."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from splgbench.app.live import Live
from splgbench.app.pool import Pool
from splgbench.errors import SplgbenchError
from splgbench.instance import Instance
from splgbench.isolation import answered, attempt_isolated, run_errand
from splgbench.limits import Limits
from splgbench.processes import machine_memory_mb
from splgbench.result import Result
from splgbench.trace import Event, Stop
from splgbench.worker import Errand

GRACE = 3.0
"""Seconds that a solve gets to end by itself once it is stopped or its time is up."""
MEMORY = min(8192, (machine_memory_mb() or 8192) * 3 // 4)
"""Megabytes that a process may hold where nothing else is asked for: what Basel's size needs many times over."""
QUESTION_TIME = 600.0
"""Most seconds for an errand other than a solve."""


@dataclass
class Lane:
    """One solve of a job, watched while it runs.

    Parameters
    ----------
    method : its name.
    events : bounds so far, without mandates.
    result : the judged result; None until then.
    waiting : whether others have to end before it can begin.
    """

    method: str
    events: list[Event] = field(default_factory=list)
    result: Result | None = None
    waiting: bool = True


class Job:
    """Work in the background; what it ends with is told by `done`, `error` and its lanes or `value`.

    Parameters
    ----------
    kind : "solve", "race", "price", "why-not", "load" or "upload".
    lanes : the solves, for "solve" and "race".

    Attributes
    ----------
    live : what checks the allocations of a "solve" on the way; None for other jobs.
    """

    def __init__(self, kind: str, lanes: list[Lane] | None = None) -> None:
        self.id = secrets.token_urlsafe(8)
        self.kind = kind
        self.lanes = lanes or []
        self.live: Live | None = None
        self.stop = Stop()
        self.began = time.monotonic()
        self.ended: float | None = None
        self.error: str = ""
        self.value: Any = None

    @property
    def done(self) -> bool:
        return self.ended is not None

    @property
    def seconds(self) -> float:
        return (time.monotonic() if self.ended is None else self.ended) - self.began


def start_solves(
    job: Job, pool: Pool, instance: Instance, limits: Limits, then: Callable[[Job], None]
) -> threading.Thread:
    """Solve an instance in every lane of a job, side by side.

    Parameters
    ----------
    then : called once all have ended, before the job is done.
    """

    def work() -> None:
        threads = [
            threading.Thread(target=_solve, args=(job, lane, pool, instance, limits), daemon=True) for lane in job.lanes
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if job.live is not None:
            job.live.end()

    return _in_background(job, work, then)


def _solve(job: Job, lane: Lane, pool: Pool, instance: Instance, limits: Limits) -> None:
    def hear(event: Event) -> None:
        lane.events.append(replace(event, mandates=None))
        if job.live is not None and event.mandates is not None:
            job.live.hear(event.mandates)

    try:
        with pool.lend(job.stop) as launcher:
            lane.waiting = False
            lane.result, _ = attempt_isolated(
                lane.method, instance, limits, on_event=hear, stop=job.stop, grace=GRACE, launcher=launcher
            )
    except SplgbenchError as error:
        job.error = str(error)


def start_errand(
    job: Job,
    pool: Pool,
    errand: Errand,
    then: Callable[[Job], None],
    after: Callable[[Job], None] = lambda _: None,
) -> threading.Thread:
    """Run an errand; its answer becomes the job's value.

    Parameters
    ----------
    then : called with the answer in place, before the job is done.
    after : called however it ended, before the job is done.
    """

    def work() -> None:
        with pool.lend(job.stop) as launcher:
            outcome = run_errand(
                errand,
                lambda _: None,
                stop=job.stop,
                wall_time=QUESTION_TIME,
                memory=MEMORY,
                grace=GRACE,
                launcher=launcher,
            )
        if outcome.kind == "interrupted":
            job.error = "stopped"
        else:
            job.value = answered(outcome)

    return _in_background(job, work, then, after)


def _in_background(
    job: Job, work: Callable[[], None], then: Callable[[Job], None], after: Callable[[Job], None] = lambda _: None
) -> threading.Thread:
    def run() -> None:
        try:
            work()
            # What other lanes found stands, whatever became of one.
            if not job.error or job.lanes:
                then(job)
        except SplgbenchError as error:
            job.error = str(error)
        except Exception as error:
            # A defect ends this job; the app and the other sessions go on.
            job.error = f"nobody expected this: {type(error).__name__}: {error}"
        finally:
            after(job)
            job.ended = time.monotonic()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return thread
