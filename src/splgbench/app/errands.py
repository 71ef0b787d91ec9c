"""What the app has done in processes of their own besides solving: loading, reading uploads, pricing, explaining."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from splgbench.instance import Instance
from splgbench.library import load
from splgbench.limits import Limits
from splgbench.package import read_package
from splgbench.planning.overrides import Priced, price
from splgbench.planning.solving import Solved, Solver
from splgbench.planning.why_not import WhyNot, why_not
from splgbench.trace import Stop
from splgbench.worker import OnMessage


@dataclass(frozen=True)
class LoadErrand:
    """Load an instance of the library."""

    name: str

    def run(self, on_event: OnMessage, stop: Stop) -> Instance:
        return load(self.name)


@dataclass(frozen=True)
class ReadErrand:
    """Read an uploaded package.

    Parameters
    ----------
    path : of the zip.
    size_limit : bytes it may hold when unpacked.
    """

    path: Path
    size_limit: int

    def run(self, on_event: OnMessage, stop: Stop) -> Instance:
        return read_package(self.path, size_limit=self.size_limit)


@dataclass(frozen=True)
class Asked:
    """A question about a decision.

    Parameters
    ----------
    instance : as it stands.
    known : its allocation, where one is known.
    method, limits : of every solve.
    """

    instance: Instance
    known: Solved | None
    method: str
    limits: Limits

    def solver(self) -> Solver:
        """A solver that knows the allocation."""
        solver = Solver(self.method, self.limits)
        if self.known is not None:
            solver.know(self.instance, self.known)
        return solver


@dataclass(frozen=True)
class PriceErrand:
    """What one override costs, or why it clashes."""

    asked: Asked
    override: Mapping[str, list[Any]]

    def run(self, on_event: OnMessage, stop: Stop) -> Priced:
        return price(self.asked.instance, dict(self.override), self.asked.solver())


@dataclass(frozen=True)
class WhyNotErrand:
    """Why an offer has no mandate."""

    asked: Asked
    hospital: str
    group: str

    def run(self, on_event: OnMessage, stop: Stop) -> WhyNot:
        solver = self.asked.solver()
        return why_not(self.asked.instance, solver.solve(self.asked.instance), self.hospital, self.group, solver)
