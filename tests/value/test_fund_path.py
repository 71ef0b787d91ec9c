"""A fund's budgets as those of an allocation: against enumeration, with years and without, from the command line."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from splgbench.checker import check
from splgbench.cli import main
from splgbench.errors import InputError
from splgbench.extensions import entries_of, with_extensions
from splgbench.instance import Instance
from splgbench.library import load
from splgbench.methods import method
from splgbench.testing.relations.fund_path import Funded, best_under_fund
from splgbench.value.fund import Contract, Step, account, read_fund
from splgbench.value.fund_check import account_errors
from splgbench.value.fund_path import actual_costs, under_fund

CONTRACT = Contract((Step(1, 1, 1000), Step(2, 2, 0), Step(3, 3, -1000)), carry_over_cents=300)
RISK = {"year": [1], "risk_group": ["all"], "insured": [2], "norm_cents": [900]}
"""18 francs a year: budgets of 19.80, 18 and 16.20."""
BUDGETS = [1980, 1800, 1620]
COSTS = {"hospital": ["Nord", "Sued"], "group": ["HIP", "HIP"], "cost": [4, 3]}
CARRIED = (0, 180, 300, 1500)
FUND = Path("docs/examples/fund/three-valleys.toml")


def hips(regions: bool = False) -> Instance:
    """Five cases; 5 units each at Nord, which has room for four, and 4 at Sued."""
    tables: dict[str, Any] = {
        "hospitals": ["Nord", "Sued"],
        "groups": {"group": ["HIP"], "area": ["ORTHO"], "minimum_cases": [2]},
        "demand": {"group": ["HIP"], "cases": [5]},
        "offers": {"hospital": ["Nord", "Sued"], "group": ["HIP", "HIP"], "capacity": [4, 5], "utility": [6, 4]},
        "name": "hips",
    }
    if regions:
        tables["regions"] = {"region": ["R1", "R2"]}
        tables["demand"]["region"] = ["R1"]
        tables["offers"]["region"] = ["R1", "R1"]
    return Instance.from_tables(**tables)


@pytest.mark.parametrize("carry", CARRIED)
def test_the_path_limits_year_by_year(carry: int) -> None:
    """The optimum is that of enumeration, whatever may be carried over, and the checker counts cents."""
    contract = replace(CONTRACT, carry_over_cents=carry)
    funded = under_fund(hips(), contract, RISK, COSTS)
    assert [row["cents"] for row in entries_of(funded)["regional_budget"]["budgets"]] == BUDGETS
    for name in ("strengthened@highs", "linked@cpsat", "lagrangian-budget"):
        result = method(name).solve(funded)
        assert (str(result.status), result.primal) == (
            "optimal",
            best_under_fund(hips(), Funded(contract, RISK, COSTS)),
        )
    assert result.volumes is not None
    actual = actual_costs(funded, result.volumes.tolist())
    assert all(spent <= most + carry for spent, most in zip(actual["cost_cents"], BUDGETS, strict=True))
    found = account(contract, RISK, actual)
    assert found.table["actual"] == actual["cost_cents"]
    assert account_errors(contract, RISK, actual, found) == []
    dear = {("Nord", "HIP@Y1"): 4, ("Nord", "HIP@Y2"): 4, ("Nord", "HIP@Y3"): 4}
    assert check(funded, dear).feasible
    assert not check(funded, dear | {("Sued", "HIP@Y3"): 1}).feasible


def test_what_is_carried_over_is_worth_something() -> None:
    """Enumeration itself tells the limits apart, so that the test above can."""
    contracts = [replace(CONTRACT, carry_over_cents=carry) for carry in CARRIED]
    assert len({best_under_fund(hips(), Funded(contract, RISK, COSTS)) for contract in contracts}) > 1


def test_an_instance_with_years_keeps_them() -> None:
    """Fewer years than the contract's are its first ones; its own costs in cents stay; other rules do, too."""
    one = under_fund(hips(), replace(CONTRACT, path=(Step(1, 2, 0),)), RISK, COSTS)
    entries = entries_of(one)
    entries["years"] |= {"change_bp": 0, "change_cases": 1}
    two = under_fund(with_extensions(one.plain, entries), CONTRACT, RISK)
    found = entries_of(two)
    assert found["years"] == entries["years"]
    assert [row["cents"] for row in found["regional_budget"]["budgets"]] == BUDGETS[:2]
    assert found["regional_budget"]["offer_costs"] == entries["regional_budget"]["offer_costs"]
    assert found["regional_budget"]["carry_over_cents"] == 300
    again = {
        **COSTS,
        "hospital": ["Nord", "Nord", "Sued", "Sued"],
        "group": ["HIP@Y1", "HIP@Y2"] * 2,
        "cost": [1, 2, 3, 4],
    }
    dearer = under_fund(two, CONTRACT, RISK, again)
    assert [row["cents"] for row in entries_of(dearer)["regional_budget"]["offer_costs"]] == [100, 200, 300, 400]


