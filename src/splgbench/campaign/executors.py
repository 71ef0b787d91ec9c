"""Where cells run: an executor takes them and yields what has finished, in any order."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

from splgbench.campaign.cells import Cell
from splgbench.campaign.execution import Finished, Handling
from splgbench.campaign.spec import Campaign
from splgbench.errors import InputError
from splgbench.trace import Stop

OnStart = Callable[[str, Cell], None]
"""Hears which worker begins which cell, from any thread."""
WAYS = "local, dask (workers on this machine), an address such as tcp://HOST:8786, slurm or pbs"


@dataclass(frozen=True)
class Arrival:
    """A finished run and the clock (`time.perf_counter`) when the coordinator had it."""

    finished: Finished
    at: float


class Executor(Protocol):
    """Runs cells."""

    @property
    def name(self) -> str:
        """What the manifest calls it."""

    def run(self, cells: Sequence[Cell], handling: Handling, stop: Stop, on_start: OnStart) -> Iterator[Arrival]:
        """Run all cells; once `stop` is set, end soon and yield no more than what is finished."""


@contextmanager
def open_executor(way: str, workers: int, campaign: Campaign) -> Iterator[Executor]:
    """The executor of a name, closed afterwards.

    Parameters
    ----------
    way : see `WAYS`.
    workers : runs at a time; for Slurm and PBS, jobs.

    Raises
    ------
    InputError
        No such executor.
    UnsupportedError
        Dask is not installed.
    """
    if way == "local":
        from splgbench.campaign.local import LocalExecutor

        yield LocalExecutor(workers, pin=campaign.pin_processors)
        return
    if way not in ("dask", "slurm", "pbs") and "://" not in way:
        raise InputError(f"must be {WAYS}, not {way}", "--executor")
    from splgbench.campaign.dask_executor import connected

    with connected(way, workers, campaign.cluster) as executor:
        yield executor
