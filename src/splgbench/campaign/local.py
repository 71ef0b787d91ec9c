"""Running cells on this machine: one thread a slot, each with a fork server and, where there are enough, processors."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace

from splgbench.campaign.cells import Cell
from splgbench.campaign.execution import Finished, Handling, execute, not_run
from splgbench.campaign.executors import Arrival, OnStart
from splgbench.confinement import processor_sets
from splgbench.errors import SplgbenchError
from splgbench.launching import ForkServers
from splgbench.result import Status
from splgbench.trace import Stop


class LocalExecutor:
    """Runs `workers` cells at a time.

    Parameters
    ----------
    pin : give every slot processors of its own.
    """

    name = "local"

    def __init__(self, workers: int, *, pin: bool = True) -> None:
        self.workers = workers
        self.pin = pin

    def run(self, cells: Sequence[Cell], handling: Handling, stop: Stop, on_start: OnStart) -> Iterator[Arrival]:
        """See `Executor.run`."""
        slots = min(self.workers, len(cells))
        threads = sorted({cell.limits.threads for cell in cells})
        processors = processor_sets(slots, max(threads, default=1)) if self.pin else [()] * slots
        waiting: queue.SimpleQueue[Cell] = queue.SimpleQueue()
        for cell in cells:
            waiting.put(cell)
        arrivals: queue.SimpleQueue[Arrival | BaseException | None] = queue.SimpleQueue()
        threads_of_slots = [
            threading.Thread(
                target=_serve,
                args=(f"local-{number}", own, threads, waiting, arrivals, handling, stop, on_start),
                name=f"slot {number}",
                daemon=True,
            )
            for number, own in enumerate(processors, 1)
        ]
        for thread in threads_of_slots:
            thread.start()
        try:
            open_slots = slots
            while open_slots:
                arrival = arrivals.get()
                if arrival is None:
                    open_slots -= 1
                elif isinstance(arrival, BaseException):
                    raise arrival
                else:
                    yield arrival
        except BaseException:
            stop.set()
            raise
        finally:
            for thread in threads_of_slots:
                thread.join()


def _serve(
    name: str,
    processors: tuple[int, ...],
    threads: list[int],
    waiting: queue.SimpleQueue[Cell],
    arrivals: queue.SimpleQueue[Arrival | BaseException | None],
    handling: Handling,
    stop: Stop,
    on_start: OnStart,
) -> None:
    """One slot: take cells until there are none."""
    try:
        with ForkServers() as launcher:
            for number in threads:
                launcher.prepare(number)
            while not stop:
                try:
                    cell = waiting.get_nowait()
                except queue.Empty:
                    break
                on_start(name, cell)
                finished = _run(cell, handling, launcher, processors[: cell.limits.threads], name, stop)
                arrivals.put(Arrival(finished, time.perf_counter()))
    except BaseException as error:
        arrivals.put(error)
    finally:
        arrivals.put(None)


def _run(
    cell: Cell, handling: Handling, launcher: ForkServers, processors: tuple[int, ...], name: str, stop: Stop
) -> Finished:
    began = time.perf_counter()
    try:
        instance = cell.source.load()
    except SplgbenchError as error:
        return not_run(cell, Status.ERROR, f"its instance cannot be read any more: {error}")
    if instance.instance_hash != cell.instance_hash:
        return not_run(cell, Status.ERROR, "its instance has changed since it was planned")
    loading = time.perf_counter() - began
    finished = execute(cell, instance, handling, launcher, processors, name, stop)
    return replace(finished, overhead_s=finished.overhead_s + loading)
