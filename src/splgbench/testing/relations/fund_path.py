"""What must hold of an instance under a fund's budgets, and of methods on it.

A subject "funding" is called with an instance, a contract and the tables `risk_groups` and `offer_costs`, and gives the
instance with the fund's budgets year by year; `splgbench.value.fund_path.under_fund` is one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import numpy as np
from hypothesis import strategies as st

from splgbench.checker import check
from splgbench.instance import Instance
from splgbench.methods import Method
from splgbench.testing.plain_value import PlainAccount
from splgbench.testing.relations.base import Relation
from splgbench.testing.strategies import Knobs
from splgbench.testing.trial import Trial, proved
from splgbench.testing.value_draws import fund_contract, offer_costs
from splgbench.value.fund import Contract
from splgbench.value.fund_path import CENTS, under_fund

Columns = dict[str, list[Any]]
Fundings = Callable[[Instance, Contract, Columns, Columns], Instance]

KNOBS = Knobs(hospitals=2, groups=1, offers=2, cases=4, regions=1, overrides=False)


@dataclass(frozen=True)
class Funded:
    """A contract of two years, one risk group, and the costs of the offers of an instance."""

    contract: Contract
    risk_groups: Columns
    costs: Columns

    def of(self, fundings: Fundings, instance: Instance) -> Instance:
        """The instance under the fund."""
        return fundings(instance, self.contract, self.risk_groups, self.costs)


def best_under_fund(instance: Instance, funded: Funded) -> int:
    """The optimum under the fund, from the contract and every allocation of a single year, year after year."""
    names = list(map(instance.offer_name, range(instance.n_offers)))
    cost = dict(
        zip(zip(funded.costs["hospital"], funded.costs["group"], strict=True), funded.costs["cost"], strict=True)
    )
    most = int(instance.demand.max(initial=0))
    outcomes = set()
    for volumes in product(range(most + 1), repeat=instance.n_offers):
        verdict = check(instance, np.array(volumes, dtype=np.int64))
        if verdict.feasible:
            spent = sum(CENTS * cost[name] * x for name, x in zip(names, volumes, strict=True))
            outcomes.add((verdict.objective, spent))
    states = {0: 0}
    for budget in PlainAccount()(funded.contract, funded.risk_groups).table["budget"]:
        reached: dict[int, int] = {}
        for saved, worth in states.items():
            for benefit, spent in outcomes:
                left = budget + saved - spent
                if left >= 0:
                    kept = min(funded.contract.carry_over_cents, left)
                    reached[kept] = max(reached.get(kept, 0), worth + benefit)
        states = reached
    return max(states.values())


def _drawn(draw: st.DrawFn, trial: Trial) -> Funded | None:
    """Budgets that bite: up to what all offers could spend."""
    instance = trial.instance
    if not instance.n_offers:
        return None
    contract = replace(fund_contract(draw, 2), growth_bp=0)
    contract = replace(contract, carry_over_cents=CENTS * contract.carry_over_cents)
    costs = offer_costs(draw, instance).tolist()
    names = list(map(instance.offer_name, range(instance.n_offers)))
    most = sum(cost * int(cases) for cost, cases in zip(costs, instance.capacity, strict=True))
    norm = CENTS * draw(st.integers(0, max(1, most)))
    return Funded(
        contract,
        {"year": [1], "risk_group": ["A"], "insured": [1], "norm_cents": [norm]},
        {"hospital": [h for h, _ in names], "group": [g for _, g in names], "cost": costs},
    )


def _pays_wrongly(fundings: Fundings, trial: Trial, funded: Funded) -> str | None:
    found, best = trial.optimum(funded.of(fundings, trial.instance)), best_under_fund(trial.instance, funded)
    if found != best:
        return f"the optimum under the fund is {found}; year after year it is {best}"
    return None


def _alone(draw: st.DrawFn, trial: Trial) -> Funded | None:
    """Nothing is carried over."""
    funded = _drawn(draw, trial)
    return funded and replace(funded, contract=replace(funded.contract, carry_over_cents=0))


def _years_meet(fundings: Fundings, trial: Trial, funded: Funded) -> str | None:
    both = trial.optimum(funded.of(fundings, trial.instance))
    optima = []
    for rate in (step.rate_bp for step in funded.contract.path for _ in range(step.first, step.last + 1)):
        path = (replace(funded.contract.path[0], last=2, rate_bp=rate),)
        twice = replace(funded, contract=replace(funded.contract, path=path))
        optima.append(trial.optimum(twice.of(fundings, trial.instance)))
    if 2 * (both or 0) != sum(each or 0 for each in optima):
        return f"two years are worth {both}; each of them twice {optima[0]} and {optima[1]}"
    return None


def _more(draw: st.DrawFn, trial: Trial) -> tuple[Funded, Funded] | None:
    """Higher rates, or more that may be carried over."""
    funded = _drawn(draw, trial)
    if funded is None:
        return None
    contract = funded.contract
    if draw(st.booleans()):
        more = draw(st.integers(1, 5000))
        path = tuple(replace(step, rate_bp=min(10_000, step.rate_bp + more)) for step in contract.path)
        contract = replace(contract, path=path)
    else:
        contract = replace(contract, carry_over_cents=contract.carry_over_cents + CENTS * draw(st.integers(1, 9)))
    return funded, replace(funded, contract=contract)


def _falls(fundings: Fundings, trial: Trial, both: tuple[Funded, Funded]) -> str | None:
    before, after = (trial.optimum(each.of(fundings, trial.instance)) for each in both)
    if (after or 0) < (before or 0):
        return f"the optimum falls from {before} to {after} with more money"
    return None


def _method_errs(method: Method, trial: Trial, both: tuple[Funded, Funded]) -> str | None:
    optima = []
    for funded in both:
        result, best = (
            trial.solve(method, funded.of(under_fund, trial.instance)),
            best_under_fund(trial.instance, funded),
        )
        if proved(result) and result.primal != best:
            return f"{method.name} finds {result.primal} under the fund's budgets; the optimum is {best}"
        optima.append(result.primal if proved(result) else best)
    if (optima[0] or 0) > (optima[1] or 0):
        return f"{method.name} falls from {optima[0]} to {optima[1]} with more money"
    return None


def _relation(name: str, reason: str, contradiction: Any, vary: Any) -> Relation:
    return Relation(f"fund's budgets: {name}", reason, contradiction, vary, KNOBS, subject="funding")


FUNDINGS = (
    _relation("more", "Higher rates never lower the optimum, nor does more that may be carried over.", _falls, _more),
    _relation(
        "apart",
        "Where nothing is carried over, two years are worth what each of them is by itself.",
        _years_meet,
        _alone,
    ),
    _relation(
        "oracle",
        "A year's cases cost at most norm cost, supplement and what is carried over, in cents.",
        _pays_wrongly,
        _drawn,
    ),
    Relation(
        "fund's budgets: methods",
        "Under a fund's budgets exact methods find the optimum, which more money does not lower.",
        _method_errs,
        _more,
        KNOBS,
        own_draw=True,
    ),
)

BY_VARIANT: dict[str, tuple[Relation, ...]] = {"fund_path": FUNDINGS}
"""By the variant that they are about."""
