"""One drawn instance under test, with what all relations share: its exact answer and every solve made so far."""

from __future__ import annotations

from dataclasses import dataclass, field

from splgbench.allocation import Allocation
from splgbench.instance import Instance
from splgbench.limits import Limits
from splgbench.methods import Method
from splgbench.result import Result, Status
from splgbench.testing.oracles import Answer, by_search

WALL_TIME = 30.0
"""Seconds a method has for one tiny instance."""
MEMORY_MB = 8000
"""Resident memory at which the process that puts methods on trial is ended."""


@dataclass
class Trial:
    """A drawn instance.

    Parameters
    ----------
    instance : what was drawn.
    answer : its exact answer, which the oracles share.
    """

    instance: Instance
    answer: Answer
    _results: dict[tuple[object, ...], Result] = field(default_factory=dict, repr=False)
    _optima: dict[str, int | None] = field(default_factory=dict, repr=False)

    def solve(
        self,
        method: Method,
        instance: Instance | None = None,
        *,
        start: Allocation | None = None,
        permutation: int | None = None,
        limits: Limits | None = None,
    ) -> Result:
        """The method's result, from memory where it was asked before."""
        instance = self.instance if instance is None else instance
        limits = limits or Limits(wall_time=WALL_TIME)
        cases = None if start is None else tuple(sorted(start.cases.items()))
        key = (method.name, instance.instance_hash, cases, permutation, limits)
        if key not in self._results:
            self._results[key] = method.solve(instance, limits, start, permutation)
        return self._results[key]

    def optimum(self, instance: Instance) -> int | None:
        """The exact optimum of a varied instance."""
        if instance.instance_hash not in self._optima:
            self._optima[instance.instance_hash] = by_search(instance).optimum
        return self._optima[instance.instance_hash]


def judged(result: Result) -> str | None:
    """What is wrong with a result by itself; None where nothing is, or where it says it cannot."""
    if result.status in (Status.WRONG, Status.ERROR):
        return f"{result.method} ended {result.status}: {result.message}"
    return None


def proved(result: Result) -> bool:
    """Whether the result claims the optimum."""
    return result.status is Status.OPTIMAL
