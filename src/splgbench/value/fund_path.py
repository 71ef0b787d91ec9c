"""The fund's budget path as rows of the allocation: what a year's cases cost stays within norm cost and supplement.

Year t of the instance is year t of the contract; with f_k the cost of a case of offer k in cents, s_t what is left of
the budget of year t for the next one, and S the contract's limit on it:

    sum_{k of year t} f_k x_k + s_t <= budget_t + s_{t-1}           budget_t = N_t + supplement_t
    0 <= s_t <= S                                                   s_0 = 0, and 0 in the last year

These are the rows of the extensions `years` and `regional_budget`, with their exact check, on every method. What an
allocation costs then takes the place of the actual cost in the fund's account.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from splgbench.errors import InputError
from splgbench.extensions import entries_of, with_extensions
from splgbench.extensions.regional_budget import RegionalBudget
from splgbench.extensions.years import Years, repeated, year_names
from splgbench.instance import Instance
from splgbench.planning.tables import Columns
from splgbench.transform import from_tables, to_tables
from splgbench.value.frontier import offer_costs
from splgbench.value.fund import Contract, account

CENTS = 100
"""In a whole unit of currency, which the costs of offers are in."""


def under_fund(
    instance: Instance, contract: Contract, risk_groups: Any, costs: Any = None, region: str | None = None
) -> Instance:
    """The instance with the budgets that the fund pays year by year; other regional budgets are gone.

    Parameters
    ----------
    instance : with the extension `years`, of which there are at most the contract's; or without any extension, which
        is then told again for every year of the contract: the group KNEE of year Y02 is KNEE@Y02.
    risk_groups : table of this schema; its norm cost is that of the planned cases.
    costs : table of the schema `offer_costs`, in whole units of currency; None takes the costs of the instance's
        `regional_budget` in cents, else the column `cost` of its offers.
    region : the fund's, where the instance has regions; others have no budget.

    Raises
    ------
    InputError
        A table breaks its schema or lacks an offer, the years do not fit, or the region is none of the instance.
    """
    table = account(contract, risk_groups).table
    if (region is not None) != bool(instance.regions) or (region is not None and region not in instance.regions):
        rule = "must be one of the instance's regions" if instance.regions else "must be left out: there are no regions"
        raise InputError(f"{rule} ({region or 'none given'})", "region")
    entries = entries_of(instance)
    paid = entries.pop(RegionalBudget.name, None)
    if Years.name not in entries:
        if instance.extensions:
            raise InputError("an instance with extensions must have the extension years", instance.name)
        tables = to_tables(instance)
        tables["offers"]["cost"] = offer_costs(instance, costs).tolist()
        instance, costs = _told(instance, tables, year_names(contract.years)), None
        entries = entries_of(instance)
    years = entries[Years.name]["years"]
    if len(years) > contract.years:
        raise InputError(f"has {len(years)} years, the contract {contract.years}", instance.name)
    if paid is not None and costs is None:
        entry = {name: paid[name] for name in ("group_costs", "offer_costs") if name in paid}
    else:
        cents = (CENTS * offer_costs(instance, costs)).tolist()
        pairs = map(instance.offer_name, range(instance.n_offers))
        entry = {
            "offer_costs": [{"hospital": h, "group": g, "cents": f} for (h, g), f in zip(pairs, cents, strict=True)]
        }
    where = {} if region is None else {"region": region}
    entry["budgets"] = [
        {**where, "year": year, "cents": cents} for year, cents in zip(years, table["budget"], strict=False)
    ]
    if contract.carry_over_cents:
        entry["carry_over_cents"] = contract.carry_over_cents
    return with_extensions(instance.plain, entries | {RegionalBudget.name: entry})


def _told(instance: Instance, tables: Any, years: Sequence[str]) -> Instance:
    """The instance in each of the years."""
    told = repeated(tables, years)
    groups = [{"group": f"{group}@{year}", "year": year} for year in years for group in tables["groups"]["group"]]
    entry = {"years": list(years), "groups": groups}
    return from_tables(instance, told, extensions={Years.name: entry}, name=f"{instance.name}-fund")


def actual_costs(instance: Instance, volumes: Sequence[int]) -> Columns:
    """What an allocation costs year by year: a table of the schema `actual`.

    Parameters
    ----------
    instance : as `under_fund` gives it.
    volumes : shape (K,), cases.

    Raises
    ------
    InputError
        The instance does not have one budget a year.
    """
    budget, calendar = (instance.extensions.get(name) for name in (RegionalBudget.name, Years.name))
    if not isinstance(budget, RegionalBudget) or not isinstance(calendar, Years):
        raise InputError("must have the budgets of a fund", instance.name)
    if tuple(year for _, year in budget.places) != calendar.years:
        raise InputError("must have one budget a year", instance.name)
    return {"year": list(range(1, len(calendar.years) + 1)), "cost_cents": budget.spent(volumes)}
