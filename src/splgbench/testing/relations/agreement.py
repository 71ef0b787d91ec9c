"""A method's answer is the exact one, feasible by the checker, and worth what it claims."""

from __future__ import annotations

from typing import Any

from splgbench.checker import check
from splgbench.methods import Method
from splgbench.result import Status
from splgbench.testing.relations.base import Relation
from splgbench.testing.strategies import Knobs
from splgbench.testing.trial import Trial, judged


def _disagrees(method: Method, trial: Trial, _: Any) -> str | None:
    result, optimum = trial.solve(method), trial.answer.optimum
    wrong = judged(result)
    if wrong is not None:
        return wrong
    if result.status is Status.INFEASIBLE and optimum is not None:
        return f"{method.name} says infeasible; the optimum is {optimum}"
    if result.status in (Status.OPTIMAL, Status.GAP_CLOSED):
        if optimum is None:
            return f"{method.name} claims {result.primal}; no allocation exists"
        if result.primal != optimum or result.dual != optimum:
            return f"{method.name} is done with {result.primal} and bound {result.dual}; the optimum is {optimum}"
    return None


def _is_refused(method: Method, trial: Trial, _: Any) -> str | None:
    result = trial.solve(method)
    if result.volumes is None:
        return None
    verdict = check(trial.instance, result.volumes)
    if not verdict.feasible:
        return f"the allocation of {method.name} breaks a rule: {verdict.violations[0]}"
    if verdict.objective != result.primal:
        return f"the allocation of {method.name} is worth {verdict.objective}, not {result.primal}"
    return None


def _is_dishonest(method: Method, trial: Trial, _: Any) -> str | None:
    result = trial.solve(method)
    if result.primal is None or result.claimed_primal is None or result.status is not Status.OPTIMAL:
        return None
    room = max(0.5, 1e-6 * abs(result.primal))
    if abs(result.claimed_primal - result.primal) > room:
        return f"{method.name} claims {result.claimed_primal}; its mandates are worth {result.primal}"
    return None


DENSE_LINKS = Knobs(
    hospitals=2, groups=4, areas=1, regions=1, offers=8, modes=("area", "both"), shared_clauses=True, sparse=False
)
"""Closures, cuts and knapsacks join several groups of a hospital; elsewhere they are drawn too rarely."""

AGREEMENT = (
    Relation("oracle", "Data are whole, so every exact method returns the same optimum (fact 1).", _disagrees),
    Relation(
        "oracle, dense links",
        "The same where groups of a hospital-area share requirements: cuts that join several groups bite there.",
        _disagrees,
        knobs=DENSE_LINKS,
        own_draw=True,
    ),
    Relation("checker", "An allocation is what the exact checker accepts, at the value it computes.", _is_refused),
    Relation("honesty", "With whole data the claimed value and the exact one differ by rounding only.", _is_dishonest),
)
