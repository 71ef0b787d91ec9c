"""The court on one given instance: who contradicts whom, who is set apart, how small the contradiction can be made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from splgbench.instance import Instance
from splgbench.isolation import run_errand
from splgbench.limits import Limits
from splgbench.methods import method
from splgbench.result import Result, Status
from splgbench.testing.oracles import by_search
from splgbench.testing.reduction import reduce_instance
from splgbench.testing.trial import MEMORY_MB
from splgbench.trace import Stop
from splgbench.verdict import Contradiction, contradictions
from splgbench.worker import OnMessage

EXACT = "exact search"
"""Name under which the plain search speaks on an instance small enough for it."""
EXACT_OFFERS = 10


def refuted(results: Sequence[Result]) -> dict[str, Contradiction]:
    """Methods whose answers are proved wrong, with the contradiction that proves it.

    A checked allocation cannot be wrong, so of two answers that exclude each other the bound or the claim of
    infeasibility is. Source: model statement, fact 4.
    """
    found: dict[str, Contradiction] = {}
    for contradiction in contradictions(results):
        found.setdefault(contradiction.methods[0], contradiction)
    return found


def quarantined(results: Sequence[Result]) -> dict[str, str]:
    """Methods that enter no average, with the sentence that says why."""
    return {name: contradiction.text for name, contradiction in refuted(results).items()}


def accused_on(instance: Instance, accused: str, witness: str | None, limits: Limits) -> Contradiction | None:
    """The contradiction that shows `accused` wrong on an instance, or None.

    Parameters
    ----------
    witness : a method whose checked allocations may show it; None where the accused contradicts itself.
    """
    names = [accused] if witness is None or witness == accused else [accused, witness]
    results = [method(name).solve(instance, limits) for name in names]
    if instance.n_offers <= EXACT_OFFERS:
        results.append(_exact(instance))
    return next((found for found in contradictions(results) if found.methods[0] == accused), None)


def _exact(instance: Instance) -> Result:
    optimum = by_search(instance).optimum
    status = Status.INFEASIBLE if optimum is None else Status.OPTIMAL
    dual = None if optimum is None else float(optimum)
    return Result(status, EXACT, instance.name, instance.instance_hash, primal=optimum, dual=dual)


@dataclass(frozen=True)
class ReduceErrand:
    """Delta debugging of a contradiction; every smaller instance is reported as soon as it is found."""

    accused: str
    witness: str | None
    instance: Instance
    limits: Limits
    patience: float

    def run(self, on_event: OnMessage, stop: Stop) -> tuple[Instance, Contradiction | None]:
        def fails(smaller: Instance) -> bool:
            return not stop and accused_on(smaller, self.accused, self.witness, self.limits) is not None

        smallest = reduce_instance(self.instance, fails, patience=self.patience, on_smaller=on_event)
        return smallest, accused_on(smallest, self.accused, self.witness, self.limits)


def smallest_contradiction(
    instance: Instance, contradiction: Contradiction, limits: Limits, patience: float, stop: Stop | None = None
) -> tuple[Instance, Contradiction]:
    """The smallest part of an instance found within `patience` seconds on which the first method is still wrong.

    A solve that ends the process ends the search with what was found until then.
    """
    smallest = [instance]
    witness = contradiction.methods[1] if len(contradiction.methods) > 1 else None
    errand = ReduceErrand(contradiction.methods[0], witness, instance, limits, patience)
    solve = 60.0 if limits.wall_time is None else limits.wall_time
    outcome = run_errand(
        errand,
        smallest.append,
        stop=stop,
        wall_time=patience + 4 * solve,
        memory=limits.memory or MEMORY_MB,
    )
    if outcome.kind != "answer":
        return smallest[-1], contradiction
    reduced, still = outcome.value
    return reduced, still or contradiction
