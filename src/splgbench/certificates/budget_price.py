"""What another franc is worth: the price of regional budgets, proved in whole numbers for every budget at once.

With prices n_r / D >= 0 of budgets F_r, costs f_k, S the most that may be carried over, and A the allocations of the
plain instance, every allocation x within the budgets has

    D u x <= sum_k (D u_k - n_{r(k)} f_k) x_k + sum_r n_r F_r + S sum_r max(0, n_{r+1} - n_r)                      (1)
          <= max { sum_k max(1, D u_k - n_{r(k)} f_k) x_k : x in A } + sum_r n_r F_r + ...                          (2)

with r + 1 the same region's budget of the year after. The maximum is the optimum of a plain instance with other
utilities; a certificate bounds it, without any solver. So (2) bounds the optimum for all budgets F, and n_r / D is the
most that one more cent for r can be worth on it. Other extensions of the instance only limit: they are left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from splgbench.certificates.certificate import Certificate
from splgbench.certificates.produce import produce
from splgbench.certificates.verify import verify
from splgbench.errors import InfeasibleError, InputError
from splgbench.extensions.regional_budget import RegionalBudget
from splgbench.instance import Instance
from splgbench.result import Result
from splgbench.transform import from_tables, to_tables

DENOMINATOR = 2**20
"""D: prices of 0.004 utility units a cent are kept to 1 in 4,000."""


@dataclass(frozen=True)
class BudgetPrice:
    """Prices of an instance's budgets and the certificate that makes them a bound.

    Parameters
    ----------
    instance_hash : of the instance.
    numerators : n_r by budget, in the order of the extension's `places`.
    denominator : D.
    certificate : of the plain instance with utilities max(1, D u - n f).
    """

    instance_hash: str
    numerators: tuple[int, ...]
    denominator: int
    certificate: Certificate

    @property
    def prices(self) -> tuple[Fraction, ...]:
        """Utility units a cent, by budget."""
        return tuple(Fraction(n, self.denominator) for n in self.numerators)

    def bound(self, instance: Instance, cents: Sequence[int] | None = None) -> int:
        """An upper bound on the optimum under budgets `cents`, in utility units, verified in whole numbers.

        Parameters
        ----------
        instance : the one that the prices belong to.
        cents : one a budget; those of the instance where there are none.

        Raises
        ------
        InputError
            The prices belong to another instance, or there are not as many budgets.
        RefutedError
            The certificate states a bound that its multipliers do not prove.
        """
        if instance.instance_hash != self.instance_hash:
            raise InputError("belongs to another instance", "budget price")
        budget = _budget(instance)
        cents = budget.cents.tolist() if cents is None else cents
        if len(cents) != len(self.numerators) or min(self.numerators, default=0) < 0:
            raise InputError("must have a price of at least 0 for every budget", "budget price")
        priced = _priced(instance, budget, self.numerators, self.denominator)
        proved = [bound for bound in verify(priced, self.certificate).bounds.values() if bound is not None]
        if not proved:
            raise InfeasibleError("no allocation exists")
        total = min(proved) + sum(n * f for n, f in zip(self.numerators, cents, strict=True))
        for after, before in enumerate(budget.before.tolist()):
            if before >= 0:
                total += budget.carry_over * max(0, self.numerators[after] - self.numerators[before])
        return int(total) // self.denominator


def budget_price(instance: Instance, result: Result | Mapping[str, float], rounds: int = 30) -> BudgetPrice:
    """The price of an instance's budgets with its certificate.

    Parameters
    ----------
    instance : with the extension `regional_budget`.
    result : of `lagrangian-budget`, whose multipliers are the prices; or utility units a cent by number of the budget.
    rounds : as for `splgbench.certificates.produce`: more give a better bound.

    Raises
    ------
    InputError
        The instance has no budgets, or an extension that pays.
    """
    budget = _budget(instance)
    paying = [name for name, extension in instance.extensions.items() if extension.pays]
    if paying:
        raise InputError(f"bounds what cases are worth, and {paying[0]} pays besides", "budget price")
    prices = result
    if isinstance(result, Result):
        unit = budget.unit.tolist()
        rows = result.multipliers.get(RegionalBudget.name, ())
        prices = {key[0]: price / unit[int(key[0])] for key, price in rows}
    assert not isinstance(prices, Result)
    numerators = tuple(max(0, round(DENOMINATOR * prices.get(str(r), 0.0))) for r in range(len(budget.places)))
    priced = _priced(instance, budget, numerators, DENOMINATOR)
    return BudgetPrice(instance.instance_hash, numerators, DENOMINATOR, produce(priced, rounds=rounds))


def _budget(instance: Instance) -> RegionalBudget:
    budget = instance.extensions.get(RegionalBudget.name)
    if not isinstance(budget, RegionalBudget):
        raise InputError("needs an instance with the extension regional_budget", "budget price")
    return budget


def _priced(instance: Instance, budget: RegionalBudget, numerators: Sequence[int], denominator: int) -> Instance:
    """The plain instance with utilities max(1, D u - n f)."""
    tables = to_tables(instance)
    price = np.array([*numerators, 0], dtype=object)[budget.budget]
    rows = zip(instance.utility.tolist(), price.tolist(), budget.cost.tolist(), strict=True)
    tables["offers"]["utility"] = [max(1, denominator * u - n * f) for u, n, f in rows]
    return from_tables(instance.plain, tables, name=f"{instance.name}, priced", utility_scale=instance.utility_scale)
