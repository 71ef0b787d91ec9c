"""Step 5, first half: need, offers and benefit become an instance of the allocation problem."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from splgbench.instance import Instance
from splgbench.planning.eligibility import LINKS
from splgbench.planning.tables import Columns, columns_of, sheet

OVERRIDE_COLUMNS = ("hospital", "group", "action", "reason", "cases", "rule", "author", "date")


def demand_of(forecast: Any, scenario: str, year: int) -> dict[str, int]:
    """Cases by group of one scenario and year of the table `forecast`.

    Raises
    ------
    InputError
        It has no such row.
    """
    table = sheet("forecast", forecast)
    found = {
        group: cases
        for _, at_scenario, at_year, group, cases in table.rows("scenario", "year", "group", "cases")
        if (at_scenario, at_year) == (scenario, year)
    }
    if not found:
        table.report(None, "year", f"must have rows of the scenario {scenario} and the year {year}")
    table.finish()
    return found


def assemble(
    groups: Any,
    hospitals: Any,
    demand: Mapping[str, int],
    offers: Any,
    scores: Any,
    links: Any = None,
    area_capacity: Any = None,
    costs: Any = None,
    *,
    capacity_mode: str = "group",
    utility_scale: int = 100,
    name: str = "",
    metadata: Mapping[str, Any] | None = None,
) -> Instance:
    """The instance without overrides but those that admissions make: an offer whose links are waived is exempt.

    A utility is the ePUS times `utility_scale`, rounded to the nearest whole number.

    Parameters
    ----------
    groups, hospitals, offers, scores, links, area_capacity, costs : tables of these schemas; with the last, offers have
        a column `cost`, which the content hash does not see: of a case, whole CHF, empty where the hospital has none.
    demand : cases by group; groups that are not named have none.

    Raises
    ------
    InputError
        A table breaks its schema or the rules of instance packages; an offer has no score.
    """
    group_sheet, hospital_sheet = sheet("groups", groups), sheet("hospitals", hospitals)
    offer_sheet, score_sheet = sheet("offers", offers), sheet("scores", scores)
    epus = {(h, g): points for _, h, g, points in score_sheet.rows("hospital", "group", "epus")}
    for row, hospital, group in offer_sheet.rows("hospital", "group"):
        if (hospital, group) not in epus:
            offer_sheet.report(
                row, "hospital", f"must have a score in {score_sheet.table.file}", f"{hospital}, {group}"
            )
    offer_sheet.finish()
    pairs = list(zip(offer_sheet["hospital"], offer_sheet["group"], strict=True))
    exempt = exemptions(offer_sheet.columns)
    tables: dict[str, Any] = {
        "hospitals": {key: hospital_sheet[key] for key in ("hospital", "name", "latitude", "longitude", "cooperation")},
        "groups": {
            key: group_sheet[key] for key in ("group", "area", "name", "minimum_cases", "minimum_share_bp", "level")
        },
        "demand": {"group": list(demand), "cases": list(demand.values())},
        "offers": {
            **{key: offer_sheet[key] for key in ("hospital", "group", "capacity")},
            "utility": [math.floor(epus[pair] * utility_scale + 0.5) for pair in pairs],
            **{key: offer_sheet[key] for key in ("exemption", "exemption_reason", "exemption_author")},
        },
    }
    if costs is not None:
        cost_sheet = sheet("costs", costs)
        per_point = dict(zip(cost_sheet["hospital"], cost_sheet["cost_per_point"], strict=True))
        weights = dict(zip(group_sheet["group"], group_sheet["cost_weight"], strict=True))
        tables["offers"]["cost"] = [case_cost(per_point[h], weights[g]) if h in per_point else None for h, g in pairs]
    if links is not None and len(link_sheet := sheet("links", links)):
        tables["links"] = link_sheet.columns
    if area_capacity is not None and len(area_sheet := sheet("area_capacity", area_capacity)):
        tables["area_capacity"] = area_sheet.columns
    if exempt["hospital"]:
        tables["overrides"] = exempt
    return Instance.from_tables(
        **tables,
        capacity_mode=capacity_mode,
        utility_scale=utility_scale,
        name=name,
        metadata=metadata,
    )


def case_cost(cost_per_point: int, cost_weight: float) -> int:
    """What a case of a group costs at a hospital, rounded to the nearest whole CHF."""
    return math.floor(cost_per_point * cost_weight + 0.5)


def exemptions(offers: Columns) -> Columns:
    """Overrides of the package for offers whose links are waived."""
    cells = zip(*(offers[key] for key in ("hospital", "group", "exemption")), strict=True)
    notes = zip(offers["exemption_reason"], offers["exemption_author"], strict=True)
    rows = [
        (hospital, group, "exempt", reason, None, "links", author, "")
        for (hospital, group, waived), (reason, author) in zip(cells, notes, strict=True)
        if set(str(waived).split("|")) & set(LINKS)
    ]
    return columns_of(OVERRIDE_COLUMNS, rows)
