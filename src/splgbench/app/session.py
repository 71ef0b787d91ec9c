"""What one browser page works on, apart from every other: an instance with its changes, its runs, its one job."""

from __future__ import annotations

import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from splgbench.app.jobs import Job
from splgbench.app.results import Run
from splgbench.app.workspace import Workspace
from splgbench.errors import InputError
from splgbench.instance import BoolArray
from splgbench.planning.solving import Solved
from splgbench.result import Result, Status

MOST_SESSIONS = 40
"""Sessions kept; beyond it one goes, its job stopped: the longest idle of those nothing was done in, if any."""
MOST_RUNS = 20
"""Runs a session keeps, the newest."""
LIVE = "live"
MOST_JOBS = 10
"""Finished jobs a session remembers."""


class Session:
    """The state of one page; every access to what changes goes through `changing`.

    Parameters
    ----------
    workspace : the instance it begins with.
    """

    def __init__(self, workspace: Workspace) -> None:
        self.token = secrets.token_urlsafe(18)
        self.workspace = workspace
        self.runs: list[Run] = []
        self.used = time.monotonic()
        self.priced: dict[tuple[str, tuple[Any, ...]], bool] = {}
        self._jobs: OrderedDict[str, Job] = OrderedDict()
        self._counted = 0
        self._lock = threading.RLock()

    @contextmanager
    def changing(self) -> Iterator[Session]:
        """Nobody else changes the session meanwhile."""
        with self._lock:
            yield self

    def load(self, workspace: Workspace) -> None:
        """Begin with another instance; runs and prices of the old one go."""
        with self._lock:
            self.workspace = workspace
            self.runs = []
            self.priced = {}

    # Jobs

    def begin(self, job: Job) -> Job:
        """Make it the session's job.

        Raises
        ------
        InputError
            Another one is running.
        """
        with self._lock:
            running = self.running
            if running is not None:
                raise InputError(f"a {running.kind} is still running: stop it, or wait for it", "session")
            self._jobs[job.id] = job
            while len(self._jobs) > MOST_JOBS:
                self._jobs.popitem(last=False)
        return job

    @property
    def running(self) -> Job | None:
        """The job under way."""
        with self._lock:
            return next((job for job in self._jobs.values() if not job.done), None)

    def job(self, name: str) -> Job:
        """A job by its name.

        Raises
        ------
        InputError
            There is none.
        """
        with self._lock:
            found = self._jobs.get(name)
        if found is None:
            raise InputError("no such job", "session")
        return found

    def keep(self, workspace: Workspace, results: list[Result]) -> list[Run]:
        """Keep what a job on a workspace's instance found as runs; nothing if another instance was loaded meanwhile."""
        with self._lock:
            if workspace.base is not self.workspace.base:
                return []
            parts = [workspace.rules.told(workspace.base.capacity_mode)]
            for count, noun in ((len(workspace.edits), "edit"), (len(workspace.decisions), "decision")):
                parts.append(f"{count} {noun}{'s' * (count > 1)}" if count else "")
            changes = ", ".join(filter(None, parts))
            added = []
            for result in results:
                self._counted += 1
                added.append(Run(self._counted, workspace.instance, result, changes))
            self.runs = [*self.runs, *added][-MOST_RUNS:]
            return added

    def run(self, number: str) -> Run:
        """A run by its number; "" for the newest one with an allocation, `LIVE` for what the solve under way has.

        Raises
        ------
        InputError
            There is none.
        """
        with self._lock:
            runs, running = list(self.runs), self.running
        if number == LIVE:
            live = None if running is None else running.live
            if live is not None and live.best is not None:
                return Run.under_way(live.instance, live.best.volumes, live.best.primal)
        elif number:
            runs = [run for run in runs if str(run.number) == number]
        if not number or number == LIVE:
            runs = [run for run in runs if run.result.volumes is not None] or runs
        if not runs:
            raise InputError("no such run: solve first", "session")
        return runs[-1]

    def known(self) -> Solved | None:
        """The best checked allocation of the instance as it stands, with the least bound that any run proved."""
        with self._lock:
            wanted = self.workspace.instance.instance_hash
            results = [run.result for run in self.runs if run.instance.instance_hash == wanted]
        sound = [result for result in results if result.volumes is not None and result.status is not Status.WRONG]
        best = max(sound, key=lambda result: result.primal or 0, default=None)
        if best is None or best.volumes is None or best.primal is None:
            return None
        bounds = [int(result.dual) for result in sound if result.dual is not None]
        return Solved(best.volumes, best.primal, min(bounds, default=None))

    def carried(self) -> BoolArray | None:
        """Mandates of the newest allocation, shape (K,); None without one."""
        with self._lock:
            found = [run.volumes for run in self.runs if run.result.volumes is not None]
        return found[-1] > 0 if found else None

    def close(self) -> None:
        """Stop its job."""
        running = self.running
        if running is not None:
            running.stop.set()


class Sessions:
    """All sessions, by an unguessable name."""

    def __init__(self, first: Workspace, most: int = MOST_SESSIONS) -> None:
        self._first = first
        self._most = most
        self._lock = threading.Lock()
        self._all: dict[str, Session] = {}

    def new(self) -> Session:
        """A session on the instance the app was started with."""
        session = Session(self._first)
        with self._lock:
            self._all[session.token] = session
            while len(self._all) > self._most:
                others = (each for each in self._all.values() if each is not session)
                oldest = min(others, key=lambda each: (self._was_used(each), each.used))
                del self._all[oldest.token]
                oldest.close()
        return session

    def _was_used(self, session: Session) -> bool:
        return session.workspace is not self._first or bool(session.runs) or session.running is not None

    def find(self, token: str) -> Session | None:
        """The session of a name, marked as used now."""
        with self._lock:
            found = self._all.get(token)
        if found is not None:
            found.used = time.monotonic()
        return found

    def close(self) -> None:
        """Stop all jobs."""
        with self._lock:
            for session in self._all.values():
                session.close()


def told(workspace: Workspace) -> Mapping[str, Any]:
    """What the page shows of the instance itself."""
    instance = workspace.instance
    metadata = workspace.base.metadata
    return {
        "name": workspace.base.name or "unnamed",
        "title": str(metadata.get("title", "")),
        "description": str(metadata.get("description", "")),
        "kind": workspace.kind,
        "hospitals": instance.n_hospitals,
        "groups": instance.n_groups,
        "areas": instance.n_areas,
        "cells": instance.n_cells,
        "offers": instance.n_offers,
        "links": instance.n_clauses,
        "regions": len(instance.regions),
        "extensions": list(instance.extensions),
        "hash": instance.instance_hash,
        "utility_scale": instance.utility_scale,
        "mode": workspace.base.capacity_mode,
        "rules": vars(workspace.rules),
        "edits": [vars(edit) for edit in workspace.edits],
        "decisions": [list(row) for row in workspace.decisions],
        "own_overrides": len(workspace.base.override_offer),
        "area_keys": list(instance.areas),
    }
