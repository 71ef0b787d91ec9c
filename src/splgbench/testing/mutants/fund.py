"""Wrong accounts of a fund, and wrong budgets of one.

Accounts are `splgbench.testing.plain_value.PlainAccount` with one stage that is not right; budgets those of
`splgbench.value.fund_path.under_fund`, misread.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from typing import Any

from splgbench.instance import Instance
from splgbench.testing.mutants.base import Mutant
from splgbench.testing.plain_value import PlainAccount, half_away, half_up
from splgbench.value.fund import Contract, Step
from splgbench.value.fund_path import under_fund

Columns = dict[str, list[Any]]


def rounded_down(numerator: int, denominator: int) -> int:
    """Downwards, as whole-number division does."""
    return numerator // denominator


def cut_off(numerator: int, denominator: int) -> int:
    """Towards 0, as a float that is made whole."""
    whole = abs(numerator) // denominator
    return whole if numerator >= 0 else -whole


def halves_up(numerator: int, denominator: int) -> int:
    """Halves upwards, below 0 as well."""
    return half_up(Fraction(numerator, denominator))


def half_even(numerator: int, denominator: int) -> int:
    """Halves to the even number, as Python's round does."""
    return round(Fraction(numerator, denominator))


def at_the_mean(groups: Sequence[Mapping[str, Any]]) -> int:
    """Everybody at the mean norm cost of the risk groups, however many are in each."""
    norms = [group["norm_cents"] for group in groups]
    return half_away(sum(group["insured"] for group in groups) * sum(norms), len(norms))


def the_insurers_part(insurer: int | None) -> int:
    """The fund has the insurer's part of savings."""
    return insurer or 0


def of_the_budget_before(norm: int, before: int) -> int:
    """A rate of the budget of the year before: supplements on supplements."""
    return before or norm


def balance_after(before: int, supplement: int) -> int:
    """Interest of the balance at the end of the year."""
    return before - supplement


def against_budget(_norm: int, budget: int, cost: int) -> int:
    """A saving against the budget, so that supplements are shared as savings."""
    return budget - cost


def rounded_by_itself(saving: int, _insurer: int, contract: Contract) -> int:
    """The integrator's part is rounded by itself: parts need not sum to the saving."""
    return half_away(saving * (100 - contract.insurer_share), 100)


def first_crossing(balances: Sequence[int | None]) -> int | None:
    """The first year at 0 or above after one below, even if it does not last."""
    if None in balances:
        return None
    pairs = enumerate(pairwise(balances), 2)
    return next((t for t, (one, other) in pairs if (one or 0) < 0 <= (other or 0)), None)


def above_0(balances: Sequence[int | None]) -> int | None:
    """A balance of 0 has not broken even yet."""
    if None in balances:
        return None
    below = [t for t, balance in enumerate(balances, 1) if (balance or 0) <= 0]
    was_below = any((balance or 0) < 0 for balance in balances)
    return below[-1] + 1 if was_below and below[-1] < len(balances) else None


def _account(name: str, what_is_wrong: str, **stages: Any) -> Mutant:
    return Mutant(name, "account", what_is_wrong, lambda: replace(PlainAccount(), **stages))


FUND_MUTANTS = (
    _account("fund-rounded-down", "rounds downwards", rounds=rounded_down),
    _account("fund-cut-off", "cuts cents off", rounds=cut_off),
    _account("fund-halves-up", "rounds halves upwards, below 0 as well", rounds=halves_up),
    _account("fund-half-even", "rounds halves to the even cent", rounds=half_even),
    _account("fund-mean-norm", "takes the mean norm cost for everybody", norms=at_the_mean),
    _account("fund-keeps-savings", "adds the insurer's part to the fund's balance", keeps=the_insurers_part),
    _account("fund-year-ahead", "takes the rate of the year after", ahead=1),
    _account("fund-compound", "takes rates of the budget of the year before", base=of_the_budget_before),
    _account("fund-interest-after", "pays interest on the balance at the end of the year", bears=balance_after),
    _account("fund-against-budget", "counts savings against the budget", saves=against_budget),
    _account("fund-parts-apart", "rounds the integrator's part by itself", remains=rounded_by_itself),
    _account("fund-first-crossing", "breaks even though the balance falls below 0 again", breaks_even=first_crossing),
    _account("fund-above-0", "has not broken even at a balance of 0", breaks_even=above_0),
)


def without_supplement(contract: Contract, costs: Columns) -> tuple[Contract, Columns]:
    """The budget is the norm cost."""
    return replace(contract, path=tuple(replace(step, rate_bp=0) for step in contract.path)), costs


def reductions_only(contract: Contract, costs: Columns) -> tuple[Contract, Columns]:
    """Supplements are not paid out, reductions are taken."""
    return replace(contract, path=tuple(replace(step, rate_bp=min(0, step.rate_bp)) for step in contract.path)), costs


def other_sign(contract: Contract, costs: Columns) -> tuple[Contract, Columns]:
    """Supplements are taken and reductions paid."""
    return replace(contract, path=tuple(replace(step, rate_bp=-step.rate_bp) for step in contract.path)), costs


def years_swapped(contract: Contract, costs: Columns) -> tuple[Contract, Columns]:
    """The path runs backwards."""
    rates = [step.rate_bp for step in contract.path for _ in range(step.first, step.last + 1)]
    return replace(contract, path=tuple(Step(t, t, rate) for t, rate in enumerate(rates[::-1], 1))), costs


def all_carried(contract: Contract, costs: Columns) -> tuple[Contract, Columns]:
    """All that is left is carried over."""
    return replace(contract, carry_over_cents=10**9), costs


def nothing_carried(contract: Contract, costs: Columns) -> tuple[Contract, Columns]:
    """Nothing is carried over."""
    return replace(contract, carry_over_cents=0), costs


def a_unit_cheaper(contract: Contract, costs: Columns) -> tuple[Contract, Columns]:
    """Every case is a unit of currency cheaper than it is."""
    return contract, {**costs, "cost": [max(0, cost - 1) for cost in costs["cost"]]}


def _funding(
    name: str, what_is_wrong: str, misreads: Callable[[Contract, Columns], tuple[Contract, Columns]]
) -> Mutant:
    def wrong(instance: Instance, contract: Contract, risk_groups: Columns, costs: Columns) -> Instance:
        read, cost = misreads(contract, costs)
        return under_fund(instance, read, risk_groups, cost)

    return Mutant(name, "funding", what_is_wrong, lambda: wrong)


FUNDING_MUTANTS = (
    _funding("funding-norm", "pays the norm cost without supplement", without_supplement),
    _funding("funding-reductions", "takes reductions, but pays no supplements", reductions_only),
    _funding("funding-sign", "takes supplements and pays reductions", other_sign),
    _funding("funding-backwards", "runs the path backwards", years_swapped),
    _funding("funding-all-carried", "carries over all that is left", all_carried),
    _funding("funding-nothing-carried", "carries nothing over", nothing_carried),
    _funding("funding-cheap", "counts each case a unit too cheap", a_unit_cheaper),
)

BY_VARIANT: Mapping[str, tuple[Mutant, ...]] = {"fund": FUND_MUTANTS, "fund_path": FUNDING_MUTANTS}
"""By the variant that they are wrong of."""
