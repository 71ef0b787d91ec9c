"""Outcomes, costs and funds of recipes: tables that give the instance again, and knobs that are off move nothing."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from splgbench.cli import main
from splgbench.errors import InputError
from splgbench.extensions import entries_of
from splgbench.generator.generate import fund_contract, generate, value_tables
from splgbench.generator.presets import load_preset
from splgbench.generator.recipe import KNOBS, OF_EXTENSIONS, PATH_YEARS
from splgbench.instance import Instance
from splgbench.library import load
from splgbench.value.frontier import offer_costs
from splgbench.value.fund import PATH, account, read_fund
from splgbench.value.fund_path import under_fund
from splgbench.value.outcomes import Value, read_value, with_value

EASY = replace(load_preset("easy"), hospitals=5, groups=16, areas=5)
FUND = replace(EASY, years=5, fund=Decimal("0.9"), carry_over=Decimal("0.02"))


def plain_form(instance: Instance) -> dict[str, dict[str, list[object]]]:
    """Tables without utilities and costs."""
    tables = instance.plain.to_tables()
    tables["offers"] = {name: cells for name, cells in tables["offers"].items() if name not in ("utility", "cost")}
    return tables


def test_a_recipe_without_them_draws_what_it_always_did() -> None:
    """Terms alone move nothing; conditions change utilities alone, a fund budgets alone."""
    plain = generate(EASY)
    assert generate(replace(EASY, measures=9, outcome_sd=Decimal(1), insured=500, risk_groups=5)) == plain
    assert (value_tables(EASY), fund_contract(EASY)) == ({}, None)
    valued = generate(replace(EASY, conditions=2))
    assert valued != plain
    assert plain_form(valued) == plain_form(plain)
    assert generate(FUND).plain == generate(replace(EASY, years=5)).plain
    assert (
        tuple(KNOBS)[-6:]
        == OF_EXTENSIONS[-6:]
        == ("conditions", "measures", "outcome_sd", "fund", "insured", "risk_groups")
    )


def test_the_same_seed_gives_the_same_tables() -> None:
    """Others with another seed; more measures leave the conditions and their costs."""
    recipe = replace(EASY, conditions=3)
    tables = value_tables(recipe)
    assert value_tables(recipe) == tables
    assert value_tables(replace(recipe, seed=recipe.seed + 1)) != tables
    more = value_tables(replace(recipe, measures=4))
    assert (more["conditions"], more["cycle_costs"]) == (tables["conditions"], tables["cycle_costs"])
    assert fund_contract(FUND) == fund_contract(FUND)
    assert fund_contract(FUND) != fund_contract(replace(FUND, seed=FUND.seed + 1))


@pytest.mark.parametrize("years", [1, 2])
def test_the_tables_are_what_the_utilities_come_from(years: int) -> None:
    """The instance by hand from its tables; up to three conditions a group, points around 60, costs of the offers."""
    recipe = replace(EASY, conditions=3, measures=2, years=years, outcome_sd=Decimal(8), cost_h=Decimal("0.2"))
    tables = value_tables(recipe)
    value = Value(tables["conditions"], tables["outcome_set"], tables["outcomes"], tables["cycle_costs"])
    instance = generate(recipe)
    without = generate(replace(recipe, conditions=0))
    assert with_value(without, value, utility_scale=recipe.utility_scale) == instance
    groups = tables["conditions"]["group"]
    assert {groups.count(group) for group in instance.groups} == {1, 2, 3}
    assert {row.count("@") for row in tables["conditions"]["condition"]} == {int(years > 1)}
    points = value.table(map(instance.offer_name, range(instance.n_offers)))["points"]
    assert 55 < float(np.mean([float(each) for each in points])) < 65
    costs = offer_costs(instance)
    assert costs.std() > 0.15 * costs.mean()
    assert instance.name == f"easy-s{recipe.seed}"


def test_a_fund_pays_what_its_contract_says() -> None:
    """Budgets are those of the account; the norm cost is the part of what demand costs, less what rounding leaves."""
    instance, terms = generate(FUND), fund_contract(FUND)
    assert terms is not None
    contract, risk_groups = terms
    entry = entries_of(instance)["regional_budget"]
    table = account(contract, risk_groups).table
    assert [row["cents"] for row in entry["budgets"]] == table["budget"]
    assert table["rate_bp"] == [300, 300, 300, 100, 100]
    assert entry["carry_over_cents"] == contract.carry_over_cents > 0
    cost = {row["group"]: row["cents"] for row in entry["group_costs"]}
    need = dict.fromkeys(range(1, 6), 0)
    for g, cases in zip(instance.cell_group.tolist(), instance.demand.tolist(), strict=True):
        group = instance.groups[g]
        need[int(group[-1])] += cost[group] * cases
    for year, norm in enumerate(table["norm"], 1):
        # Whole francs, then whole cents a person.
        assert 0 <= Decimal("0.9") * need[year] - norm <= 100 + sum(risk_groups["insured"][:3]) + need[year] // 10**6
    assert sum(risk_groups["insured"][:3]) == FUND.insured
    assert under_fund(instance, contract, risk_groups) == instance


@pytest.mark.parametrize(
    ("knobs", "rule"),
    [
        ({"fund": 1}, "needs years of 2 to 20 and one region"),
        ({"fund": 1, "years": 21}, "needs years of 2 to 20"),
        ({"fund": 1, "years": 5, "regions": 2}, "and one region"),
        ({"fund": 1, "years": 5, "budget": 1}, "takes the place of budget"),
        ({"fund": 1, "years": 5, "insured": 299}, "at least 100 a risk group"),
        ({"conditions": 21}, "between 0 and 20"),
    ],
)
def test_knobs_that_clash_are_refused(knobs: dict[str, int], rule: str) -> None:
    """With the rule; the path of a contract has as many years as recipes may ask for."""
    with pytest.raises(InputError, match=rule):
        replace(EASY, **knobs)  # type: ignore[arg-type]
    assert PATH[-1].last == PATH_YEARS


def test_the_command_writes_the_tables(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """They read back as what the package was made of."""
    package, tables = str(tmp_path / "package"), tmp_path / "tables"
    knobs = ["hospitals=5", "groups=16", "areas=5", "conditions=2", "years=5", "fund=0.9", "carry_over=0.02"]
    sets = [part for knob in knobs for part in ("--set", knob)]
    assert main(["generate", "easy", *sets, "-o", package, "--tables", str(tables)]) == 0
    instance, fund = load(package), read_fund(tables / "contract.toml")
    assert entries_of(instance) == entries_of(generate(FUND))
    assert [row["cents"] for row in entries_of(instance)["regional_budget"]["budgets"]] == fund.account().table[
        "budget"
    ]
    assert with_value(instance, read_value(tables), utility_scale=10_000).utility.tolist() == instance.utility.tolist()
    assert main(["generate", "easy", "-o", package, "--tables", str(tables)]) == 2
    assert "needs a recipe with conditions or a fund" in capsys.readouterr().err
