"""Running cells on Dask: its scheduler deals them out, and tries again elsewhere what a lost worker was doing."""

from __future__ import annotations

import asyncio
import logging
import pickle
import queue
import shutil
import threading
import time
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

from splgbench.campaign.cells import Cell
from splgbench.campaign.execution import Finished, Handling, execute, not_run
from splgbench.campaign.executors import Arrival, OnStart
from splgbench.errors import InputError, SplgbenchError, UnsupportedError
from splgbench.instance import Instance
from splgbench.launching import ForkServers
from splgbench.result import Status
from splgbench.solver_libraries import load_optional
from splgbench.trace import Stop

AHEAD = 4
"""Cells handed to the scheduler per thread of its workers: enough that none waits for the coordinator."""
FEWEST_AHEAD = 16
_ANSWER = 5.0
"""Seconds that a scheduler gets to answer."""
_POLL = 0.2
_SUBMIT = {"slurm": "sbatch", "pbs": "qsub"}


class DaskExecutor:
    """Runs cells on the workers of a Dask scheduler.

    A worker's every thread runs one cell at a time, in a process of its own as everywhere.

    Parameters
    ----------
    client : a connected `distributed.Client`.
    """

    def __init__(self, client: Any, name: str) -> None:
        self.client = client
        self.name = name

    def run(self, cells: Sequence[Cell], handling: Handling, stop: Stop, on_start: OnStart) -> Iterator[Arrival]:
        """See `Executor.run`; Dask does not say when a cell begins, so `on_start` hears when it is handed over."""
        done: queue.SimpleQueue[tuple[Any, float]] = queue.SimpleQueue()
        waiting = iter(cells)
        left = Counter(cell.instance_hash for cell in cells)
        instances: dict[str, Any] = {}
        running: dict[Any, Cell] = {}
        try:
            while not stop:
                while len(running) < self._room():
                    cell = next(waiting, None)
                    if cell is None:
                        break
                    on_start("scheduler", cell)
                    try:
                        future = self._submitted(cell, instances, handling)
                    except SplgbenchError as error:
                        failure = not_run(cell, Status.ERROR, f"its instance cannot be read any more: {error}")
                        yield Arrival(failure, time.perf_counter())
                        continue
                    running[future] = cell
                    future.add_done_callback(lambda ended: done.put((ended, time.perf_counter())))
                if not running:
                    return
                try:
                    future, arrived = done.get(timeout=_POLL)
                except queue.Empty:
                    continue
                cell = running.pop(future)
                yield Arrival(_finished(future, cell, handling), arrived)
                left[cell.instance_hash] -= 1
                if not left[cell.instance_hash]:
                    instances.pop(cell.instance_hash, None)
        finally:
            self.client.cancel(list(running), force=True)

    def _room(self) -> int:
        """Cells the scheduler should have."""
        threads: int = sum(self.client.nthreads().values())
        return max(FEWEST_AHEAD, AHEAD * threads)

    def _submitted(self, cell: Cell, instances: dict[str, Any], handling: Handling) -> Any:
        if cell.instance_hash not in instances:
            instance = cell.source.load()
            if instance.instance_hash != cell.instance_hash:
                raise InputError("it has changed since it was planned", cell.instance)
            packed = zlib.compress(pickle.dumps(instance), 1)
            key = f"splgbench-instance-{cell.instance_hash}"
            instances[cell.instance_hash] = self.client.submit(unpacked, packed, key=key)
        key = f"splgbench-run-{cell.run_key}-{time.monotonic_ns()}"
        return self.client.submit(execute_there, cell, instances[cell.instance_hash], handling, key=key, pure=False)


def unpacked(packed: bytes) -> Instance:
    """An instance on a worker."""
    instance: Instance = pickle.loads(zlib.decompress(packed))
    return instance


_own = threading.local()


def execute_there(cell: Cell, instance: Instance, handling: Handling) -> Finished:
    """On a worker: as `execute`, from the fork server of this thread."""
    from distributed import get_worker

    if not hasattr(_own, "launcher"):
        _own.launcher = ForkServers()
    _own.launcher.prepare(cell.limits.threads)
    return execute(cell, instance, handling, _own.launcher, worker=str(get_worker().name))


def _finished(future: Any, cell: Cell, handling: Handling) -> Finished:
    if future.status == "finished":
        finished: Finished = future.result()
        return finished
    if future.status == "cancelled":
        return not_run(cell, Status.INTERRUPTED, "its scheduler gave it up")
    error = future.exception()
    words = f"lost on the cluster: {type(error).__name__}: {error}"
    return not_run(cell, Status.ERROR, words, attempts=handling.attempts)


@contextmanager
def connected(way: str, workers: int, settings: Mapping[str, Any]) -> Iterator[DaskExecutor]:
    """An executor on a scheduler that runs, on workers of this machine, or on jobs of a batch system.

    Parameters
    ----------
    way : a scheduler's address, "dask", "slurm" or "pbs".
    workers : workers or jobs to start.
    settings : of dask-jobqueue's cluster.

    Raises
    ------
    UnsupportedError
        Dask is not installed, or the batch system is not here.
    SplgbenchError
        The scheduler does not answer.
    """
    distributed = load_optional("distributed", "distributed", "dask")
    with ExitStack() as stack:
        if way == "dask":
            cluster = stack.enter_context(
                distributed.LocalCluster(
                    n_workers=workers,
                    threads_per_worker=1,
                    processes=True,
                    dashboard_address=None,
                    silence_logs=logging.CRITICAL,
                )
            )
        elif way in _SUBMIT:
            if shutil.which(_SUBMIT[way]) is None:
                raise UnsupportedError(f"there is no {_SUBMIT[way]} here: jobs are submitted where {way} is")
            cluster = stack.enter_context(batch_cluster(way, settings))
            cluster.scale(jobs=workers)
        else:
            cluster = way
            try:
                asyncio.run(_greet(way))
            except Exception as error:  # whatever answers at that address may be no Dask at all
                raise SplgbenchError(f"the Dask scheduler {way} does not answer: {error}") from None
        client = stack.enter_context(distributed.Client(cluster, set_as_default=False))
        yield DaskExecutor(client, "dask" if way == "dask" else way)


async def _greet(address: str) -> None:
    """Shake hands with a scheduler; Dask's client would keep trying for half a minute, and longer when it is closed."""
    comm = load_optional("distributed.comm", "distributed", "dask")
    security = load_optional("distributed.security", "distributed", "dask").Security()
    greeted = await comm.connect(address, timeout=_ANSWER, **security.get_connection_args("client"))
    greeted.abort()


def batch_cluster(way: str, settings: Mapping[str, Any]) -> Any:
    """A cluster whose workers are batch jobs; none is submitted yet.

    Raises
    ------
    InputError
        Settings that dask-jobqueue does not take.
    """
    jobqueue = load_optional("dask_jobqueue", "dask-jobqueue", "dask")
    kind = {"slurm": jobqueue.SLURMCluster, "pbs": jobqueue.PBSCluster}[way]
    try:
        return kind(**settings)
    except (TypeError, ValueError) as error:
        raise InputError(f"[cluster] must hold settings of {kind.__name__}: {error}", "campaign") from None
