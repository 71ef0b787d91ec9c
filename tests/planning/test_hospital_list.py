"""The hospital list and what it means: coverage, concentration, travel, cost."""

from __future__ import annotations

import csv

import pytest
from planning_for_tests import GROUPS, decision, instance, solver

from splgbench.errors import InputError
from splgbench.planning.hospital_list import canton_part, hospital_list
from splgbench.planning.overrides import apply
from splgbench.sources.raw import raw_folder

STATUS_QUO = {"hospital": ["East", "North", "South"], "group": ["HIP", "HIP", "KNEE"], "cases": [20, 44, 30]}
REGIONS = {"region": ["town", "valley", "abroad"], "population": [300, 100, 900], "planned": [1, 1, 0]}
TRAVEL = {
    "region": ["town"] * 3 + ["valley"] * 3,
    "hospital": ["East", "North", "South"] * 2,
    "minutes": [10, 20, 30, 50, 40, 10],
}
COSTS = {"hospital": ["East", "North", "South"], "cost_per_point": [10_000, 12_000, 9_001]}


def test_mandates_volumes_and_coverage() -> None:
    """Volumes stand only where the group is under volume dialogue; HHI of 40 and 20 cases is 5/9."""
    given = instance()
    found = hospital_list(given, solver().solve(given).volumes, GROUPS, STATUS_QUO)
    rows = list(zip(*found.mandates.values(), strict=True))
    assert rows == [
        ("North", "HIP", 40, 40, 40, 44, "", ""),
        ("South", "HIP", 20, 20, 40, 0, "", ""),
        ("South", "KNEE", 30, None, 30, 30, "", ""),
    ]
    coverage = {row[0]: row[1:] for row in zip(*found.coverage.values(), strict=True)}
    assert coverage["HIP"] == (60, 60, 0, 1.0, 2, 40 / 60, pytest.approx(5 / 9))
    assert coverage["all"] == (90, 90, 0, 1.0, 3, None, None)


def test_unmet_need_is_counted() -> None:
    """Without East and South, North's room is 40 of 60; nobody treats knees."""
    given = instance()
    for hospital, group in (("East", "HIP"), ("South", "HIP"), ("East", "KNEE"), ("South", "KNEE")):
        given = apply(given, decision("refuse", hospital, group))
    found = hospital_list(given, solver().solve(given).volumes, GROUPS).coverage
    assert found["unmet"] == [20, 30, 50]
    assert found["coverage"] == [pytest.approx(2 / 3), 0.0, pytest.approx(4 / 9)]


def test_travel_is_the_mean_over_cases_and_people() -> None:
    """North 25 minutes, South 25, East 20: only planned regions count."""
    given = instance()
    found = hospital_list(given, solver().solve(given).volumes, GROUPS, STATUS_QUO, TRAVEL, REGIONS).travel
    rows = {row[0]: row[1:] for row in zip(*found.values(), strict=True)}
    assert rows["KNEE"] == pytest.approx((25, 25, 0))
    assert rows["HIP"] == pytest.approx((25, (20 * 20 + 44 * 25) / 64, 25 - 1500 / 64))


def test_cost_effect_and_the_canton_s_share() -> None:
    """Cases times the hospital's cost and the group's weight, in whole CHF; 55 per cent of it."""
    given = instance()
    found = hospital_list(given, solver().solve(given).volumes, GROUPS, STATUS_QUO, costs=COSTS).costs
    rows = {row[0]: row[1:] for row in zip(*found.values(), strict=True)}
    now = 20 * 20_000 + 44 * 24_000
    new = 40 * 24_000 + 20 * 18_002
    assert rows["HIP"] == (60, 64, new, now, new - now, canton_part(new - now))
    assert rows["all"][4] == rows["HIP"][4] + rows["KNEE"][4]
    assert (canton_part(1001), canton_part(-1001), canton_part(-1001, 100)) == (550, -550, -1001)


def test_the_published_saving_is_of_the_order_of_cases_times_cost() -> None:
    """About 4,000 cases less and about CHF 35 million a year; the region's real mean cost of a case gives 30 to 60."""
    with (raw_folder("splg_partial") / "basel_project_facts.csv").open(encoding="utf-8") as stream:
        facts = {row["quantity"]: row for row in csv.DictReader(stream)}
    assert "35 million CHF" in facts["reduction_2024_vs_2018"]["note"]
    from splgbench.planning.example import _hospitals

    hospitals = _hospitals()
    cost = sum(h.number("KostStatA") for h in hospitals) / sum(h.number("AustStatMSA") for h in hospitals)
    saved = float(facts["reduction_2024_vs_2018"]["value"]) * cost
    assert 30e6 < saved < 60e6


def test_missing_travel_times_and_costs_are_named() -> None:
    """A hospital with cases must have them."""
    given = instance()
    volumes = solver().solve(given).volumes
    fewer = {key: cells[:-1] for key, cells in TRAVEL.items()}
    with pytest.raises(InputError, match=r"must have minutes from every planned region \(found 'South'\)"):
        hospital_list(given, volumes, GROUPS, None, fewer, REGIONS)
    with pytest.raises(InputError, match=r"must have a cost for every hospital with cases \(found 'South'\)"):
        hospital_list(given, volumes, GROUPS, costs={key: cells[:2] for key, cells in COSTS.items()})
