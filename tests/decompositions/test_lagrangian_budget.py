"""Budgets and yearly changes priced out: bounds that hold, allocations that obey, prices proved for every budget."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

import pytest

from splgbench import check, solve
from splgbench.certificates import RefutedError
from splgbench.certificates.budget_price import budget_price
from splgbench.errors import InputError
from splgbench.extensions import entries_of, with_extensions
from splgbench.generator.generate import generate
from splgbench.generator.presets import load_preset
from splgbench.instance import Instance
from splgbench.limits import Limits
from splgbench.methods import method
from splgbench.result import Status
from splgbench.testing import examine
from splgbench.testing.relations import VARIANT_RELATIONS


def yearly(budget: str = "0.5", years: int = 3, change: str = "0.3") -> Instance:
    """Three years of a small region."""
    return generate(
        replace(
            load_preset("basel"),
            name="yearly",
            hospitals=6,
            groups=12,
            areas=4,
            years=years,
            year_growth=Decimal("0.02"),
            year_sd=Decimal("0.1"),
            yearly_change=Decimal(change),
            yearly_cases=20,
            budget=Decimal(budget),
            carry_over=Decimal("0.1") if years > 1 else Decimal(0),
        )
    )


INSTANCE = yearly()


@pytest.fixture(scope="module")
def exact() -> int:
    result = solve(INSTANCE, "strengthened@highs")
    assert result.status is Status.OPTIMAL
    assert result.primal is not None
    return result.primal


def test_the_budgets_bind(exact: int) -> None:
    """Else nothing here would be tested."""
    plain = solve(INSTANCE.plain, "strengthened@highs").primal
    free = solve(with_extensions(INSTANCE.plain, {"years": entries_of(INSTANCE)["years"]}), "strengthened@highs").primal
    assert plain is not None
    assert free is not None
    assert plain >= free > exact


@pytest.mark.parametrize("update", ["subgradient", "volume"])
def test_its_bounds_bracket_the_optimum(update: str, exact: int) -> None:
    """Near the optimum from both sides, every event a bound; the allocation obeys to the last cent."""
    subject = method(f"lagrangian-budget:update={update}")
    result = subject.solve(INSTANCE, Limits(iterations=3))
    assert result.status in (Status.NODE_LIMIT, Status.OPTIMAL)
    assert result.volumes is not None
    assert result.primal is not None
    assert result.dual is not None
    assert check(INSTANCE, result.volumes).feasible
    assert result.primal <= exact <= result.dual
    assert result.gap is not None
    assert result.gap < 0.05
    assert all(event.dual is None or event.dual >= exact for event in result.trace)
    assert set(result.multipliers) <= {"regional_budget", "years"}


def test_it_needs_an_extension() -> None:
    """A plain instance has nothing to price out."""
    result = solve(INSTANCE.plain, "lagrangian-budget")
    assert (result.status, "the instance has none" in result.message) == (Status.UNSUPPORTED, True)
    with pytest.raises(InputError, match="update must be"):
        method("lagrangian-budget:update=guess")


@pytest.mark.parametrize(
    "name", ["regional budget: oracle", "regional budget: early bound", "years: early bound", "budgets by year: oracle"]
)
def test_it_conforms(name: str) -> None:
    """Drawn instances, its bounds against the oracles."""
    examination = examine(VARIANT_RELATIONS[name], [method("lagrangian-budget")], examples=6)
    assert (examination.refutation, examination.examples) == (None, 6)


def test_the_price_of_a_budget(exact: int) -> None:
    """One certificate bounds the optimum for every budget, and what a franc more can be worth."""
    one = yearly("0.3", years=1)
    result = method("lagrangian-budget").solve(one, Limits(iterations=2))
    price = budget_price(one, result, rounds=3)
    assert all(0 < unit < 1 for unit in price.prices)
    cents = entries_of(one)["regional_budget"]["budgets"][0]["cents"]
    for part in (Fraction(0), Fraction(1, 2), Fraction(9, 10), Fraction(1), Fraction(11, 10), Fraction(2)):
        entries = entries_of(one)
        budget = int(cents * part)
        entries["regional_budget"]["budgets"][0]["cents"] = budget
        best = solve(with_extensions(one.plain, entries), "strengthened@highs")
        assert best.status is Status.OPTIMAL
        bound = price.bound(one, [budget])
        assert best.primal is not None
        assert best.primal <= bound
        assert bound == price.bound(one) + (budget - cents) * price.prices[0] // 1 or part != 1
    assert price.bound(one) < 1.05 * (solve(one, "strengthened@highs").primal or 0)
    # Over years with carry-over it holds, too.
    over = budget_price(INSTANCE, method("lagrangian-budget").solve(INSTANCE, Limits(iterations=1)), rounds=1)
    assert exact <= over.bound(INSTANCE)


def test_a_false_price_is_refuted() -> None:
    """A certificate that states too little, another instance, too few budgets."""
    one = yearly("0.3", years=1)
    price = budget_price(one, {"0": 0.005}, rounds=1)
    low = replace(
        price.certificate, parts=tuple(replace(part, bound=part.bound // 2) for part in price.certificate.parts)
    )
    with pytest.raises(RefutedError):
        replace(price, certificate=low).bound(one)
    with pytest.raises(InputError, match="belongs to another instance"):
        price.bound(INSTANCE)
    with pytest.raises(InputError, match="a price of at least 0 for every budget"):
        price.bound(one, [1, 2])
    with pytest.raises(InputError, match="needs an instance with the extension"):
        budget_price(one.plain, {})
