"""Forecast: rates times population, three scenarios, beds and intervals."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from splgbench.errors import InputError
from splgbench.planning.forecast import ForecastRules, forecast

GROUPS = {"group": ["G"], "area": ["A"], "level": ["basic"], "stay": [5.0]}
NEED = {
    "group": ["G"],
    "observed": [100],
    "expected": [80.0],
    "residual": [20.0],
    "low": [5.0],
    "high": [35.0],
    "overuse": [20],
    "screened": [1],
    "supply_share": [50],
    "reduction": [10],
    "need": [90],
}
PROFILE = {"group": ["G"] * 3, "age": ["young", "old", "old"], "sex": ["f", "f", "m"], "cases": [100, 200, 200]}
POPULATION = {
    "year": [2018] * 3 + [2020] * 3 + [2024] * 3,
    "age": ["young", "old", "old"] * 3,
    "sex": ["f", "f", "m"] * 3,
    "persons": [1000, 400, 400, 1000, 440, 480, 900, 500, 600],
}
TRENDS = {"group": ["G", "G"], "lever": ["ambulatory", "stay"], "percent_per_year": [-1.0, -2.0]}
RULES = ForecastRules(2018, (2020, 2024), occupancy=0.8, draws=0)


def cell(columns: dict[str, list[Any]], scenario: str, year: int, column: str) -> Any:
    rows = zip(columns["scenario"], columns["year"], columns[column], strict=True)
    return next(value for s, y, value in rows if (s, y) == (scenario, year))


def test_a_case_computed_by_hand() -> None:
    """100 cases are 20 young women, 40 old women, 40 old men; docs/planning.md has the arithmetic."""
    found = forecast(GROUPS, NEED, PROFILE, POPULATION, RULES, TRENDS)
    # 20 x 1000/1000 + 40 x 440/400 + 40 x 480/400 = 112; 20 x 0.9 + 40 x 1.25 + 40 x 1.5 = 128
    assert cell(found, "passive", 2020, "mean") == pytest.approx(112)
    assert cell(found, "passive", 2024, "mean") == pytest.approx(128)
    # active: a tenth goes by 2020; 1 % a year shifts to ambulatory care
    assert cell(found, "active", 2020, "mean") == pytest.approx(112 * 0.9 * 0.99**2)
    assert cell(found, "active", 2024, "mean") == pytest.approx(128 * 0.9 * 0.99**6)
    assert cell(found, "restrictive", 2024, "mean") == pytest.approx(128 * 0.8 * 0.99**6)
    assert cell(found, "active", 2024, "cases") == math.floor(128 * 0.9 * 0.99**6 + 0.5) == 108
    # beds: cases x stay / (365 x 0.8); the stay falls by 2 % a year
    assert cell(found, "passive", 2020, "beds") == pytest.approx(112 * 5 / 292)
    assert cell(found, "active", 2024, "bed_days") == pytest.approx(128 * 0.9 * 0.99**6 * 5 * 0.98**6)
    assert cell(found, "active", 2020, "mean") == pytest.approx(98.79, abs=0.005)
    assert "112 x 0.9 x 0.9801 = 98.79" in Path("docs/planning.md").read_text("utf-8")


def test_the_reduction_comes_linearly() -> None:
    """Halfway to the first year of the horizon half of it is gone: seen with a horizon that starts later."""
    half = ForecastRules(2018, (2020, 2024), draws=0)
    late = ForecastRules(2018, (2024,), draws=0)
    first = forecast(GROUPS, NEED, PROFILE, POPULATION, half)
    second = forecast(GROUPS, NEED, PROFILE, POPULATION, late)
    assert cell(first, "active", 2024, "mean") == cell(second, "active", 2024, "mean") == pytest.approx(128 * 0.9)
    assert cell(first, "active", 2020, "mean") == pytest.approx(112 * 0.9)


def test_groups_that_are_not_screened_keep_their_cases() -> None:
    """Without screening active and restrictive are the passive scenario with trends."""
    found = forecast(GROUPS, NEED | {"screened": [0]}, PROFILE, POPULATION, RULES, TRENDS)
    assert (
        cell(found, "active", 2020, "mean") == cell(found, "restrictive", 2020, "mean") == pytest.approx(112 * 0.9801)
    )


def test_the_same_population_gives_the_cases_of_the_base_year() -> None:
    """Rates times the population they were taken from."""
    same = POPULATION | {"persons": POPULATION["persons"][:3] * 3}
    found = forecast(GROUPS, NEED, PROFILE, same, RULES)
    assert cell(found, "passive", 2024, "cases") == 100


def test_intervals_hold_the_future_as_often_as_promised() -> None:
    """A future drawn from true rates lies in the interval made from a drawn base year, in about 95 % of 250 worlds."""
    draw = np.random.Generator(np.random.PCG64(3))
    true = np.array([40.0, 80.0, 80.0])
    grown = np.array([0.9, 1.25, 1.5])
    held, runs = 0, 250
    for seed in range(runs):
        base = int(draw.poisson(true).sum())
        need = NEED | {"observed": [base], "screened": [0]}
        found = forecast(GROUPS, need, PROFILE, POPULATION, ForecastRules(2018, (2024,), draws=400, seed=seed))
        low, high = (cell(found, "passive", 2024, end) for end in ("low", "high"))
        held += low <= draw.poisson(true @ grown) <= high
    # Counts are whole, so the interval is a little wide; the profile is known, so it is a little wide again.
    assert 0.95 - 3 * math.sqrt(0.95 * 0.05 / runs) <= held / runs <= 1


def test_the_simulation_is_the_same_for_the_same_seed() -> None:
    """And another for another."""
    one, two, three = (
        forecast(GROUPS, NEED, PROFILE, POPULATION, ForecastRules(2018, (2024,), draws=50, seed=seed))
        for seed in (1, 1, 2)
    )
    assert one == two != three


def test_what_is_missing_is_named() -> None:
    """A year without population, a group without profile, an age without persons, a horizon before the base year."""
    with pytest.raises(InputError, match="must name the population of 2030"):
        forecast(GROUPS, NEED, PROFILE, POPULATION, ForecastRules(2018, (2030,)))
    with pytest.raises(InputError, match=r"must have cases of every group that has some \(found 'G'\)"):
        forecast(GROUPS, NEED, {key: cells[:0] for key, cells in PROFILE.items()}, POPULATION, RULES)
    with pytest.raises(InputError, match="row 1, column age: must have persons in the base year"):
        forecast(GROUPS, NEED, PROFILE | {"age": ["unborn", "old", "old"]}, POPULATION, RULES)
    with pytest.raises(InputError, match="the horizon must lie after the base year"):
        ForecastRules(2018, (2018,))
