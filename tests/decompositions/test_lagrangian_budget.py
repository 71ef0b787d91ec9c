"""Budgets and yearly changes priced out: bounds that hold, allocations that obey, prices proved for every budget."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from instances_for_tests import make, plain_tables

from splgbench import check, registry, solve
from splgbench.backends.base import Task
from splgbench.backends.highs import HighsBackend
from splgbench.certificates import RefutedError
from splgbench.certificates.budget_price import budget_price
from splgbench.decomposition.coupled_repair import services
from splgbench.decomposition.merging import merged
from splgbench.errors import InputError
from splgbench.extensions import entries_of, with_extensions
from splgbench.generator.generate import generate
from splgbench.generator.presets import load_preset
from splgbench.instance import Instance
from splgbench.limits import NO_LIMITS, Limits
from splgbench.methods import method
from splgbench.result import Status
from splgbench.testing import examine
from splgbench.testing.relations import VARIANT_RELATIONS
from splgbench.trace import Recorder


def yearly(budget: str = "0.5", years: int = 3, change: str = "0.3", cases: int = 20) -> Instance:
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
            yearly_cases=cases,
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


def by_area(instance: Instance) -> Instance:
    """Yearly changes limited for every hospital and area."""
    entries = entries_of(instance)
    area = {g: instance.areas[a].partition("@")[0] for g, a in zip(instance.groups, instance.group_area, strict=True)}
    for row in entries["years"]["groups"]:
        row["unit"] = area[row["group"]]
    return with_extensions(instance.plain, entries)


def test_mandates_that_last() -> None:
    """Tight limits by area: year after year leads nowhere, mandates for all years do, near the optimum."""
    instance = by_area(yearly(change="0.05", cases=1))
    result = method("lagrangian-budget").solve(instance, Limits(iterations=2))
    exact = solve(instance, "strengthened@highs")
    assert result.volumes is not None
    assert result.primal is not None
    assert exact.primal is not None
    assert check(instance, result.volumes).feasible
    assert 0.98 * exact.primal <= result.primal <= exact.primal


def test_services_are_told_without_their_year() -> None:
    """The year's last place in the key goes; what has no namesake is a service of its own."""
    offers = {("H", key): (3, 1) for key in ("1-KNEE@1", "1-KNEE@2", "HIP@2")}
    instance = make(plain_tables(offers, {key: 3 for _, key in offers}), "group")
    assert services(instance).tolist() == [0, 1, 2]
    groups = [{"group": key, "year": key[-1]} for _, key in offers]
    dated = with_extensions(instance, {"years": {"years": ["1", "2"], "groups": groups}})
    assert services(dated).tolist() == [0, 0, 1]


def test_columns_that_are_one() -> None:
    """The best allocation that is the same in both columns, by hand: 3 of 5 and 3 cases, at 2 and 7."""
    instance = make(plain_tables({("H", "A"): (5, 2), ("H", "B"): (3, 7)}, {"A": 9, "B": 9}), "group")
    model = registry.find("formulations", "linked").build(instance, "highs")
    label = np.arange(model.n_columns)
    label[model.volume_column] = label[model.volume_column[0]]
    label[model.mandate_column] = label[model.mandate_column[0]]
    one = merged(model, label)
    assert (one.model.n_columns, one.model.n_rows) == (2, model.n_rows)
    solution = HighsBackend().solve_here(one.model, Task(NO_LIMITS, Recorder("highs")))
    assert solution.primal == 27
    assert solution.values is not None
    assert model.volumes(one.whole(solution.values)).tolist() == [3, 3]


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