def test_a_region_has_its_fund() -> None:
    """Budgets are those of the region that is named."""
    funded = under_fund(hips(regions=True), CONTRACT, RISK, COSTS, "R1")
    assert {row["region"] for row in entries_of(funded)["regional_budget"]["budgets"]} == {"R1"}
    assert actual_costs(funded, [1] * funded.n_offers) == {"year": [1, 2, 3], "cost_cents": [700] * 3}


def test_what_does_not_fit_is_refused() -> None:
    """Years beyond the contract, extensions without years, regions that are missing or unknown, no budgets."""
    with pytest.raises(InputError, match="one of the instance's regions"):
        under_fund(hips(regions=True), CONTRACT, RISK, COSTS)
    with pytest.raises(InputError, match="one of the instance's regions"):
        under_fund(hips(regions=True), CONTRACT, RISK, COSTS, "R9")
    with pytest.raises(InputError, match="must be left out"):
        under_fund(hips(), CONTRACT, RISK, COSTS, "R1")
    with pytest.raises(InputError, match="must have a column cost"):
        under_fund(hips(), CONTRACT, RISK)
    funded = under_fund(hips(), CONTRACT, RISK, COSTS)
    with pytest.raises(InputError, match="has 3 years, the contract 2"):
        under_fund(funded, Contract((Step(1, 2, 0),)), RISK)
    unlimited = with_extensions(hips(), {"regional_budget": {"budgets": []}})
    with pytest.raises(InputError, match="must have the extension years"):
        under_fund(unlimited, CONTRACT, RISK, COSTS)
    with pytest.raises(InputError, match="must have the budgets of a fund"):
        actual_costs(hips(), [0, 0])
    entries = entries_of(funded)
    del entries["regional_budget"]["budgets"][1]
    with pytest.raises(InputError, match="one budget a year"):
        actual_costs(with_extensions(funded.plain, entries), [0] * funded.n_offers)


def test_the_page_s_commands(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The package that is written has the account's budgets, and an allocation's costs are the account's."""
    plain, valued, funded = (str(tmp_path / name) for name in ("three-valleys", "by-value", "funded"))
    assert main(["import", "docs/examples/import/three-valleys.toml", "-o", plain]) == 0
    assert main(["value", plain, "docs/examples/value", "-o", valued]) == 0
    assert main(["fund", str(FUND), "--instance", valued, "--package", funded]) == 0
    instance, fund = load(funded), read_fund(FUND)
    entry = entries_of(instance)["regional_budget"]
    assert [row["cents"] for row in entry["budgets"]] == fund.account().table["budget"]
    assert entry["carry_over_cents"] == fund.contract.carry_over_cents
    assert {row["cents"] for row in entry["offer_costs"] if row["group"].startswith("BEW1@")} >= {18_000_00}
    capsys.readouterr()
    allocation = tmp_path / "allocation.csv"
    allocation.write_text("hospital,group,cases\nMittelsee,BEW1@Y01,100\nMittelsee,BEW1@Y20,50\n")
    arguments = ["fund", str(FUND), "--instance", funded, "--allocation", str(allocation)]
    assert main([*arguments, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)["account"]["actual"]
    assert told == [180_000_000, *[0] * 18, 90_000_000]
    allocation.write_text("hospital,group,cases\nMittelsee,BEW1@Y01,1\n")
    assert main(arguments) == 2
    assert "must obey the instance" in capsys.readouterr().err
    assert main(["fund", str(FUND), "--instance", funded]) == 2
    assert main(["fund", str(FUND), "--costs", "costs.csv"]) == 2


def test_the_example_by_hand() -> None:
    """124 units without carry-over, 126 with; the optimum of the page's text, year by year."""
    tables = {"hospital": ["Nord", "Sued"], "group": ["HIP", "HIP"]}
    ten = Instance.from_tables(
        hospitals=["Nord", "Sued"],
        groups={"group": ["HIP"], "area": ["ORTHO"]},
        demand={"group": ["HIP"], "cases": [10]},
        offers={**tables, "capacity": [10, 10], "utility": [5, 4]},
    )
    insured = {"year": [1], "risk_group": ["all"], "insured": [10], "norm_cents": [1_600_000]}
    for carried, optimum, volumes in ((0, 124, [5, 2, 1, 5, 8, 8]), (600_000, 126, [5, 1, 0, 5, 9, 10])):
        funded = under_fund(
            ten, replace(CONTRACT, carry_over_cents=carried), insured, {**tables, "cost": [20_000, 15_000]}
        )
        verdict = check(funded, np.array(volumes, dtype=np.int64))
        assert (verdict.feasible, verdict.objective) == (True, optimum)
        assert method("strengthened@highs").solve(funded).primal == optimum
        assert f": {optimum} units" in Path("docs/value.md").read_text("utf-8").replace("\n", " ")
