"""Entries of budgets: what is refused, what is counted, money to the last cent."""

from __future__ import annotations

from typing import Any

import pytest
from instances_for_tests import small

from splgbench import check
from splgbench.errors import InputError
from splgbench.extensions import with_extensions
from splgbench.instance import Instance

COSTS = [{"group": group, "cents": 10} for group in ("G1", "G2", "G3")]


def two_years(carry: int = 0, change: int | None = None) -> Instance:
    """One hospital, the same group in two years of three cases each."""
    years: dict[str, Any] = {
        "years": ["2030", "2031"],
        "groups": [{"group": "K@2030", "year": "2030"}, {"group": "K@2031", "year": "2031"}],
    }
    if change is not None:
        years["change_cases"] = change
    budget = {
        "group_costs": [{"group": "K@2030", "cents": 10}, {"group": "K@2031", "cents": 10}],
        "budgets": [{"year": "2030", "cents": 25}, {"year": "2031", "cents": 25}],
    }
    if carry:
        budget["carry_over_cents"] = carry  # type: ignore[assignment]
    return Instance.from_tables(
        hospitals=["H"],
        groups={"group": ["K@2030", "K@2031"], "area": ["A@2030", "A@2031"]},
        demand={"group": ["K@2030", "K@2031"], "cases": [3, 3]},
        offers={"hospital": ["H", "H"], "group": ["K@2030", "K@2031"], "capacity": [3, 3], "utility": [1, 1]},
        extensions={"years": years, "regional_budget": budget},
    )


def test_money_to_the_last_cent() -> None:
    """A limit is met exactly or broken by what the checker says."""
    for cents, broken in ((100, 0), (99, 1)):
        paid = with_extensions(
            small().with_rules(overrides=False),
            {"regional_budget": {"group_costs": COSTS, "budgets": [{"cents": cents}]}},
        )
        violations = [
            v for v in check(paid, {("H2", "G1"): 9, ("H2", "G3"): 1}).violations if v.rule == "regional_budget"
        ]
        assert [v.amount for v in violations] == ([broken] if broken else [])


def test_what_is_saved_pays_the_year_after() -> None:
    """25 cents a year and 10 a case: 2 and 2 cases; with 5 carried over 2 and 3, and never the other way round."""
    given = {("H", "K@2030"): 2, ("H", "K@2031"): 3}
    assert not check(two_years(carry=0), given).feasible
    assert not check(two_years(carry=4), given).feasible
    assert check(two_years(carry=5), given).feasible
    assert not check(two_years(carry=50), {("H", "K@2030"): 3, ("H", "K@2031"): 2}).feasible


def test_yearly_changes() -> None:
    """At most one case more or fewer than the year before."""
    instance = two_years(carry=25, change=1)
    for cases, feasible in (((0, 1), True), ((0, 2), False), ((2, 1), True), ((2, 0), False)):
        given = {pair: x for pair, x in zip((("H", "K@2030"), ("H", "K@2031")), cases, strict=True) if x}
        verdict = check(instance, given)
        assert verdict.feasible == feasible, cases
        assert all(violation.rule == "years" for violation in verdict.violations)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"group_costs": "free"}, "group_costs: must be a list"),
        ({"group_costs": [5]}, r"group_costs\[0\]: must be an object"),
        ({"group_costs": [{"group": "G1"}]}, "lacks cents"),
        ({"group_costs": [{"group": "G1", "cents": 1, "x": 2}]}, "has no field x"),
        ({"group_costs": [{"group": ["G1"], "cents": 1}]}, "must hold text and whole numbers"),
        ({"group_costs": [{"group": "G9", "cents": 1}]}, "must be a group of the instance"),
        ({"group_costs": [*COSTS, COSTS[0]]}, "must be unique"),
        ({"group_costs": [{"group": "G1", "cents": -1}]}, "whole number of at least 0"),
        ({"group_costs": [{"group": "G1", "cents": 2**53}]}, "below 9007199254740992"),
        ({"group_costs": COSTS[:1]}, "must name the cost of G2"),
        ({"group_costs": [row | {"cents": 2**52} for row in COSTS]}, None),
        ({"offer_costs": [{"hospital": "H2", "group": "G2", "cents": 1}]}, "must name an existing offer"),
        ({"offer_costs": [{"hospital": "H1", "group": "G1", "cents": 1}] * 2}, "must be unique"),
        ({"budgets": [{"region": "R", "cents": 1}]}, "needs a regions table"),
        ({"budgets": [{"year": "2030", "cents": 1}]}, "needs the extension years"),
        ({"budgets": [{"cents": 1}, {"cents": 2}]}, "one budget a year"),
        ({"carry_over_cents": 5}, "needs the extension years"),
        ({"limit": 5}, "limit: is no field"),
    ],
)
def test_broken_entries(change: dict[str, Any], words: str | None) -> None:
    """Each is refused with file, field and rule."""
    entry = {"group_costs": COSTS, "budgets": [{"cents": 100}], **change}
    if words is None:
        assert with_extensions(small(), {"regional_budget": entry}).extensions
        return
    with pytest.raises(InputError, match=words) as caught:
        with_extensions(small(), {"regional_budget": entry})
    assert caught.value.problems[0].file == "datapackage.json"
    assert str(caught.value.problems[0].column).startswith("splgbench.extensions.regional_budget")


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ([], "must be an object"),
        ({"years": [], "groups": []}, "must name at least one year"),
        ({"years": ["1", "1"], "groups": []}, "each once"),
        ({"years": "1", "groups": []}, "must be a list of years"),
        ({"years": ["1"], "groups": []}, "must name every group; G1 is missing"),
        ({"years": ["1"], "groups": [{"group": "G1", "year": "2"}]}, "must be one of years"),
        ({"years": ["1"], "groups": [{"group": "G1", "year": "1"}] * 2}, "a group has one year"),
        ({"years": ["1"], "groups": [{"group": "G7", "year": "1"}]}, "must be a group of the instance"),
        ({"years": ["1"], "groups": [], "change_bp": 10_001}, "change_bp: must be a whole number"),
    ],
)
def test_broken_years(entry: Any, words: str) -> None:
    """Each is refused."""
    with pytest.raises(InputError, match=words):
        with_extensions(small(), {"years": entry})


def test_sums_that_do_not_fit_are_refused() -> None:
    """int64 stays exact."""
    costs = [row | {"cents": 2**53 - 1} for row in COSTS]
    tables: dict[str, Any] = small().to_tables()
    tables["demand"]["cases"] = [1000] * 3
    tables["offers"]["capacity"] = [500] * 5
    tables = {name: columns for name, columns in tables.items() if name not in ("area_capacity", "overrides")}
    entry = {"group_costs": costs, "budgets": [{"cents": 1}]}
    with pytest.raises(InputError, match="must cost less than"):
        Instance.from_tables(**tables, extensions={"regional_budget": entry})
