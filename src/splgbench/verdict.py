"""Do the answers of several methods fit together? Every checked value must lie under every bound."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from splgbench.readable import amount
from splgbench.result import Result, Status, contradicts


@dataclass(frozen=True)
class Contradiction:
    """Two answers that cannot both be right; `text` says which and by how much."""

    methods: tuple[str, ...]
    text: str


def contradictions(results: Sequence[Result]) -> list[Contradiction]:
    """All pairs of answers to one instance that exclude each other, and all wrong answers.

    Source: model statement, fact 4 (bounds interlock).
    """
    found = [
        Contradiction((r.method,), f"{r.method} is wrong: {r.message}") for r in results if r.status is Status.WRONG
    ]
    sound = [result for result in results if result.status is not Status.WRONG]
    infeasible = [result for result in sound if result.status is Status.INFEASIBLE]
    valued = [result for result in sound if result.primal is not None]
    bounded = [result for result in sound if result.dual is not None]
    for denier in infeasible:
        for holder in valued[:1]:
            text = f"{denier.method} says infeasible, {holder.method} has a checked allocation of {holder.primal}"
            found.append(Contradiction((denier.method, holder.method), text))
    if valued:
        best = max(valued, key=lambda result: result.primal or 0)
        for result in bounded:
            assert result.dual is not None
            assert best.primal is not None
            if contradicts(result.dual, best.primal):
                text = (
                    f"{result.method} bounds the optimum by {amount(result.dual)}, "
                    f"but {best.method} has a checked allocation of {best.primal:,}"
                )
                found.append(Contradiction((result.method, best.method), text))
    return found


def verdict_line(results: Sequence[Result]) -> str:
    """One sentence: all bounds interlock, or which method contradicts which."""
    found = contradictions(results)
    if found:
        return "CONTRADICTION: " + "; ".join(contradiction.text for contradiction in found)
    answered = [result for result in results if result.primal is not None or result.dual is not None]
    optima = {result.primal for result in results if result.status is Status.OPTIMAL}
    proved = sum(result.status is Status.OPTIMAL for result in results)
    if optima:
        return f"all bounds interlock: {len(answered)} answers, {proved} proofs, all of the optimum {optima.pop():,}"
    if any(result.status is Status.INFEASIBLE for result in results):
        return "no contradiction: the instance is infeasible"
    values = [result.primal for result in answered if result.primal is not None]
    bounds = [result.dual for result in answered if result.dual is not None]
    if not values or not bounds:
        return f"no contradiction: {len(answered)} answers, nothing proved"
    return f"all bounds interlock: {len(answered)} answers, optimum between {max(values):,} and {amount(min(bounds))}"
